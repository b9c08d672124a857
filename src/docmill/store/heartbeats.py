"""Signs of life of processes, for those on other machines: a row each, renewed every few seconds.

`lease` names a process and looks at this machine's own; `shards` and `runs` ask whether one is
dead. Ages are reckoned by the database's clock alone, so hosts may disagree about the time.
"""

import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, literal_column, select
from sqlalchemy import update as change
from sqlalchemy.exc import SQLAlchemyError

from docmill.errors import PrerequisiteError
from docmill.store.lease import is_ours, is_running, own_lease
from docmill.store.patience import enduring
from docmill.store.schema import leases

LEASE_SECONDS = 30.0
"""A process of another machine that wasn't heard of for so long is dead."""
BEATS = 6
"""Signs of life within the time of a lease: five may go astray."""
_CLOCKS = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "extract(epoch from clock_timestamp())::double precision",
}


def clock(engine: Engine) -> ColumnElement[float]:
    """Seconds since 1970, as the database has them."""
    return literal_column(_CLOCKS[engine.dialect.name])


class Heartbeats:
    """The signs of life in a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._now = clock(engine)

    def beat(self, owner: str) -> None:
        """Say that this process lives."""
        renewed = change(leases).where(leases.c.owner == owner)
        values = {"beats": leases.c.beats + 1, "seen": self._now}
        with self._engine.begin() as connection:
            if not connection.execute(renewed.values(values)).rowcount:
                first = {"owner": owner, "beats": 1, "seen": self._now}
                connection.execute(insert(leases).values(first))

    def end(self, owner: str) -> None:
        """The process ends: nobody need wait for its lease to run out."""
        with self._engine.begin() as connection:
            connection.execute(delete(leases).where(leases.c.owner == owner))

    @enduring
    def beats(self, owners: Iterable[str]) -> dict[str, int]:
        """How often each was heard of; those never heard of are left out."""
        query = select(leases.c.owner, leases.c.beats).where(leases.c.owner.in_(list(owners)))
        with self._engine.connect() as connection:
            return {row.owner: row.beats for row in connection.execute(query)}


def is_alive(connection: Connection, lease: str, *, seconds: float = LEASE_SECONDS) -> bool:
    """Whether the process of a lease lives, as far as anybody can know.

    One of this machine is looked up; one of another is alive as long as its signs of life are
    younger than so many seconds.
    """
    if not lease:
        return False
    if is_ours(lease):
        return is_running(lease)
    age = clock(connection.engine) - leases.c.seen
    found = connection.execute(select(age).where(leases.c.owner == lease)).scalar()
    return found is not None and float(found) < seconds


@contextmanager
def beating(engine: Engine, *, seconds: float = LEASE_SECONDS) -> Generator[None]:
    """Give signs of life in a thread of its own for as long as the block lasts.

    A beat that the store doesn't take is left out: the next one comes soon.
    """
    heartbeats, owner = Heartbeats(engine), own_lease()
    enduring(heartbeats.beat)(owner)
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(seconds / BEATS):
            try:
                heartbeats.beat(owner)
            except (SQLAlchemyError, PrerequisiteError):
                continue

    thread = threading.Thread(target=beat, name="docmill-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(SQLAlchemyError, PrerequisiteError):  # it runs out by itself
            heartbeats.end(owner)
