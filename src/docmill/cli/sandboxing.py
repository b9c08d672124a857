"""`docmill sandbox`: its commands, and the self-check they hold.

`app` adds the group. Declares commands only; what they do is imported when they are called.
"""

from pathlib import Path
from typing import Annotated

import typer

from docmill.cli.arguments import Json

app = typer.Typer(help="Sandboxes.", no_args_is_help=True, rich_markup_mode=None)

Backend = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="`bubblewrap` or `docker`; else what the settings say."),
]


@app.command("clean")
def clean(*, json: Json = False) -> None:
    """Remove what killed runs left behind."""
    from docmill.cli import doctoring

    doctoring.clean(json=json)


@app.command("build")
def build(
    environments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ENVIRONMENT]...", help="Files in sandbox/; all if left out."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Get the packages and the Python of environments ready, and start each once."""
    from docmill.cli import environments as rooms

    rooms.build(environments or [], json=json)


@app.command("list")
def list_layers(*, json: Json = False) -> None:
    """List what was built for environments: packages, interpreters, the toolbox."""
    from docmill.cli import environments

    environments.list_layers(json=json)


@app.command("prune")
def prune(
    older_than: Annotated[
        float, typer.Option("--older-than", metavar="DAYS", help="Days without use.", min=0)
    ] = 30,
    *,
    json: Json = False,
) -> None:
    """Remove what no sandbox has used for a while; it is built again when needed."""
    from docmill.cli import environments

    environments.prune(older_than, json=json)


@app.command("selfcheck")
def selfcheck(
    backend: Backend = None,
    only: Annotated[
        str | None, typer.Option(metavar="NAME", help="One attack, or one room of them.")
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Attack a sandbox from inside, in every way we know, and say what held.

    Each attack also runs without a sandbox, against bait made for it, which proves that it works.
    Exits with 1 if an attack isn't contained.
    """
    from docmill.cli import attacking

    attacking.selfcheck(backend, only, workspace=Path.cwd(), json=json)
