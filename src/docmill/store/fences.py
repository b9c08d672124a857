"""Who may still write: a process that others think dead must notice before it spends.

A fence is asked in every transaction that writes, after it has written: whoever takes a run or a
shard's documents over changes the same row, so one of the two comes first.
"""

from sqlalchemy import Engine, bindparam, select
from sqlalchemy.engine.interfaces import DBAPICursor

from docmill.errors import RunError
from docmill.store.lease import own_lease
from docmill.store.prepared import Prepared
from docmill.store.schema import runs, shards


class LeaseLostError(RunError):
    """Others have taken over this process's work; whatever it does now doesn't count."""


def lost(what: str) -> LeaseLostError:
    """`what` is a run or a shard."""
    return LeaseLostError(
        f"This process wasn't heard of for too long; another one has taken over {what}.",
        remedy="Nothing is to be done: the run goes on without it. See: docmill runs list",
    )


class RunFence:
    """Lets a process write only as long as no other one has claimed its run."""

    def __init__(self, engine: Engine, run: int = 0) -> None:
        query = select(runs.c.owner).where(runs.c.number == bindparam("run"))
        self._query = Prepared(engine, query.with_for_update(read=True))
        self._run = run
        self._owner = own_lease()

    def check(self, cursor: DBAPICursor, run: int | None = None) -> None:
        """Look, in a transaction that has written already.

        Raises:
            LeaseLostError: the run is another process's.
        """
        row = self._query.run(cursor, {"run": run or self._run}).fetchone()
        if row is not None and row[0] not in ("", self._owner):
            raise lost("its run")


class ShardFence:
    """Lets a process write only as long as it is the shard that it came as."""

    def __init__(self, engine: Engine, run: int, shard: str, *, owner: str = "") -> None:
        query = select(shards.c.state).where(
            shards.c.run == bindparam("run"),
            shards.c.shard == bindparam("shard"),
            shards.c.owner == bindparam("owner"),
        )
        self._query = Prepared(engine, query.with_for_update(read=True))
        self._shard = {"run": run, "shard": shard, "owner": owner or own_lease()}

    def check(self, cursor: DBAPICursor) -> None:
        """Look, in a transaction that has written already.

        Raises:
            LeaseLostError: it was shut out.
        """
        row = self._query.run(cursor, self._shard).fetchone()
        if row is None or row[0] in ("lost", "ended"):
            raise lost("its documents")
