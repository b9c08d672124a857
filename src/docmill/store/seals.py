"""Seals: hash chains over journals and runs, by which a later change of the store is noticed.

A session's chain runs over its events as stored, a run's over all that its report is made from.
docs/bundles.md says what is hashed, byte for byte. A seal is no signature: whoever can write the
store can seal it anew, but not change the head that stands in a report handed out before.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from docmill.records.growth import FieldsKept
from docmill.store.patience import enduring
from docmill.store.remains import Remains, remains_of
from docmill.store.runs import run_id
from docmill.store.schema import charges, documents, events, origins, runs, seals, sessions

Id = TypeVar("Id", str, int)
FORMAT = "docmill.seal/1"
CHUNK = 200
OPEN = "open"
KEPT = FieldsKept(source="", kept=(), asked=()).type
BEGUN = 50
"""What a session takes from earlier ones stands among its first events."""
RUN = [runs.c.pipeline, runs.c.status, runs.c.spec_digest, runs.c.info]
DOCUMENT = [column for column in documents.columns if column.name != "run"]
EVENT = [events.c.session, events.c.position, events.c.type, events.c.at, events.c.body]


class Chain:
    """A running hash: each link is sha256 over the head before it and the link's JSON."""

    def __init__(self, subject: str) -> None:
        self.head = hashlib.sha256(f"{FORMAT}\n{subject}".encode()).hexdigest()
        self.length = 0

    def add(self, *link: object) -> None:
        """Add a link: texts, numbers, booleans and nulls."""
        text = json.dumps(link, ensure_ascii=False, separators=(",", ":"))
        content = f"{self.head}\n{text}".encode("utf-8", "surrogatepass")
        self.head = hashlib.sha256(content).hexdigest()
        self.length += 1


class Seal(NamedTuple):
    """The end of a chain."""

    head: str
    length: int


@dataclass(frozen=True, slots=True)
class RunSeal:
    """What a run's chain came to, and what was found on the way."""

    head: str
    length: int
    open: dict[str, int] = field(default_factory=dict[str, int])
    """Sessions that weren't over, with the length of their journals then."""
    changed: tuple[str, ...] = ()
    """Sessions whose journal isn't the one that was sealed."""
    pruned: tuple[str, ...] = ()
    """Sessions whose journal was pruned; their seals stand for them."""
    journals: int = 0
    """How many journals were read."""


class Seals:
    """Seals runs that have ended, and looks whether they are still what was sealed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @enduring
    def of_run(self, number: int) -> RunSeal | None:
        """The seal a run got when it ended; None for one that was killed, or of older versions."""
        with self._engine.connect() as connection:
            row = connection.execute(
                select(seals).where(seals.c.subject == run_id(number))
            ).one_or_none()
        return RunSeal(row.head, row.length, open=json.loads(row.parts)) if row else None

    @enduring
    def of_session(self, session: str) -> Seal | None:
        """The seal of a session that is over; it stays when its journal is pruned."""
        query = select(seals.c.head, seals.c.length).where(seals.c.subject == session)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return Seal(row.head, row.length) if row else None

    @enduring
    def seal(self, number: int) -> str:
        """Seal a run that has ended; a run that went on since is sealed anew. Returns the head.

        Journals of sessions that were sealed by an earlier run aren't read again.
        """
        with self._engine.connect() as connection:
            made = _RunChain(connection, number, believe=True, open_lengths=None)
            result = made.run()
        # Written at the end and in pieces: nobody else who writes has to wait for the reading.
        for some in cut(list(made.fresh)):
            self._keep({name: made.fresh[name] for name in some})
        row = {
            "subject": run_id(number),
            "head": result.head,
            "length": result.length,
            "parts": json.dumps(result.open),
            "at": datetime.now(UTC).isoformat(),
        }
        with self._engine.begin() as connection:
            connection.execute(delete(seals).where(seals.c.subject == run_id(number)))
            connection.execute(insert(seals), [row])
        return result.head

    def _keep(self, fresh: dict[str, Seal]) -> None:
        """Store seals of sessions; another run may be doing so with the same ones right now."""
        known = select(seals.c.subject).where(seals.c.subject.in_(fresh))
        extra = {"parts": "{}", "at": datetime.now(UTC).isoformat()}
        for last in (False, True):
            try:
                with self._engine.begin() as connection:
                    there = set(connection.execute(known).scalars())
                    rows = [
                        {"subject": name, "head": seal.head, "length": seal.length} | extra
                        for name, seal in fresh.items()
                        if name not in there
                    ]
                    if rows:
                        connection.execute(insert(seals), rows)
                return
            except IntegrityError:
                if last:
                    raise

    @enduring
    def check(self, number: int) -> RunSeal:
        """The chain of a run as the store has it now, every journal read."""
        sealed = self.of_run(number)
        with self._engine.connect() as connection:
            open_lengths = sealed.open if sealed else None
            return _RunChain(connection, number, believe=False, open_lengths=open_lengths).run()


class _RunChain:
    """One pass over all that belongs to a run."""

    def __init__(
        self,
        connection: Connection,
        number: int,
        *,
        believe: bool,
        open_lengths: dict[str, int] | None,
    ) -> None:
        self._connection = connection
        self._number = number
        self._believe = believe
        self._open_then = open_lengths
        """Sessions that were open when the run was sealed; None: look which are open now."""
        self._chain = Chain(run_id(number))
        self._open: dict[str, int] = {}
        self._changed: list[str] = []
        self._pruned: list[str] = []
        self._read = 0
        self.fresh: dict[str, Seal] = {}
        """Sessions that are over and have no seal yet."""

    def run(self) -> RunSeal:
        query = select(*RUN).where(runs.c.number == self._number)
        for row in self._connection.execute(query):
            self._chain.add("run", *row)
        parts = select(origins.c.part, origins.c.blob).where(origins.c.run == self._number)
        for part in sorted((row.part, row.blob) for row in self._connection.execute(parts)):
            self._chain.add("origin", *part)
        for chunk in cut(self._documents()):
            for row in self._rows_of_documents(chunk):
                self._chain.add("document", *row)
        for chunk in cut(run_sessions(self._connection, self._number)):
            self._sessions(chunk)
        return RunSeal(
            self._chain.head,
            self._chain.length,
            open=self._open,
            changed=tuple(self._changed),
            pruned=tuple(self._pruned),
            journals=self._read,
        )

    def _documents(self) -> list[str]:
        query = select(documents.c.document).where(documents.c.run == self._number)
        return sorted(self._connection.execute(query).scalars())

    def _rows_of_documents(self, ids: Sequence[str]) -> Iterable[Sequence[Any]]:
        query = select(*DOCUMENT).where(
            documents.c.run == self._number, documents.c.document.in_(ids)
        )
        return _plain(self._connection.execute(query))

    def _sessions(self, ids: Sequence[str]) -> None:
        rows = {
            row.session: row
            for row in self._connection.execute(select(sessions).where(sessions.c.session.in_(ids)))
        }
        known = self._known(ids)
        read = [name for name in ids if not (self._believe and name in known)]
        found = self._journals(read, rows)
        left = remains_of(self._connection, ids)
        costs = self._charges(ids)
        for name in ids:
            row = rows.get(name)
            if row is None:
                continue
            is_open = self._is_open(name, row.state)
            dropped = left.get(name, Remains()) if is_open and name not in found else None
            if dropped is None:
                seal = self._settled(name, found.get(name), known.get(name), is_open=is_open)
            else:
                seal = self._dropped(name, dropped)
            findings = "" if is_open else row.findings or ""
            digest = hashlib.sha256(findings.encode("utf-8", "surrogatepass")).hexdigest()
            state = OPEN if is_open else row.state
            head = (name, row.key, row.run, row.document, state, row.started)
            self._chain.add("session", *head, digest, seal.length, seal.head)
            for charge in costs.get(name, ()):
                if charge[1] < seal.length:
                    self._chain.add("charge", *charge)
            if self._believe and not is_open and name not in known:
                self.fresh[name] = seal

    def _is_open(self, name: str, state: str) -> bool:
        return state == OPEN if self._open_then is None else name in self._open_then

    def _settled(self, name: str, found: Seal | None, known: Seal | None, *, is_open: bool) -> Seal:
        """The seal that stands for a session's journal."""
        if is_open:
            self._open[name] = found.length if found else 0
        elif found is None or (known and not found.length):
            if not self._believe and known:
                self._pruned.append(name)
            return known or found or Seal(Chain(name).head, 0)
        elif known and found != known:
            self._changed.append(name)
        return found or Seal(Chain(name).head, 0)

    def _dropped(self, name: str, remains: Remains) -> Seal:
        """What stands for a journal that was open when the run was sealed, and is gone now."""
        length = self._open_then[name] if self._open_then else 0
        self._open[name] = length
        if length:
            self._pruned.append(name)
        return Seal(remains.heads.get(length, Chain(name).head), length)

    def _known(self, ids: Sequence[str]) -> dict[str, Seal]:
        query = select(seals.c.subject, seals.c.head, seals.c.length)
        rows = self._connection.execute(query.where(seals.c.subject.in_(ids)))
        return {row.subject: Seal(row.head, row.length) for row in rows}

    def _journals(self, ids: Sequence[str], rows: dict[str, Any]) -> dict[str, Seal]:
        query = (
            select(*EVENT)
            .where(events.c.session.in_(ids))
            .order_by(events.c.session, events.c.position)
        )
        found: dict[str, Seal] = {}
        read = ()
        if ids:  # asked of the statement: on the connection it would be of all that follow
            read = self._connection.execute(query, execution_options={"yield_per": 500})
        for name, journal in groupby(read, key=lambda row: row.session):
            until = None
            if name in rows and self._is_open(name, rows[name].state):
                until = None if self._open_then is None else self._open_then[name]
            self._read += 1
            found[name] = journal_seal(name, (row[1:] for row in journal), until=until)
        return found

    def _charges(self, ids: Sequence[str]) -> dict[str, list[Sequence[Any]]]:
        query = select(charges).where(charges.c.session.in_(ids))
        found: dict[str, list[Sequence[Any]]] = {}
        for row in _plain(self._connection.execute(query)):
            found.setdefault(row[0], []).append(row)
        return found


def journal_seal(
    session: str, journal: Iterable[Sequence[Any]], *, until: int | None = None
) -> Seal:
    """The chain of a journal; `journal`: position, type, time and body of each event, in order."""
    chain = Chain(session)
    for row in journal:
        if until is not None and chain.length >= until:
            break
        chain.add(*row)
    return Seal(chain.head, chain.length)


def run_sessions(connection: Connection, number: int) -> list[str]:
    """Sessions that belong to a run, sorted: those its documents come from or it paid for, and
    those they took fields of the record from."""
    took = select(documents.c.session).where(documents.c.run == number).distinct()
    paid = select(charges.c.session).where(charges.c.run == number).distinct()
    found = {*connection.execute(took).scalars(), *connection.execute(paid).scalars()} - {""}
    return sorted(with_sources(connection, found))


def with_sources(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Sessions, and those they took fields of the record from."""
    found = fresh = set(ids)
    while fresh:
        fresh = _sources(connection, sorted(fresh)) - found
        found = found | fresh
    return found


def _sources(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in cut(ids):
        query = select(events.c.body).where(
            events.c.session.in_(some), events.c.position < BEGUN, events.c.type == KEPT
        )
        for body in connection.execute(query).scalars():
            found.add(str(json.loads(body)["source"]))
        for remains in remains_of(connection, some).values():
            found |= set(remains.sources)
    return found


def cut(ids: Sequence[Id]) -> Iterator[Sequence[Id]]:
    """A few ids at a time: no statement holds thousands."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _plain(rows: Iterable[Row[Any]]) -> list[tuple[Any, ...]]:
    """Rows in the order of their keys, which no database's idea of alphabets decides."""
    return sorted(tuple(row) for row in rows)
