"""`docmill runs`: what was run, looked at and forgotten.

`app` adds the group. Declares commands only; what they do is imported when they are called.
"""

from typing import Annotated

import typer

from docmill.cli.arguments import Json, Pipeline, RunName

app = typer.Typer(help="Runs of this workspace.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_runs(
    pipeline: Pipeline = None,
    limit: Annotated[int, typer.Option(help="How many, the newest first.")] = 20,
    *,
    json: Json = False,
) -> None:
    """List runs, the newest first."""
    from docmill.cli import reading

    reading.list_runs(pipeline, limit, json=json)


@app.command("show")
def show_run(run: RunName = "latest", *, json: Json = False) -> None:
    """Show a run: its documents, how each ended, what it cost."""
    from docmill.cli import reading

    reading.show_run(run, json=json)


@app.command("prune")
def prune(
    pipeline: Pipeline = None,
    days: Annotated[
        float | None, typer.Option(help="Forget runs that ended longer ago, and their reports.")
    ] = None,
    newest: Annotated[
        int | None, typer.Option(help="Runs of each pipeline that stay whatever their age.")
    ] = None,
    journals: Annotated[
        float | None, typer.Option(help="Days after which traces of sessions go.")
    ] = None,
    pictures: Annotated[
        float | None, typer.Option(help="Days after which pictures of pages go.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: Json = False,
) -> None:
    """Forget old runs as `retention` in docmill.yaml says; records and costs are kept.

    A document that an old run has read is not paid for again. See `docmill runs keep` for runs
    that no age limit is to take.
    """
    from docmill.cli import pruning

    rules = pruning.rules(days, newest, journals, pictures)
    pruning.prune(pipeline, rules, dry_run=dry_run, json=json)


@app.command("keep")
def keep(
    run: RunName,
    reason: Annotated[str, typer.Option(help="Why; `docmill runs prune` shows it.")] = "",
    *,
    json: Json = False,
) -> None:
    """Keep a run whatever its age: its report, journals and pictures."""
    from docmill.cli import pruning

    pruning.keep(run, reason, json=json)


@app.command("release")
def release(run: RunName, *, json: Json = False) -> None:
    """Let a run that was kept go when its time comes."""
    from docmill.cli import pruning

    pruning.release(run, json=json)
