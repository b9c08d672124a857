"""Message batches: what was to be sent, what was, and what came back.

The intent is stored before a batch is sent, so that no call is paid twice: `models.batching` asks
here first. Knows nothing of HTTP, and matches a call by who asks and by what is asked.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from docmill.store.patience import endure, enduring
from docmill.store.schema import batch_entries, batches


class BatchCall(NamedTuple):
    """A model call that is to be part of a batch."""

    custom_id: str
    """Names it in the batch: no other call has the same."""
    identity: str
    """Session, stage and turn, with slashes between them."""
    fingerprint: str
    attempt: int
    """Counted from 1."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that was sent, or was about to be."""

    number: int
    intended: datetime
    """When it was stored, which was before it was sent."""
    id: str = ""
    """Given by the endpoint; empty if nobody knows whether it was sent."""


class StoredCall(NamedTuple):
    """What is known of a call."""

    custom_id: str
    attempt: int
    failed: bool
    """This attempt is settled, and gave no answer."""
    result: dict[str, Any] | None
    """What the endpoint said; None if it isn't known yet."""
    batch: StoredBatch


class BatchLog:
    """All batches of a workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @enduring
    def call(self, endpoint: str, identity: str, fingerprint: str) -> StoredCall | None:
        """The newest attempt at a call; None if it was never to be part of a batch."""
        query = (
            select(batch_entries, batches.c.intended, batches.c.id)
            .join(batches, batches.c.number == batch_entries.c.batch)
            .where(
                batch_entries.c.session == _session(identity),
                batch_entries.c.identity == identity,
                batch_entries.c.fingerprint == fingerprint,
                batches.c.endpoint == endpoint,
            )
            .order_by(batch_entries.c.attempt.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        return StoredCall(
            custom_id=row["custom_id"],
            attempt=row["attempt"],
            failed=row["failed"],
            result=None if row["result"] is None else json.loads(row["result"]),
            batch=StoredBatch(row["batch"], datetime.fromisoformat(row["intended"]), row["id"]),
        )

    def intend(self, endpoint: str, calls: Sequence[BatchCall], now: datetime) -> StoredBatch:
        """Store a batch that is about to be sent."""
        names = [call.custom_id for call in calls]
        known = select(batch_entries.c.batch).where(batch_entries.c.custom_id.in_(names))

        def store(tries: int) -> int:
            with self._engine.begin() as connection:
                found = connection.execute(known).scalar() if tries > 1 else None
                return self._insert(connection, endpoint, calls, now) if found is None else found

        return StoredBatch(endure(store), now)

    @staticmethod
    def _insert(
        connection: Connection, endpoint: str, calls: Sequence[BatchCall], now: datetime
    ) -> int:
        row = {"endpoint": endpoint, "intended": now.astimezone(UTC).isoformat()}
        number: int = connection.execute(
            insert(batches).values(row).returning(batches.c.number)
        ).scalar_one()
        rows = [
            {**call._asdict(), "batch": number, "session": _session(call.identity)}
            for call in calls
        ]
        connection.execute(insert(batch_entries), rows)
        return number

    @enduring
    def sent(self, number: int, named: str) -> None:
        """Store the id that the endpoint gave."""
        with self._engine.begin() as connection:
            connection.execute(update(batches).where(batches.c.number == number).values(id=named))

    @enduring
    def withdraw(self, number: int) -> None:
        """Forget a batch that was never sent."""
        with self._engine.begin() as connection:
            _drop(connection, [number])

    @enduring
    def calls(self, number: int) -> set[str]:
        """Custom ids of a batch."""
        query = select(batch_entries.c.custom_id).where(batch_entries.c.batch == number)
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    @enduring
    def unanswered(self, number: int) -> set[str]:
        """Those of them whose result isn't known."""
        query = select(batch_entries.c.custom_id).where(
            batch_entries.c.batch == number, batch_entries.c.result.is_(None)
        )
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    @enduring
    def ids(self, endpoint: str) -> set[str]:
        """Ids of all batches that are known to be ours."""
        query = select(batches.c.id).where(batches.c.endpoint == endpoint, batches.c.id != "")
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())

    @enduring
    def answered(self, number: int, results: Mapping[str, Mapping[str, Any]]) -> None:
        """Store results of a batch, by custom id."""
        statement = (
            update(batch_entries)
            .where(batch_entries.c.batch == number, batch_entries.c.custom_id == bindparam("named"))
            .values(result=bindparam("said"))
        )
        rows = [{"named": name, "said": json.dumps(result)} for name, result in results.items()]
        with self._engine.begin() as connection:
            connection.execute(statement, rows)

    @enduring
    def fail(self, custom_id: str) -> None:
        """An attempt gave no answer: the next one is another entry, of another batch."""
        with self._engine.begin() as connection:
            connection.execute(
                update(batch_entries)
                .where(batch_entries.c.custom_id == custom_id)
                .values(failed=True)
            )

    @enduring
    def sweep(self, before: datetime) -> None:
        """Forget batches whose results the endpoint has thrown away."""
        query = select(batches.c.number).where(
            batches.c.intended < before.astimezone(UTC).isoformat()
        )
        with self._engine.begin() as connection:
            _drop(connection, list(connection.execute(query).scalars()))


def _session(identity: str) -> str:
    return identity.partition("/")[0]


def _drop(connection: Connection, numbers: Sequence[int]) -> None:
    connection.execute(delete(batch_entries).where(batch_entries.c.batch.in_(numbers)))
    connection.execute(delete(batches).where(batches.c.number.in_(numbers)))
