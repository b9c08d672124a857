"""Old runs, journals and pictures are forgotten; what was found and paid for is kept.

Finished sessions stay, for they are what later runs take their documents from; so do charges. The
blobs themselves lie in `blobs`: here is only which of them are still referred to.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, Select, Table, delete, func, insert, select

from docmill.records.results import RunInfo
from docmill.store.database import exclusive, is_postgres
from docmill.store.dropping import OPEN, Lengths, drop
from docmill.store.heartbeats import is_alive
from docmill.store.keeps import kept_runs
from docmill.store.patience import enduring
from docmill.store.runs import run_id
from docmill.store.schema import (
    approvals,
    balances,
    charges,
    deals,
    deliveries,
    documents,
    events,
    meta,
    origins,
    reservations,
    runs,
    seals,
    sessions,
    shards,
)
from docmill.store.seals import cut, with_sources
from docmill.store.sessions import read_findings

DAY = timedelta(days=1)
PRUNED = "pruned"
"""Key of the table `docmill_meta`: when it was last carried out by itself."""
AT_ONCE = 500
RUNS = "runs"
"""The name that `runs` claims a run under: nobody begins or goes on with one meanwhile."""
_HASH = re.compile(r"\b[0-9a-f]{64}\b")
_OF_RUN = (documents, balances, approvals, reservations, deliveries, origins, deals, shards)


@dataclass(frozen=True, slots=True)
class Age:
    """Until when what is kept; None: for ever. A run that is kept, or at work, is young."""

    runs: datetime | None = None
    """Runs that ended before are forgotten, but for the newest of each pipeline."""
    journals: datetime | None = None
    """Journals of sessions that no run after this refers to."""
    pictures: datetime | None = None
    """Pictures of pages in reports of runs that ended before."""
    newest: int = 3
    """Runs of each pipeline that stay whatever their age."""


class _Run(NamedTuple):
    info: RunInfo
    number: int
    busy: bool
    """A process works on it."""
    kept: bool

    def before(self, day: datetime) -> bool:
        """Whether it is old; a run whose process died counts from when it began."""
        spared = self.busy or self.kept
        return not spared and (self.info.ended or self.info.started) < day


class Pruner:
    """Finds and removes what is older than it may be."""

    def __init__(self, engine: Engine, age: Age) -> None:
        self._engine = engine
        self._age = age

    @enduring
    def old_runs(self, pipeline: str | None = None) -> tuple[RunInfo, ...]:
        """Runs to be forgotten, the oldest first; never one that a process works on."""
        with self._engine.connect() as connection:
            return tuple(run.info for run in self._forgettable(connection, pipeline))

    def _forgettable(self, connection: Connection, pipeline: str | None) -> list[_Run]:
        if self._age.runs is None:
            return []
        seen: dict[str, int] = defaultdict(int)
        found: list[_Run] = []
        for run in reversed(_runs(connection)):
            seen[run.info.pipeline] += 1
            new = seen[run.info.pipeline] <= max(1, self._age.newest)
            if not new and run.before(self._age.runs) and pipeline in (None, run.info.pipeline):
                found.append(run)
        return found[::-1]

    @enduring
    def forget(self, numbers: Collection[int]) -> None:
        """Remove runs with what only they have; findings and charges of their sessions stay.

        One that a process has gone on with since, or that is kept now, stays.
        """
        with exclusive(self._engine, RUNS) as connection:
            old = {run.number for run in self._forgettable(connection, None)}
            for some in cut(sorted(old & set(numbers))):
                for table in _OF_RUN:
                    _delete(connection, table, some)
                names = [run_id(number) for number in some]
                connection.execute(delete(seals).where(seals.c.subject.in_(names)))
                connection.execute(delete(runs).where(runs.c.number.in_(some)))

    @enduring
    def old_journals(self) -> tuple[str, ...]:
        """Sessions whose events are to be removed: no young run refers to them.

        Those that nobody has ended are among them only while no run is at work: it may be its.
        """
        if self._age.journals is None:
            return ()
        with self._engine.connect() as connection:
            young = self._referred_to(connection, self._age.journals)
            query = select(sessions.c.session).where(
                sessions.c.started < self._age.journals.isoformat(),
                sessions.c.session.in_(select(events.c.session).distinct()),
            )
            if _at_work(connection):
                query = query.where(sessions.c.state != OPEN)
            rows = connection.execute(query.order_by(sessions.c.session)).scalars().all()
        return tuple(session for session in rows if session not in young)

    @enduring
    def journal_bytes(self, found: Sequence[str]) -> int:
        """What the events of these sessions take, about."""
        total = 0
        with self._engine.connect() as connection:
            for some in cut(found):
                query = select(func.sum(func.length(events.c.body)))
                total += connection.execute(query.where(events.c.session.in_(some))).scalar() or 0
        return total

    def drop_journals(self, found: Sequence[str]) -> int:
        """Remove the events of these sessions; returns how many that were. Their seals stay."""
        return sum(self._drop(some) for some in cut(found))

    @enduring
    def _drop(self, some: Sequence[str]) -> int:
        with exclusive(self._engine, RUNS) as connection:
            if _at_work(connection):
                over = select(sessions.c.session).where(
                    sessions.c.session.in_(some), sessions.c.state != OPEN
                )
                some = list(connection.execute(over).scalars())
            return drop(connection, some, Lengths(connection))

    @enduring
    def blobs(
        self, *, runs: Collection[int] = (), journals: Collection[str] = ()
    ) -> frozenset[str]:
        """Names of all blobs that are still referred to, pictures of old runs left out.

        Without what only these runs and journals refer to: it is about to go.
        """
        return frozenset(self._blobs(runs, frozenset(journals)))

    def _blobs(self, gone: Collection[int], dropped: Collection[str]) -> Iterator[str]:
        with self._engine.connect() as connection:
            for row in connection.execute(select(origins.c.run, origins.c.blob)):
                if row.run not in gone:
                    yield row.blob
            since = self._age.pictures
            young = None if since is None else self._referred_to(connection, since)
            old: set[str] = set()
            for row in _stream(connection, select(sessions.c.session, sessions.c.findings)):
                if not row.findings:
                    continue
                found = set(_HASH.findall(row.findings))
                if young is not None and row.session not in young:
                    pictures = set(read_findings(row.findings).pictures.values())
                    old |= pictures
                    found -= pictures
                yield from found
            for body in _stream(connection, select(events.c.session, events.c.body)):
                if body.session in dropped:
                    continue
                kept = young is None or body.session in young
                yield from (name for name in _HASH.findall(body.body) if kept or name not in old)

    @enduring
    def pictures(self) -> frozenset[str]:
        """Names of all pictures of pages that were ever shown, whether they are still there."""
        found: set[str] = set()
        with self._engine.connect() as connection:
            for row in _stream(connection, select(sessions.c.findings)):
                if row.findings:
                    found |= set(read_findings(row.findings).pictures.values())
        return frozenset(found)

    @enduring
    def old_reports(self) -> tuple[RunInfo, ...]:
        """Runs whose reports are older than pictures of pages may be."""
        since = self._age.pictures
        if since is None:
            return ()
        with self._engine.connect() as connection:
            return tuple(run.info for run in _runs(connection) if run.before(since))

    def _referred_to(self, connection: Connection, since: datetime) -> frozenset[str]:
        """Sessions in runs that ended since then, or are at work, or are kept."""
        young = [run.number for run in _runs(connection) if not run.before(since)]
        found: set[str] = set()
        for some in cut(young):
            for table in (documents, charges):  # its documents come from them, or it paid for them
                query = select(table.c.session).where(table.c.run.in_(some)).distinct()
                found |= set(connection.execute(query).scalars())
        return frozenset(with_sources(connection, found))

    @enduring
    def claim_day(self, now: datetime) -> bool:
        """Whether nobody has said so for a day; from now on somebody has."""
        this = meta.c.key == PRUNED
        with exclusive(self._engine, PRUNED) as connection:
            found = connection.execute(select(meta.c.value).where(this)).scalar()
            if found is not None and now - datetime.fromisoformat(found) < DAY:
                return False
            connection.execute(delete(meta).where(this))
            connection.execute(insert(meta).values(key=PRUNED, value=now.isoformat()))
        return True

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk, if nobody has to wait for it.

        PostgreSQL sees to it by itself.
        """
        if is_postgres(self._engine):
            return
        with self._engine.connect() as connection:
            if _at_work(connection):
                return
            connection.rollback()
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM")


def _runs(connection: Connection) -> list[_Run]:
    """All runs, by number."""
    kept = kept_runs(connection)
    query = select(runs.c.number, runs.c.info, runs.c.owner).order_by(runs.c.number)
    return [
        _Run(
            RunInfo.model_validate_json(row.info).model_copy(update={"id": run_id(row.number)}),
            row.number,
            busy=is_alive(connection, row.owner),
            kept=row.number in kept,
        )
        for row in connection.execute(query).all()
    ]


def _stream(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """Rows of a whole table: most of a store, and never in memory at once."""
    return iter(connection.execute(query, execution_options={"yield_per": AT_ONCE}))


def _at_work(connection: Connection) -> bool:
    owners = connection.execute(select(runs.c.owner).where(runs.c.owner != "")).scalars().all()
    return any(is_alive(connection, owner) for owner in owners)


def _delete(connection: Connection, table: Table, numbers: Sequence[int]) -> None:
    connection.execute(delete(table).where(table.c.run.in_(numbers)))
