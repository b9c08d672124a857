"""Old runs, journals and pictures are forgotten; what was found and paid for is kept.

Finished sessions stay, for they are what later runs take their documents from; so do charges. The
blobs themselves lie in `blobs`: here is only which of them are still referred to.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Table, delete, select

from docmill.records.results import RunInfo
from docmill.store.database import is_postgres
from docmill.store.patience import enduring
from docmill.store.runs import run_id
from docmill.store.schema import (
    approvals,
    balances,
    deliveries,
    documents,
    events,
    origins,
    reservations,
    runs,
    seals,
    sessions,
)
from docmill.store.seals import with_sources
from docmill.store.sessions import read_findings

_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Age:
    """Until when what is kept; None: for ever."""

    runs: datetime | None = None
    """Runs that ended before are forgotten, but for the newest of each pipeline."""
    journals: datetime | None = None
    """Journals of sessions that no run after this refers to."""
    pictures: datetime | None = None
    """Pictures of pages in reports of runs that ended before."""
    newest: int = 3
    """Runs of each pipeline that stay whatever their age."""


class Pruner:
    """Finds and removes what is older than it may be; one transaction for each kind."""

    def __init__(self, engine: Engine, age: Age) -> None:
        self._engine = engine
        self._age = age

    @enduring
    def old_runs(self, pipeline: str | None = None) -> tuple[RunInfo, ...]:
        """Runs to be forgotten, the oldest first; never one that a process works on."""
        if self._age.runs is None:
            return ()
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(runs.c.number, runs.c.info, runs.c.owner).order_by(runs.c.number.desc())
            ).all()
        seen: dict[str, int] = defaultdict(int)
        found: list[RunInfo] = []
        for row in rows:
            info = RunInfo.model_validate_json(row.info)
            seen[info.pipeline] += 1
            young = seen[info.pipeline] <= max(1, self._age.newest) or row.owner
            ended = info.ended or info.started
            if not young and ended < self._age.runs and pipeline in (None, info.pipeline):
                found.append(info.model_copy(update={"id": run_id(row.number)}))
        return tuple(reversed(found))

    @enduring
    def forget(self, numbers: Sequence[int]) -> None:
        """Remove runs with what only they have; findings and charges of their sessions stay."""
        with self._engine.begin() as connection:
            for table in (documents, balances, approvals, reservations, deliveries, origins):
                _delete(connection, table, numbers)
            names = [run_id(number) for number in numbers]
            connection.execute(delete(seals).where(seals.c.subject.in_(names)))
            connection.execute(delete(runs).where(runs.c.number.in_(numbers)))

    @enduring
    def old_journals(self) -> tuple[str, ...]:
        """Sessions whose events are to be removed: done, and no young run refers to them."""
        if self._age.journals is None:
            return ()
        with self._engine.connect() as connection:
            young = self._referred_to(connection, self._age.journals)
            rows = connection.execute(
                select(sessions.c.session)
                .where(
                    sessions.c.state != "open",
                    sessions.c.started < self._age.journals.isoformat(),
                    sessions.c.session.in_(select(events.c.session).distinct()),
                )
                .order_by(sessions.c.session)
            ).all()
        return tuple(row.session for row in rows if row.session not in young)

    @enduring
    def drop_journals(self, found: Sequence[str]) -> int:
        """Remove the events of these sessions; returns how many that were. Their seals stay."""
        dropped = 0
        for start in range(0, len(found), _CHUNK):
            some = found[start : start + _CHUNK]
            with self._engine.begin() as connection:
                dropped += connection.execute(
                    delete(events).where(events.c.session.in_(some))
                ).rowcount
        return dropped

    @enduring
    def blobs(self) -> frozenset[str]:
        """Names of all blobs that are still referred to, pictures of old runs left out."""
        return frozenset(self._blobs())

    def _blobs(self) -> Iterator[str]:
        with self._engine.connect() as connection:
            yield from connection.execute(select(origins.c.blob)).scalars()
            young = (
                None
                if self._age.pictures is None
                else self._referred_to(connection, self._age.pictures)
            )
            rows = connection.execute(select(sessions.c.session, sessions.c.findings))
            old: set[str] = set()
            for row in rows:
                if not row.findings:
                    continue
                if young is None or row.session in young:
                    yield from _HASH.findall(row.findings)
                else:
                    pictures = set(read_findings(row.findings).pictures.values())
                    old |= pictures
                    yield from set(_HASH.findall(row.findings)) - pictures
            for body in connection.execute(select(events.c.session, events.c.body)):
                kept = young is None or body.session in young
                yield from (name for name in _HASH.findall(body.body) if kept or name not in old)

    def _referred_to(self, connection: Connection, since: datetime) -> frozenset[str]:
        """Sessions in runs that ended since then, or have not ended."""
        young = [
            row.number
            for row in connection.execute(select(runs.c.number, runs.c.info))
            if (RunInfo.model_validate_json(row.info).ended or since) >= since
        ]
        query = select(documents.c.session).where(documents.c.run.in_(young)).distinct()
        return frozenset(with_sources(connection, connection.execute(query).scalars()))

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk; PostgreSQL sees to it by itself."""
        if is_postgres(self._engine):
            return
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")


def _delete(connection: Connection, table: Table, numbers: Sequence[int]) -> None:
    connection.execute(delete(table).where(table.c.run.in_(numbers)))
