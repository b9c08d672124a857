"""Tool calls that wait for a person: asked by a session, decided by `docmill approve` or by time.

The session polls; its journal keeps what was decided. Knows nothing of tools.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import Engine, RowMapping, and_, func, insert, select, update

from docmill.base import Frozen
from docmill.store.database import exclusive
from docmill.store.patience import endure, enduring
from docmill.store.schema import approvals, documents, sessions

Decision = Literal["allow", "deny"]


class Question(Frozen):
    """A tool call a person is asked about."""

    session: str
    call: str
    """Its `tool_use_id`."""
    run: int
    document: str
    server: str
    """MCP server; empty for a tool of the sandbox."""
    tool: str
    input: dict[str, Any]


class Waiting(Question):
    """One that nobody has decided on yet."""

    name: str
    """The document's."""
    asked: datetime
    until: datetime
    """When it is denied by itself, if its run is still at work then."""


class Decided(NamedTuple):
    """What was said."""

    decision: Decision
    reason: str


class Approvals:
    """Questions of all runs of a workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @enduring
    def ask(self, question: Question, *, minutes: float) -> None:
        """Put a question; one that was put before a crash is put again, unless it was decided."""
        now = datetime.now(UTC)
        times = {"asked": now.isoformat(), "until": (now + timedelta(minutes=minutes)).isoformat()}
        row = question.model_dump() | {"input": json.dumps(question.input), **times}
        mine = _of(question.session, question.call)
        put = select(approvals.c.call).where(mine)
        with exclusive(self._engine, "approvals") as connection:
            if connection.execute(put).first() is None:
                connection.execute(insert(approvals).values(row))
            open_one = update(approvals).where(mine, approvals.c.decision.is_(None))
            connection.execute(open_one.values(**times))

    @enduring
    def decided(self, session: str, call: str) -> Decided | None:
        """What was said to a question, if anything was."""
        query = select(approvals.c.decision, approvals.c.reason).where(_of(session, call))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.decision is None:
            return None
        return Decided(row.decision, row.reason)

    def decide(self, session: str, call: str, decision: Decision, *, reason: str = "") -> bool:
        """Answer a question; False if somebody else, or time, was faster."""
        first = update(approvals).where(_of(session, call), approvals.c.decision.is_(None))

        def decide(tries: int) -> bool:
            with self._engine.begin() as connection:
                said = connection.execute(first.values(decision=decision, reason=reason))
            # Where the answer to a commit was lost, the decision that is found may be this one.
            ours = tries > 1 and self.decided(session, call) == (decision, reason)
            return said.rowcount > 0 or ours

        return endure(decide)

    @enduring
    def waiting(self, *, run: int | None = None) -> list[Waiting]:
        """Open questions of sessions that can still go on, the oldest first."""
        alive = and_(sessions.c.session == approvals.c.session, sessions.c.state == "open")
        named = and_(
            documents.c.run == approvals.c.run, documents.c.document == approvals.c.document
        )
        query = (
            select(approvals, func.coalesce(documents.c.name, approvals.c.document).label("name"))
            .join(sessions, alive)
            .outerjoin(documents, named)
            .where(approvals.c.decision.is_(None))
            .order_by(approvals.c.asked, approvals.c.call)
        )
        if run is not None:
            query = query.where(approvals.c.run == run)
        with self._engine.connect() as connection:
            return [_read(row) for row in connection.execute(query).mappings()]


def _of(session: str, call: str) -> Any:
    return and_(approvals.c.session == session, approvals.c.call == call)


def _read(row: RowMapping) -> Waiting:
    known = {name: row[name] for name in Waiting.model_fields}
    return Waiting.model_validate(known | {"input": json.loads(row["input"])})
