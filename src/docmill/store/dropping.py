"""Drops journals: what their seals need of them is kept first, in the same transaction.

`pruning` says whose. What a journal cost, and what was found, isn't in it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from docmill.store.remains import Remains
from docmill.store.schema import batch_entries, batches, events, seals, sessions
from docmill.store.seals import BEGUN, EVENT, KEPT, Chain

OPEN, CLOSED = "open", "closed"


class Lengths:
    """Lengths of journals that were still open when a run was sealed, by session."""

    def __init__(self, connection: Connection) -> None:
        self._found: dict[str, set[int]] = {}
        query = select(seals.c.parts).where(seals.c.subject.like("run-%"), seals.c.parts != "{}")
        for parts in connection.execute(query).scalars():
            for session, length in json.loads(parts).items():
                self._found.setdefault(session, set()).add(int(length))

    def of(self, session: str) -> set[int]:
        """Those of one session."""
        return self._found.get(session, set())


def drop(connection: Connection, ids: Sequence[str], lengths: Lengths) -> int:
    """Remove the events of some sessions, and answers of message batches that only they need.

    Sessions that are open end with it. Returns how many events those were.
    """
    _keep_remains(connection, ids, lengths)
    ends = update(sessions).where(sessions.c.session.in_(ids), sessions.c.state == OPEN)
    connection.execute(ends.values(state=CLOSED))
    _forget_answers(connection, ids)
    return connection.execute(delete(events).where(events.c.session.in_(ids))).rowcount


def _forget_answers(connection: Connection, ids: Sequence[str]) -> None:
    """What message batches said; those that are still waited for stay."""
    theirs = batch_entries.c.session.in_(ids)
    query = select(batch_entries.c.batch).where(theirs).distinct()
    numbers = list(connection.execute(query).scalars())
    if not numbers:
        return
    answered = batch_entries.c.result.is_not(None) | batch_entries.c.failed
    connection.execute(delete(batch_entries).where(theirs, answered))
    empty = batches.c.number.not_in(select(batch_entries.c.batch))
    connection.execute(delete(batches).where(batches.c.number.in_(numbers), empty))


def _keep_remains(connection: Connection, ids: Sequence[str], lengths: Lengths) -> None:
    query = select(*EVENT).where(events.c.session.in_(ids))
    rows = connection.execute(query.order_by(events.c.session, events.c.position))
    known = set(
        connection.execute(select(seals.c.subject).where(seals.c.subject.in_(ids))).scalars()
    )
    fresh: list[Mapping[str, Any]] = []
    for session, journal in groupby(rows, key=lambda row: row.session):
        chain, remains = _read(session, (row[1:] for row in journal), lengths.of(session))
        parts = remains.model_dump_json() if remains != Remains() else "{}"
        if session in known:
            this = update(seals).where(seals.c.subject == session)
            connection.execute(this.values(parts=parts))
            continue
        now = datetime.now(UTC).isoformat()
        row = {"subject": session, "head": chain.head, "length": chain.length}
        fresh.append(row | {"parts": parts, "at": now})
    if fresh:
        connection.execute(insert(seals), fresh)


def _read(
    session: str, journal: Iterable[Sequence[Any]], lengths: set[int]
) -> tuple[Chain, Remains]:
    chain = Chain(session)
    sources: list[str] = []
    heads: dict[int, str] = {}
    for position, kind, at, body in journal:
        chain.add(position, kind, at, body)
        if chain.length in lengths:
            heads[chain.length] = chain.head
        if kind == KEPT and position < BEGUN:
            sources.append(str(json.loads(body)["source"]))
    return chain, Remains(sources=tuple(sources), heads=heads)
