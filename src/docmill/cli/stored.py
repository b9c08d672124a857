"""Commands on stored runs with their arguments; the work is done in the sibling modules."""

from pathlib import Path
from typing import Annotated

import typer

from docmill.cli.arguments import Json, RunName


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(show)
    app.command()(report)
    app.command()(approve)
    app.command()(notify)
    app.command()(results)
    app.command()(export)
    app.command()(verify)


def show(
    run: RunName,
    document: Annotated[str, typer.Argument(help="Id or name of a document of the run.")],
    *,
    json: Json = False,
) -> None:
    """Print the trace of a document's session: every event, every cost."""
    from docmill.cli import trace

    trace.show(run, document, json=json)


def report(run: RunName = "latest", *, json: Json = False) -> None:
    """Write the report of a stored run anew and say where it lies."""
    from docmill.cli import reading

    reading.report(run, json=json)


def approve(
    run: Annotated[
        str | None, typer.Argument(help="`run-0007`, `7`, or `latest`; lists what waits without.")
    ] = None,
    document: Annotated[
        str | None, typer.Argument(help="Id or name of a document of the run.")
    ] = None,
    *,
    deny: Annotated[bool, typer.Option("--deny", help="Refuse instead.")] = False,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why not, as the agent is told.")
    ] = "",
    call: Annotated[str | None, typer.Option(metavar="ID", help="Only this call.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All calls that wait there.")] = False,
    json: Json = False,
) -> None:
    """Allow tool calls that wait for a person (`permission_policy: always_ask`), or list them."""
    from docmill.cli import approving

    if run is None:
        approving.list_waiting(json=json)
        return
    say = approving.Say("deny" if deny else "allow", reason, call, every)
    approving.approve(run, document, say, json=json)


def notify(run: RunName = "latest", *, json: Json = False) -> None:
    """Tell those whom the pipeline's `notify` names of a stored run, once more."""
    from docmill.cli import notifying

    notifying.notify(run, json=json)


def results(run: RunName = "latest", *, json: Json = False) -> None:
    """Hand a stored run over to the places in the pipeline's `results`, once more."""
    from docmill.cli import notifying

    notifying.results(run, json=json)


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
