"""Commands of production with their arguments; the work is done in the sibling modules."""

from typing import Annotated

import typer

from docmill.cli.arguments import Json, Pipeline, RunName


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(deploy)
    app.command()(worker)
    app.command()(watch)
    app.command()(serve_stack)
    app.command(hidden=True)(standby)
    app.command(hidden=True)(shard)


def deploy(
    pipelines: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PIPELINE]...", help="Files in pipelines/; all if left out."),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    json: Json = False,
) -> None:
    """Register pipelines with Prefect as deployments: schedule, parameters, version.

    Without names all pipelines are registered, and deployments of removed ones are taken away.
    """
    from docmill.cli import deploying

    deploying.deploy(pipelines or [], dry_run=dry_run, json=json)


def worker(
    pool: Annotated[
        str | None, typer.Option(metavar="NAME", help="Another pool than docmill.yaml's.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Runs at once; no limit if left out.")
    ] = None,
    grace: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="For runs to end in, once told to.")
    ] = 60,
) -> None:
    """Run what deployments schedule: a Prefect worker for the workspace's pool.

    Away from any workspace it works for the server of PREFECT_API_URL, and fetches workspaces.
    SIGTERM or Ctrl-C ends its runs, then itself; a second one ends it at once.
    """
    from docmill.cli import working

    working.worker(pool=pool, limit=limit, grace=grace)


def watch(
    pipeline: Pipeline = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Do what lies there now, then end.")] = False,
) -> None:
    """Run the pipeline over what is dropped into its watched folder or bucket, until Ctrl-C."""
    from docmill.cli import watching

    watching.watch(pipeline, once=once)


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


def standby(pipeline: str) -> None:
    """A watcher's run: `docmill run --json` over the folder that is named on stdin."""
    from docmill.flow.prefect_process import flow_side

    with flow_side() as process:
        from docmill.cli import watching

        watching.standby(pipeline, process=process)


def shard(run: RunName, name: str) -> None:
    """Carry out a share of a run's documents; runs start it on workers."""
    from docmill.cli import sharding

    sharding.shard(run, name)
