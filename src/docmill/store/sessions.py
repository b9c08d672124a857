"""Sessions and their journals: append an event, read them back, find what can be resumed."""

import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, Engine, bindparam, insert, select, true, update

from docmill.base import Frozen
from docmill.events import EVENT, Event
from docmill.records.checked import CheckedRecord
from docmill.records.results import Usage
from docmill.store.accounts import count_charge
from docmill.store.schema import charges, events, sessions

REMEMBERED = 256
"""Documents whose findings are kept in memory once they were read."""

# Made once: building a statement takes SQLAlchemy three times as long as running it.
_CREATE = insert(sessions)
_APPEND = insert(events)
_CHARGE = insert(charges)
_OF_KEY = (
    select(sessions.c.session)
    .where(sessions.c.key == bindparam("key"))
    .order_by(sessions.c.started.desc())
    .limit(1)
)
_RESUMABLE = _OF_KEY.where(sessions.c.state == "open")
_FINISHED = (
    select(sessions)
    .where(sessions.c.key == bindparam("key"), sessions.c.state == "finished")
    .order_by(sessions.c.started.desc())
    .limit(1)
)
_SET_STATE = update(sessions).where(sessions.c.session == bindparam("which"))
_SPENT = select(charges.c.usage).where(charges.c.run == bindparam("run"))
_SPENT_ON = _SPENT.where(charges.c.document == bindparam("document"))
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
    pictures: dict[int, str] = {}
    page_sizes: dict[int, tuple[float, float]] = {}


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


class SessionStore:
    """Journals keyed by (session, position), and the findings of finished sessions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        }
        with self._engine.begin() as connection:
            connection.execute(_CREATE, row)
        return session

    def append(
        self, session: str, position: int, event: Event, *, charge: Charge | None = None
    ) -> None:
        """Store one event, and what it cost in the same transaction.

        Raises:
            sqlalchemy.exc.IntegrityError: the position is taken: two writers on one session.
        """
        body = EVENT.dump_json(event, exclude_defaults=True).decode()
        row = {
            "session": session,
            "position": position,
            "type": event.type,
            "at": _now(),
            "body": body,
        }
        with self._engine.begin() as connection:
            connection.execute(_APPEND, row)
            if charge:
                cost = charge.model_dump(exclude={"usage"}) | {
                    "usage": charge.usage.model_dump_json(exclude_defaults=True)
                }
                connection.execute(_CHARGE, {"session": session, "position": position, **cost})
                count_charge(
                    connection,
                    event,
                    session=session,
                    run=charge.run,
                    document=charge.document,
                    usage=charge.usage,
                )

    def journal(self, session: str) -> Iterator[StoredEvent]:
        """All events of a session in order."""
        with self._engine.connect() as connection:
            for row in connection.execute(_JOURNAL, {"session": session}):
                body = json.loads(row.body) | {"type": row.type}
                yield StoredEvent(
                    position=row.position, at=row.at, event=EVENT.validate_python(body)
                )

    def resumable(self, key: str) -> str | None:
        """The newest open session of a document key."""
        with self._engine.connect() as connection:
            return connection.execute(_RESUMABLE, {"key": key}).scalar()

    def latest(self, key: str) -> str | None:
        """The newest session of a document key, whatever its state."""
        with self._engine.connect() as connection:
            return connection.execute(_OF_KEY, {"key": key}).scalar()

    def finish(self, session: str, findings: Findings) -> None:
        """Close a session with what it found; with a valid record its document is now cached."""
        state = "closed" if findings.record is None else "finished"
        self._set_state(session, state, findings.model_dump_json(exclude_defaults=True))

    def close(self, session: str) -> None:
        """Close a session without findings: it is readable, but never resumed."""
        self._set_state(session, "closed", None)

    def finished(self, key: str) -> Session | None:
        """The newest finished session of a document key."""
        with self._engine.connect() as connection:
            row = connection.execute(_FINISHED, {"key": key}).mappings().first()
        if row is None:
            return None
        return Session(
            id=row["session"],
            key=key,
            run=row["run"],
            document=row["document"],
            findings=read_findings(row["findings"]),
        )

    def finished_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have a finished session."""
        return self._keys(keys, sessions.c.state == "finished")

    def tried_keys(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have a session, however it went."""
        return self._keys(keys, true())

    def _keys(self, keys: Sequence[str], condition: ColumnElement[bool]) -> set[str]:
        found: set[str] = set()
        with self._engine.connect() as connection:
            for start in range(0, len(keys), 500):
                few = sessions.c.key.in_(keys[start : start + 500])
                query = select(sessions.c.key).where(few, condition)
                found.update(connection.execute(query).scalars())
        return found

    def spent(self, run: int, document: str | None = None) -> Usage:
        """Sum of the charges of a run, or of one document in it."""
        query = _SPENT if document is None else _SPENT_ON
        total = Usage()
        with self._engine.connect() as connection:
            rows = connection.execute(query, {"run": run, "document": document})
            for text in rows.scalars():
                total += Usage.model_validate_json(text)
        return total

    def _set_state(self, session: str, state: str, findings: str | None) -> None:
        with self._engine.begin() as connection:
            connection.execute(_SET_STATE, {"which": session, "state": state, "findings": findings})


def _now() -> str:
    return datetime.now(UTC).isoformat()
