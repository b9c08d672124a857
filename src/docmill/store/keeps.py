"""Runs that are kept whatever their age: with report, journals and pictures of pages.

`pruning` asks which; who says so is the command line's business.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, select

from docmill.store.database import exclusive
from docmill.store.patience import enduring
from docmill.store.runs import run_id
from docmill.store.schema import keeps


class Kept(NamedTuple):
    """A run that is kept."""

    run: str
    """`run-0007`."""
    reason: str
    at: datetime


class Keeps:
    """Those of a workspace."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @enduring
    def keep(self, number: int, reason: str = "") -> None:
        """Keep a run from now on; the reason given last is the one that is shown."""
        now = datetime.now(UTC).isoformat()
        with exclusive(self._engine, "keeps") as connection:
            connection.execute(delete(keeps).where(keeps.c.run == number))
            connection.execute(insert(keeps).values(run=number, reason=reason, at=now))

    @enduring
    def release(self, number: int) -> bool:
        """Let a run go when its time comes; whether it was kept."""
        with self._engine.begin() as connection:
            return bool(connection.execute(delete(keeps).where(keeps.c.run == number)).rowcount)

    @enduring
    def all(self) -> tuple[Kept, ...]:
        """The runs that are kept, in order."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(keeps).order_by(keeps.c.run)).all()
        return tuple(
            Kept(run_id(row.run), row.reason, datetime.fromisoformat(row.at)) for row in rows
        )


def kept_runs(connection: Connection) -> frozenset[int]:
    """Numbers of the runs that are kept."""
    return frozenset(connection.execute(select(keeps.c.run)).scalars())
