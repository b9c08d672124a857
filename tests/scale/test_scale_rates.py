"""An endpoint's rate holds for all processes of a run together."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import update

from docmill.models.rates import BURST, Gate, Timer
from docmill.models.sharing import SharedBucket, SharedRates
from docmill.spec.workspace import Rates
from docmill.store.database import open_database
from docmill.store.schema import levels

PER_MINUTE = 600


class Standing:
    """A clock that stands still."""

    now = 0.0

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Nobody waits here."""
        raise AssertionError


def taken(buckets: list[SharedBucket], clock: Standing) -> int:
    """Calls that go through now, if each process makes as many as it may."""
    count = 0
    clock.now += 2
    for bucket in buckets * 2:
        while not bucket.delay(1):
            bucket.take(1)
            count += 1
    return count


def test_three_processes_together_keep_the_rate(tmp_path: Path) -> None:
    """A full bucket at first, then what came in since; a clock set back fills nothing."""
    stores = [open_database(tmp_path) for _ in range(3)]
    clock = Standing()
    shared = [SharedRates(store, processes=3) for store in stores]
    assert shared[0].part(Rates(concurrency=50)).concurrency == 16
    buckets = [one.bucket("scripted: calls", PER_MINUTE, clock) for one in shared]
    capacity = PER_MINUTE // BURST
    # The store's clock goes on while this runs: a second brings ten.
    assert capacity <= taken(buckets, clock) <= capacity + 20
    with stores[0].begin() as connection:
        connection.execute(update(levels).values(at=levels.c.at + 3600))
    assert taken(buckets, clock) <= 20
    with stores[0].begin() as connection:
        connection.execute(update(levels).values(at=levels.c.at - 7200))
    assert taken(buckets, clock) <= capacity + 20
    for store in stores:
        store.dispose()


def test_what_a_call_did_not_use_goes_to_the_next_one(tmp_path: Path) -> None:
    """A call larger than the bucket waits for a full one; what it gives back is there at once."""
    store = open_database(tmp_path)
    clock = Standing()
    bucket = SharedRates(store, processes=2).bucket("scripted: tokens", PER_MINUTE, clock)
    assert bucket.delay(10_000) == 0
    bucket.take(10_000)
    assert bucket.delay(1) > 0
    bucket.take(-10_000)
    assert bucket.delay(1) == 0
    store.dispose()


async def test_the_gates_of_three_processes_let_through_what_one_would(tmp_path: Path) -> None:
    """Each with its own connection to the store, all at once, in real time."""
    stores = [open_database(tmp_path) for _ in range(3)]
    rates = Rates(requests_per_minute=240, concurrency=150)
    gates = [Gate("scripted", rates, shared=SharedRates(each, processes=3)) for each in stores]
    admitted: list[float] = []
    now = asyncio.get_running_loop().time

    async def call(gate: Gate, number: int) -> None:
        ticket = await gate.enter(f"call {number}")
        admitted.append(now())
        gate.succeeded(ticket)

    # Since a moment before: the bucket is made, full, when the first gate draws from it.
    begun = now()
    await asyncio.gather(*(call(gates[number % 3], number) for number in range(46)))
    for place, at in enumerate(sorted(admitted), 1):
        assert place <= 240 / BURST + (at - begun) * 4 + 1
    assert now() - begun > 1
    for store in stores:
        store.dispose()
