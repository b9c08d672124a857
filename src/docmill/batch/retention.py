"""Housekeeping: what docmill.yaml's `retention` gives an age to is forgotten when it is older.

`store.pruning` knows what is referred to; here it is carried out over store, blobs and reports,
by `docmill runs prune` or after a run. Nothing without an age is ever touched.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from docmill.batch.state import State
from docmill.blobs import Pruned
from docmill.errors import PrerequisiteError
from docmill.records.results import RunInfo
from docmill.report.display import size_text
from docmill.report.folder import LATEST
from docmill.report.stripping import strip_pictures
from docmill.spec.load import LoadedWorkspace
from docmill.spec.workspace import Retention
from docmill.store.pruning import Age, Pruner
from docmill.store.runs import run_number


class Files(NamedTuple):
    """Some files."""

    number: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Gone:
    """What was removed, or would be."""

    runs: tuple[RunInfo, ...]
    run_bytes: int
    """Of their reports."""
    journals: int
    journal_bytes: int
    """Of their events, about."""
    blobs: Pruned
    """Pictures, words of pages and long results of tools that nothing refers to any more."""
    cached: Files
    """Files that only save time."""
    reports: int
    """Reports that lost pictures of pages."""
    report_bytes: int

    @property
    def bytes(self) -> int:
        """All of it."""
        files = self.blobs.bytes + self.cached.bytes
        return self.run_bytes + self.journal_bytes + self.report_bytes + files


class Housekeeping:
    """Applies a policy to a workspace."""

    def __init__(
        self,
        loaded: LoadedWorkspace,
        state: State,
        rules: Retention,
        *,
        now: datetime | None = None,
    ) -> None:
        self._loaded = loaded
        self._state = state
        self._rules = rules
        self._now = now or datetime.now(UTC)
        self._pruner = Pruner(state.engine, _age(rules, self._now))

    def carry_out(self, pipeline: str | None = None, *, dry_run: bool = False) -> Gone:
        """Forget what is old; with `dry_run` only say what that would be.

        Args:
            pipeline: forget runs of this one only. Journals and pictures go by their own age.
            dry_run: whether nothing is to be removed.

        Raises:
            PrerequisiteError: the store or shared blobs can't be reached, or a folder not written.
        """
        pruner = self._pruner
        old, journals = pruner.old_runs(pipeline), pruner.old_journals()
        numbers = {run_number(info.id) for info in old}
        journal_bytes = pruner.journal_bytes(journals)
        run_bytes = self._remove_reports(old, dry_run=dry_run)
        if dry_run:
            kept = pruner.blobs(runs=numbers, journals=journals)
        else:
            # Reports first: a run that is forgotten leaves none behind that nobody can rebuild.
            pruner.forget(numbers)
            pruner.drop_journals(journals)
            kept = pruner.blobs()
        # Of reports before blobs: a picture that is gone is shown by no page any more.
        stripped = self._strip(kept, without={info.id for info in old}, dry_run=dry_run)
        blobs = self._state.blobs.prune(kept, dry_run=dry_run)
        cached = self._clean_cache(dry_run=dry_run)
        return Gone(
            runs=old, run_bytes=run_bytes, journals=len(journals), journal_bytes=journal_bytes,
            blobs=blobs, cached=cached, reports=len(stripped), report_bytes=sum(stripped),
        )  # fmt: skip

    def due(self) -> bool:
        """Whether nobody has carried it out by itself for a day; then this process is to do it."""
        return self._pruner.claim_day(self._now)

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk, unless a run is at work."""
        self._pruner.shrink()

    def _remove_reports(self, old: Iterable[RunInfo], *, dry_run: bool) -> int:
        freed = 0
        for info in old:
            folder = self._report(info)
            freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            if dry_run:
                continue
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)
            latest = folder.parent / LATEST
            if latest.is_symlink() and not latest.exists():
                latest.unlink()
        return freed

    def _strip(self, kept: frozenset[str], *, without: set[str], dry_run: bool) -> Sequence[int]:
        """Bytes freed of each old report that showed a picture which isn't kept."""
        reports = [info for info in self._pruner.old_reports() if info.id not in without]
        if not reports:
            return ()
        gone = self._pruner.pictures() - kept
        freed = [strip_pictures(self._report(info), gone, dry_run=dry_run) for info in reports]
        return [size for size in freed if size]

    def _clean_cache(self, *, dry_run: bool) -> Files:
        """What only saves time, and that nobody has needed for so long as runs are kept."""
        if self._rules.days is None:
            return Files(0, 0)
        before = (self._now - timedelta(days=self._rules.days)).timestamp()
        files = freed = 0
        for path in self._cached():
            with suppress(FileNotFoundError):  # another process may be at it
                found = path.stat()
                if found.st_mtime < before and path.is_file():
                    files, freed = files + 1, freed + found.st_size
                    if not dry_run:
                        path.unlink()
        return Files(files, freed)

    def _cached(self) -> Iterator[Path]:
        """Answers about the tables of earlier runs; what Prefect's tasks came to."""
        yield from (self._loaded.cache_folder / "expectations").glob("*.json")
        yield from (self._loaded.state_folder / "prefect" / "storage").glob("*")

    def _report(self, info: RunInfo) -> Path:
        return self._loaded.reports_folder(info.pipeline) / info.id


def keep_house(loaded: LoadedWorkspace, state: State, tell: Callable[[str], None]) -> None:
    """After a run: forget what is old, if docmill.yaml says so and a day has gone since.

    What keeps it from that is told, and stops nobody: the run has ended.
    """
    rules = loaded.workspace.config.retention
    if not rules.after_runs:
        return
    try:
        housekeeping = Housekeeping(loaded, state, rules)
        if housekeeping.due():
            gone = housekeeping.carry_out()
            if gone.bytes:
                tell(f"Older than `retention` allows: {size_text(gone.bytes)} removed.")
    except (PrerequisiteError, OSError, SQLAlchemyError) as error:
        tell(f"`retention` could not be carried out: {error} Try: docmill runs prune")


def _age(rules: Retention, now: datetime) -> Age:
    def before(days: float | None) -> datetime | None:
        return None if days is None else now - timedelta(days=days)

    return Age(
        runs=before(rules.days),
        journals=before(rules.journal_days),
        pictures=before(rules.picture_days),
        newest=rules.newest,
    )
