"""Commands with their arguments: `export`, `verify` (`exporting`) and `serve-stack` (`stack`)."""

from pathlib import Path
from typing import Annotated

import typer

from docmill.cli.arguments import Json, RunName


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(export)
    app.command()(verify)
    app.command()(serve_stack)


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


def serve_stack(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only say how the stack is; exit code 0 or 1.")
    ] = False,
    grace: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="For runs to end after SIGTERM."),
    ] = 60,
    workers: Annotated[int, typer.Option(metavar="N", min=0, max=64, help="Workers.")] = 1,
    deploy: Annotated[
        bool, typer.Option("--deploy/--no-deploy", help="Register all pipelines first.")
    ] = True,
    json: Json = False,
) -> None:
    """Run Prefect's server, a worker and all watchers of the workspace; restart what dies."""
    from docmill.cli import stack

    if check:
        stack.check_stack(json=json)
    else:
        stack.serve_stack(grace=grace, workers=workers, deploy=deploy)
