"""`docmill runs prune`, `keep` and `release`: what is old is forgotten, but for what is kept."""

from collections.abc import Generator
from contextlib import contextmanager

from pydantic import ValidationError

from docmill.batch.retention import Gone, Housekeeping
from docmill.batch.state import open_state
from docmill.cli.console import put, put_json, talk
from docmill.cli.reading import number_of
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.errors import Problem, SpecError
from docmill.report.display import count, size_text
from docmill.spec.workspace import Retention
from docmill.store.keeps import Keeps
from docmill.store.runs import run_id

AGES = ("days", "journal_days", "picture_days")
NO_POLICY = (
    "Nothing has an age limit: docmill runs prune --days 90, or `retention` in docmill.yaml. "
    "Blobs that nothing refers to go all the same."
)


def rules(
    days: float | None, newest: int | None, journals: float | None, pictures: float | None
) -> Retention:
    """What the command line says; what it leaves out is docmill.yaml's to say.

    Raises:
        SpecError: a number is none that can be.
    """
    given = {
        "days": days,
        "newest": newest,
        "journal_days": journals,
        "picture_days": pictures,
    }
    try:
        return Retention.model_validate(
            {name: value for name, value in given.items() if value is not None}
        )
    except ValidationError as error:
        raise SpecError(
            [
                Problem("command line", 0, 0, str(each["loc"][0]), each["msg"], "give a number")
                for each in error.errors()
            ]
        ) from error


def prune(pipeline: str | None, given: Retention, *, dry_run: bool, json: bool) -> None:
    """Forget old runs, journals and pictures; what was found and paid for stays."""
    loaded, settings = here()
    ruling = loaded.workspace.config.retention.model_copy(
        update=given.model_dump(exclude_unset=True)
    )
    with open_state(loaded, settings) as state:
        kept = Keeps(state.engine).all()
        housekeeping = Housekeeping(loaded, state, ruling)
        gone = housekeeping.carry_out(pipeline, dry_run=dry_run)
        if not dry_run:
            housekeeping.shrink()
    if json:
        put_json(
            _as_json(gone, dry_run=dry_run) | {"kept": {each.run: each.reason for each in kept}}
        )
        return
    for info in gone.runs:
        put(f"{info.id}  {info.pipeline}  {info.started:%Y-%m-%d}")
    if gone.runs:
        put()
    done = "would be removed" if dry_run else "removed"
    put_table(
        ["", done, "bytes"],
        [
            ["runs, with their reports", f"{len(gone.runs):,}", size_text(gone.run_bytes)],
            ["journals", f"{gone.journals:,}", size_text(gone.journal_bytes)],
            ["pictures and texts", f"{gone.blobs.blobs:,}", size_text(gone.blobs.bytes)],
            ["pictures from reports of", f"{gone.reports:,}", size_text(gone.report_bytes)],
            ["files that save time", f"{gone.cached.number:,}", size_text(gone.cached.bytes)],
            ["all", "", size_text(gone.bytes)],
        ],
    )
    if kept:
        names = ", ".join(each.run + (f" ({each.reason})" if each.reason else "") for each in kept)
        talk(f"{count(len(kept), 'run')} kept whatever their age: {names}")
    if all(getattr(ruling, name) is None for name in AGES):
        talk(NO_POLICY)


def _as_json(gone: Gone, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "runs": [info.id for info in gone.runs],
        "run_bytes": gone.run_bytes,
        "journals": gone.journals,
        "journal_bytes": gone.journal_bytes,
        "blobs": gone.blobs.blobs,
        "blob_bytes": gone.blobs.bytes,
        "cache_files": gone.cached.number,
        "cache_bytes": gone.cached.bytes,
        "reports": gone.reports,
        "report_bytes": gone.report_bytes,
        "bytes": gone.bytes,
    }


def keep(run: str, reason: str, *, json: bool) -> None:
    """Keep a run whatever its age.

    Raises:
        RunNotFoundError: there is no such run.
    """
    with _known(run) as (keeps, number):
        keeps.keep(number, reason)
    if json:
        put_json({"run": run_id(number), "kept": True, "reason": reason})
    else:
        put(f"{run_id(number)} is kept: no age limit takes it, its journals or its pictures.")


def release(run: str, *, json: bool) -> None:
    """Let a run that was kept go when its time comes.

    Raises:
        RunNotFoundError: there is no such run.
    """
    with _known(run) as (keeps, number):
        was = keeps.release(number)
    if json:
        put_json({"run": run_id(number), "kept": False, "was_kept": was})
    else:
        put(f"{run_id(number)} {'is kept no longer' if was else 'was not kept'}.")


@contextmanager
def _known(run: str) -> Generator[tuple[Keeps, int]]:
    """The runs that are kept, and the number of one that there is."""
    loaded, settings = here()
    with open_state(loaded, settings) as state:
        number = number_of(state, run)
        state.runs.info(number)
        yield Keeps(state.engine), number
