"""Sessions and their journals: append an event, read them back, find what can be resumed."""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Engine, bindparam, insert, select, true, update
from sqlalchemy.engine.interfaces import DBAPICursor

from docmill.base import Frozen
from docmill.events import EVENT, Event
from docmill.records.checked import CheckedRecord
from docmill.records.flags import Flag
from docmill.records.outputs import OutputFile, RefusedOutput
from docmill.records.results import Usage
from docmill.store.accounts import Counting
from docmill.store.patience import endure, enduring
from docmill.store.prepared import Prepared, transaction
from docmill.store.schema import charges, events, sessions

REMEMBERED = 256
"""Documents whose findings are kept in memory once they were read."""

_KNOWN = select(sessions.c.state).where(sessions.c.session == bindparam("session"))
_OF_KEY = (
    select(sessions.c.session)
    .where(sessions.c.key == bindparam("key"))
    .order_by(sessions.c.started.desc())
    .limit(1)
)
_FINISHED = (
    select(sessions.c.session, sessions.c.run, sessions.c.document, sessions.c.findings)
    .where(sessions.c.key == bindparam("key"), sessions.c.state == "finished")
    .order_by(sessions.c.started.desc())
    .limit(1)
)
_SPENT = select(charges.c.usage).where(charges.c.run == bindparam("run"))
_JOURNAL = (
    select(events.c.position, events.c.type, events.c.at, events.c.body)
    .where(events.c.session == bindparam("session"))
    .order_by(events.c.position)
)


class Findings(Frozen):
    """What a finished session found in its document; verdicts aren't part of it."""

    record: CheckedRecord | None
    code: str = ""
    """Why there is no valid record: `record_invalid`; empty otherwise."""
    message: str = ""
    pages: int = 0
    notes: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    pictures: dict[int, str] = {}
    page_sizes: dict[int, tuple[float, float]] = {}
    outputs: tuple[OutputFile, ...] = ()
    refused_outputs: tuple[RefusedOutput, ...] = ()


@lru_cache(maxsize=REMEMBERED)
def read_findings(text: str) -> Findings:
    """Findings as stored; those read last are kept, for a run reads each several times."""
    return Findings.model_validate_json(text)


class Charge(Frozen):
    """What one event cost, and on whose account."""

    run: int
    document: str
    attempt: int
    model: str
    usage: Usage


def _now() -> str:
    return datetime.now(UTC).isoformat()


@dataclass(frozen=True, slots=True)
class Entry:
    """An event to be stored, and what it cost."""

    event: Event
    charge: Charge | None = None
    at: str = field(default_factory=_now)


class StoredEvent(Frozen):
    """An event with its place and time in the journal."""

    position: int
    at: datetime
    event: Event


class Session(Frozen):
    """A session as the store knows it."""

    id: str
    key: str
    run: int
    """Number of the run that started it."""
    document: str
    findings: Findings


class Fence(Protocol):
    """Whether this process may still write; asked in every transaction that does."""

    def check(self, cursor: DBAPICursor) -> None:
        """Raises what ends the process if others have taken over its work."""
        ...


class SessionStore:
    """Journals keyed by (session, position), and the findings of finished sessions."""

    def __init__(self, engine: Engine, *, fence: Fence | None = None) -> None:
        self._engine = engine
        self._fence = fence
        self._create = Prepared(engine, insert(sessions))
        self._append = Prepared(engine, insert(events))
        self._counting = Counting(engine)
        self._charge = Prepared(engine, insert(charges))
        self._journal = Prepared(engine, _JOURNAL)
        self._known = Prepared(engine, _KNOWN)
        self._latest = Prepared(engine, _OF_KEY)
        self._resumable = Prepared(engine, _OF_KEY.where(sessions.c.state == "open"))
        self._finished = Prepared(engine, _FINISHED)
        self._spent = Prepared(engine, _SPENT)
        self._spent_on = Prepared(engine, _SPENT.where(charges.c.document == bindparam("document")))
        which = sessions.c.session == bindparam("which")
        self._end = Prepared(engine, update(sessions).where(which), ("state", "findings"))

    def create(self, *, key: str, run: int, document: str) -> str:
        """A new open session; returns its id (`sesn_…`)."""
        session = f"sesn_{secrets.token_hex(10)}"
        row = {
            "session": session,
            "key": key,
            "run": run,
            "document": document,
            "state": "open",
            "started": _now(),
            "findings": None,
        }

        def create(tries: int) -> None:
            with transaction(self._engine) as cursor:
                if tries > 1 and self._known.run(cursor, {"session": session}).fetchone():
                    return
                self._create.run(cursor, row)
                self._check(cursor)

        endure(create)
        return session

    def append(
        self, session: str, position: int, event: Event, *, charge: Charge | None = None
    ) -> None:
        """Store one event; as `append_all`."""
        self.append_all(session, position, [Entry(event, charge)])

    def append_all(self, session: str, position: int, entries: Sequence[Entry]) -> None:
        """Store events from a position on, and what they cost, in one transaction.

        Raises:
            sqlalchemy.exc.IntegrityError: a position is taken: two writers on one session.
        """
        rows = [
            {
                "session": session,
                "position": place,
                "type": entry.event.type,
                "at": entry.at,
                "body": entry.event.model_dump_json(exclude_defaults=True),
            }
            for place, entry in enumerate(entries, position)
        ]

        def append(tries: int) -> None:
            with transaction(self._engine) as cursor:
                if tries > 1 and self._holds(cursor, rows):
                    return  # the commit took place; only its answer was lost
                self._append.run_many(cursor, rows)
                self._check(cursor)
                for place, entry in enumerate(entries, position):
                    if entry.charge is not None:
                        self._count(cursor, session, place, entry.event, charge=entry.charge)

        endure(append)

    def _holds(self, cursor: DBAPICursor, rows: Sequence[dict[str, Any]]) -> bool:
        """Whether the journal has these very events: another writer's have other times."""
        session = rows[0]["session"]
        found = self._journal.run(cursor, {"session": session}).fetchall()
        stored: dict[int, tuple[str, str, str]] = {row[0]: tuple(row[1:]) for row in found}
        return all(
            stored.get(row["position"]) == (row["type"], row["at"], row["body"]) for row in rows
        )

    def journal(self, session: str) -> Iterator[StoredEvent]:
        """All events of a session in order."""
        for position, kind, at, text in self._events(session):
            body = json.loads(text) | {"type": kind}
            yield StoredEvent(position=position, at=at, event=EVENT.validate_python(body))

    @enduring
    def _events(self, session: str) -> Sequence[Any]:
        with transaction(self._engine) as cursor:
            return self._journal.run(cursor, {"session": session}).fetchall()

    def resumable(self, key: str) -> str | None:
        """The newest open session of a document key."""
        return self._first_id(self._resumable, key)

    def latest(self, key: str) -> str | None:
        """The newest session of a document key, whatever its state."""
        return self._first_id(self._latest, key)

    def finish(self, session: str, findings: Findings) -> None:
        """Close a session with what it found; with a valid record its document is now cached."""
        state = "closed" if findings.record is None else "finished"
        self._set_state(session, state, findings.model_dump_json(exclude_defaults=True))

    def close(self, session: str) -> None:
        """Close a session without findings: it is readable, but never resumed."""
        self._set_state(session, "closed", None)

    @enduring
    def finished(self, key: str) -> Session | None:
        """The newest finished session of a document key."""
        with transaction(self._engine) as cursor:
            row = self._finished.run(cursor, {"key": key}).fetchone()
        if row is None:
            return None
        session, run, document, findings = row
        return Session(
            id=session, key=key, run=run, document=document, findings=read_findings(findings)
        )

    def finished_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have a finished session."""
        return self._keys(keys, sessions.c.state == "finished")

    def tried_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have a session, however it went."""
        return self._keys(keys, true())

    @enduring
    def _keys(self, keys: Sequence[str], condition: ColumnElement[bool]) -> set[str]:
        found: set[str] = set()
        with self._engine.connect() as connection:
            for start in range(0, len(keys), 500):
                few = sessions.c.key.in_(keys[start : start + 500])
                query = select(sessions.c.key).where(few, condition)
                found.update(connection.execute(query).scalars())
        return found

    @enduring
    def spent(self, run: int, document: str | None = None) -> Usage:
        """Sum of the charges of a run, or of one document in it."""
        statement = self._spent if document is None else self._spent_on
        with transaction(self._engine) as cursor:
            rows = statement.run(cursor, {"run": run, "document": document}).fetchall()
        return sum((Usage.model_validate_json(text) for (text,) in rows), Usage())

    @enduring
    def _first_id(self, statement: Prepared, key: str) -> str | None:
        with transaction(self._engine) as cursor:
            row = statement.run(cursor, {"key": key}).fetchone()
        return None if row is None else str(row[0])

    def _count(
        self, cursor: DBAPICursor, session: str, position: int, event: Event, *, charge: Charge
    ) -> None:
        row = {
            "session": session,
            "position": position,
            "run": charge.run,
            "document": charge.document,
            "attempt": charge.attempt,
            "model": charge.model,
            "usage": charge.usage.model_dump_json(exclude_defaults=True),
        }
        self._charge.run(cursor, row)
        self._counting.charge(
            cursor,
            event,
            session=session,
            run=charge.run,
            document=charge.document,
            usage=charge.usage,
        )

    @enduring
    def _set_state(self, session: str, state: str, findings: str | None) -> None:
        values = {"which": session, "state": state, "findings": findings}
        with transaction(self._engine) as cursor:
            self._end.run(cursor, values)
            self._check(cursor)

    def _check(self, cursor: DBAPICursor) -> None:
        if self._fence is not None:
            self._fence.check(cursor)
