"""Arguments and options that several commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="The answer as JSON on stdout.")]
Pipeline = Annotated[
    str | None,
    typer.Argument(help="A file in pipelines/; may be left out if there is one."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("-c", "--set", metavar="KEY=VALUE", help="Override a key of the pipeline."),
]
RunName = Annotated[str, typer.Argument(help="`run-0007`, `7`, or `latest`.")]
