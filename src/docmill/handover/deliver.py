"""Hands a run's results over, one entry of `results` after the other, and says what came of each.

What goes wrong is a `Delivery` that failed; it never changes how the run ended.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from docmill.errors import PrerequisiteError
from docmill.handover.csvfile import write_csv
from docmill.handover.database import open_engine, write_table
from docmill.handover.parquet import require_parquet, write_parquet
from docmill.handover.places import Place, scratch
from docmill.handover.sheets import make_sheet
from docmill.records.deliveries import Delivery
from docmill.records.reader import RunReader
from docmill.records.results import RunInfo
from docmill.report.display import clip, count
from docmill.spec.fields import Field
from docmill.spec.results import Results

LONGEST = 300
"""Characters of what went wrong."""
WRITERS = {"csv": write_csv, "parquet": write_parquet}


@dataclass(frozen=True, slots=True)
class Written:
    """What a hand-over came to."""

    rows: int
    places: tuple[str, ...]


def check(entries: Sequence[Results], *, secrets: Callable[[str], str | None], root: Path) -> None:
    """Find what hand-overs need before anything is spent; nothing is connected to.

    Raises:
        PrerequisiteError: a package or a variable is missing.
    """
    for entry in entries:
        if entry.table is not None:
            _engine(entry, secrets).dispose()
            continue
        if "parquet" in entry.formats:
            require_parquet()
        Place(entry.to or "", root)


def to_be_handed_over(entries: Sequence[Results]) -> list[Delivery]:
    """What is to be handed over, before it was tried."""
    return [
        Delivery(kind="results", position=position, target=entry.target)
        for position, entry in enumerate(entries)
    ]


class HandOver:
    """Hands a stored run over."""

    def __init__(
        self,
        reader: RunReader,
        fields: Mapping[str, Field],
        *,
        secrets: Callable[[str], str | None],
        root: Path,
    ) -> None:
        """`fields` are the record's; `secrets` knows the environment, `root` is the workspace."""
        self._reader = reader
        self._fields = fields
        self._secrets = secrets
        self._root = root

    def to(self, entries: Sequence[Results]) -> Iterator[Delivery]:
        """Hand over to all places, and say what came of each, whatever that is."""
        for entry, delivery in zip(entries, to_be_handed_over(entries), strict=True):
            yield self._tried(entry, delivery)

    def _tried(self, entry: Results, delivery: Delivery) -> Delivery:
        # Each driver raises errors of its own; whichever it is, the run has ended as it has.
        with ThreadPoolExecutor(1) as thread:
            work = thread.submit(self._written, entry)
            error = work.exception()
        tried = {"attempts": 1, "at": datetime.now(UTC)}
        if error is not None:
            failed = {"state": "failed", "detail": _reason(error)}
            return delivery.model_copy(update=tried | failed)
        written = work.result()
        done = {"state": "done", "detail": count(written.rows, "row"), "places": written.places}
        return delivery.model_copy(update=tried | done)

    def _written(self, entry: Results) -> Written:
        sheet = make_sheet(self._reader, self._fields, entry.rows)
        if entry.table is not None:
            engine = _engine(entry, self._secrets)
            try:
                return Written(write_table(sheet, engine, entry.table), (entry.table,))
            finally:
                engine.dispose()
        place = Place(_address(entry, self._reader.info), self._root)
        places: list[str] = []
        rows = 0
        with scratch() as folder:
            files = {kind: folder / f"{sheet.name}.{kind}" for kind in dict.fromkeys(entry.formats)}
            for kind, file in files.items():
                rows = WRITERS[kind](sheet, file)
            # Nothing is put before all is written.
            places += [place.put(file, file.name) for file in files.values()]
        return Written(rows, tuple(places))


def _address(entry: Results, info: RunInfo) -> str:
    named = {"pipeline": info.pipeline, "run": info.id}
    return (entry.to or "").format_map(named)


def _engine(entry: Results, secrets: Callable[[str], str | None]) -> Engine:
    variable = entry.database_env or ""
    address = secrets(variable)
    if address is None:
        raise PrerequisiteError(
            f"The variable {variable} with the address of the results' database is not set.",
            remedy=f"Set it: export {variable}=postgresql://USER@HOST/DATABASE",
        )
    return open_engine(address, variable)


def _reason(error: BaseException) -> str:
    """What went wrong in one line; without the statement and what was in it."""
    if isinstance(error, DBAPIError):
        error = error.orig or error
    said = str(error).strip().partition("\n")[0]
    return clip(f"{type(error).__name__}: {said}" if said else type(error).__name__, LONGEST)
