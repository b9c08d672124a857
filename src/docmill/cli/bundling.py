"""The commands `export` and `verify` with their arguments; the work is done in `exporting`."""

from pathlib import Path
from typing import Annotated

import typer

from docmill.cli.arguments import Json, RunName


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(export)
    app.command()(verify)


def export(
    run: RunName = "latest",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Default: RUN.zip in this folder."),
    ] = None,
    *,
    documents: Annotated[
        bool, typer.Option("--documents", help="With the documents themselves.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a run into one file: specs, journals, charges, records, report, and their hashes."""
    from docmill.cli import exporting

    exporting.export(run, output, documents=documents, json=json)


def verify(
    bundle: Annotated[Path, typer.Argument(help="File that `docmill export` wrote.")],
    head: Annotated[
        str | None,
        typer.Option(metavar="SEAL", help="The seal a report shows; the bundle must have it."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Check a bundle's hash chains and derive every cell of its report again; offline."""
    from docmill.cli import exporting

    exporting.verify(bundle, head, json=json)
