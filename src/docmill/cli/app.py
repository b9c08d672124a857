"""The command line: its commands with their arguments; the work is done in the sibling modules."""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from docmill.cli import examples, history, production, sandboxing, stored
from docmill.cli.arguments import Json, Pipeline, RunName, Set
from docmill.cli.console import debugging, flush, put_json, talk
from docmill.errors import DocmillError, PrerequisiteError, SpecError

GARBAGE = 20_000
"""New objects after which a collection of what refers to itself begins; Python's own are 700."""
GROUPS = ("runs", "sandbox", "prefect")

app = typer.Typer(
    name="docmill",
    help="A folder of documents in, a defensible table out.",
    epilog="Exit codes: 0 ok, 1 some documents did not finish, 2 spec, 3 prerequisites, 4 limit.",
    no_args_is_help=True,
    add_completion=False,
    # With a default of its own the option `--help` makes typer import no validation.
    context_settings={
        "help_option_names": ["-h", "--help"],
        "default_map": {"help": False} | {group: {"help": False} for group in GROUPS},
    },
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
prefect_app = typer.Typer(
    help="The workspace's own Prefect server.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(history.app, name="runs")
app.add_typer(sandboxing.app, name="sandbox")
app.add_typer(prefect_app, name="prefect")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist or be empty.")],
    *,
    json: Json = False,
) -> None:
    """Make a workspace with the example pipelines and their documents."""
    from docmill.cli import starting

    starting.init(folder, json=json)


@app.command()
def validate(*, json: Json = False) -> None:
    """Check every file of the workspace and report all mistakes at once."""
    from docmill.cli import checking

    checking.validate(json=json)


@app.command()
def plan(
    pipeline: Pipeline = None,
    settings: Set = None,
    *,
    forecast: Annotated[
        bool, typer.Option("--forecast", help="Also calls, tokens and dollars, with an interval.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what a run would do: documents, model, sandbox, limits. Starts nothing."""
    from docmill.cli import checking

    checking.plan(pipeline, settings or [], forecast=forecast, json=json)


@app.command()
def run(
    pipeline: Pipeline = None,
    settings: Set = None,
    *,
    concurrency: Annotated[
        int | None, typer.Option("-j", "--concurrency", metavar="N", help="Sessions at once.")
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(metavar="N", help="Share the documents among so many workers; 0: none."),
    ] = None,
    json: Json = False,
) -> None:
    """Run a pipeline, or go on with its run that was killed."""
    keys = {"concurrency": concurrency, "scale.shards": shards}
    options = [f"{key}={value}" for key, value in keys.items() if value is not None]
    given = [*(settings or []), *options]
    try:
        from docmill.flow.prefect_process import flow_side

        # Prefect is imported over there while everything else is imported here.
        with flow_side() as process:
            from docmill.cli import running

            running.run(pipeline, given, json=json, process=process)
    except KeyboardInterrupt:
        talk("\nInterrupted; nothing was run.")
        raise


@app.command()
def resume(
    run: RunName = "latest",
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Another limit from here on: `usd=12` for the whole run, or a key of `limits`, "
            "such as `usd_per_document=0.5`.",
        ),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Go on with a run that met a limit, failed or was stopped, under its own number.

    Documents that failed, met a limit or were not done are done again from where their sessions
    stand. What the run spent before counts against its limits.
    """
    try:
        from docmill.flow.prefect_process import flow_side

        with flow_side() as process:
            from docmill.cli import running

            running.resume(run, limit or [], json=json, process=process)
    except KeyboardInterrupt:
        talk("\nInterrupted; nothing was run.")
        raise


stored.register(app)
production.register(app)


@app.command()
def doctor(
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Ask this model a few words, which costs a little, and say what its endpoint "
            "can do.",
        ),
    ] = None,
    *,
    sandbox: Annotated[
        bool,
        typer.Option("--sandbox", help="Which limits hold for a sandbox, and what mends the rest."),
    ] = False,
    vault: Annotated[
        bool, typer.Option("--vault", help="Whether the credentials of every vault can be had.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what this machine has, what it lacks, and the command that mends it.

    Asks no model, unless one is named.
    """
    if sandbox:
        from docmill.cli import limiting

        limiting.doctor_sandbox(json=json)
        return
    if vault:
        from docmill.cli import vaulting

        vaulting.doctor_vault(json=json)
        return
    if model is not None:
        from docmill.cli import probing

        probing.probe_model(model, json=json)
        return
    from docmill.cli import doctoring

    doctoring.doctor(json=json)


@app.command()
def version(*, json: Json = False) -> None:
    """Print docmill's version."""
    from docmill.cli import starting

    starting.version(json=json)


@app.command()
def schemas(*, json: Json = False) -> None:
    """Write the JSON Schemas that editors use for the YAML files of this workspace."""
    from docmill.cli import checking

    checking.schemas(json=json)


@prefect_app.command("start")
def prefect_start(*, json: Json = False) -> None:
    """Start the server, or say where it runs."""
    from docmill.cli import prefect

    prefect.start(json=json)


@prefect_app.command("stop")
def prefect_stop(*, json: Json = False) -> None:
    """Stop the server; its history stays."""
    from docmill.cli import prefect

    prefect.stop(json=json)


@prefect_app.command("status")
def prefect_status(*, json: Json = False) -> None:
    """Say whether the server runs, where, and how to log in to its UI."""
    from docmill.cli import prefect

    prefect.status(json=json)


@prefect_app.command("secret")
def prefect_secret(
    name: Annotated[str, typer.Argument(help="Name of the block: lower case, digits and `-`.")],
) -> None:
    """Write a Secret block for `prefect_secret:`; asks for the text, or reads it from stdin."""
    from docmill.cli import vaulting

    vaulting.keep(name)


examples.attach(app)


def main() -> None:
    """Run the command line; an error is its message, its remedy and its exit code."""
    # Nearly all that lives was loaded and stays; looking through it again and again cost more than
    # reading a document does.
    gc.set_threshold(GARBAGE, 20, 20)
    try:
        app()
    except (DocmillError, OSError) as error:
        if debugging():
            raise
        flush()
        # A full disk, a folder without permission: the operator's to mend, not ours to trace.
        told = error if isinstance(error, DocmillError) else PrerequisiteError(f"{error}.")
        _tell(told)
        sys.exit(told.exit_code)
    finally:
        flush()


def _tell(error: DocmillError) -> None:
    """The message on stderr; where JSON was asked for, also as JSON on stdout."""
    talk(str(error))
    if "--json" in sys.argv:
        problems = error.problems if isinstance(error, SpecError) else ()
        put_json(
            {
                "error": {
                    "message": error.message,
                    "remedy": error.remedy,
                    "problems": [problem._asdict() for problem in problems],
                }
            }
        )
