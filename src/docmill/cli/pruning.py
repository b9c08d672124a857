"""`docmill runs prune`: forget what is older than it has to be kept."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from docmill.batch.start import reports_folder
from docmill.batch.state import State, open_state
from docmill.cli.console import put, put_json, talk
from docmill.cli.workspace import here
from docmill.errors import Problem, SpecError
from docmill.records.results import RunInfo
from docmill.spec.load import LoadedWorkspace
from docmill.spec.workspace import Retention
from docmill.store.pruning import Age, Pruner
from docmill.store.runs import run_number


def rules(
    days: float | None, newest: int | None, journals: float | None, pictures: float | None
) -> Retention:
    """What the command line says; what it leaves out is docmill.yaml's to say."""
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
    loaded, _ = here()
    ruling = _merged(loaded.workspace.config.retention, given)
    with open_state(loaded) as state:
        pruner = Pruner(state.engine, _age(ruling))
        old, journals = pruner.old_runs(pipeline), pruner.old_journals()
        removed = 0
        if not dry_run:
            removed = _carry_out(loaded, state, pruner, old=old, journals=journals)
    if json:
        put_json(
            {
                "dry_run": dry_run,
                "runs": [info.id for info in old],
                "journals": len(journals),
                "blob_bytes": removed,
            }
        )
        return
    for info in old:
        put(f"{info.id}  {info.pipeline}  {info.started:%Y-%m-%d}")
    done = "would be removed" if dry_run else "removed"
    put(f"{len(old)} runs and {len(journals)} journals {done}.")
    if not dry_run:
        put(f"{removed / 2**20:.1f} MiB of pictures and layouts removed.")
    if ruling == Retention():
        talk(
            "Nothing has an age limit: docmill runs prune --days 90, or `retention` in docmill.yaml"
        )


def _carry_out(
    loaded: LoadedWorkspace,
    state: State,
    pruner: Pruner,
    *,
    old: tuple[RunInfo, ...],
    journals: tuple[str, ...],
) -> int:
    # Reports first: a run that is forgotten leaves no report behind that nobody can rebuild.
    for info in old:
        with suppress(FileNotFoundError):
            shutil.rmtree(_report(loaded, info))
    if old:
        pruner.forget([run_number(info.id) for info in old])
    pruner.drop_journals(journals)
    removed = state.blobs.prune(pruner.blobs()).bytes
    pruner.shrink()
    return removed


def _report(loaded: LoadedWorkspace, info: RunInfo) -> Path:
    return reports_folder(loaded, info.pipeline) / info.id


def _merged(rules: Retention, given: Retention) -> Retention:
    return rules.model_copy(update=given.model_dump(exclude_unset=True))


def _age(rules: Retention) -> Age:
    now = datetime.now(UTC)

    def before(days: float | None) -> datetime | None:
        return None if days is None else now - timedelta(days=days)

    return Age(
        runs=before(rules.days),
        journals=before(rules.journal_days),
        pictures=before(rules.picture_days),
        newest=rules.newest,
    )
