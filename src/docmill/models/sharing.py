"""An endpoint's rates where several processes ask it for one run: drawn from the store in portions.

Takes the place of `rates.Bucket` in a `Gate`; what is drawn and not used is lost, so the rate is
never exceeded.
"""

from sqlalchemy import Engine

from docmill.models.rates import BURST, ROUNDING, Clock
from docmill.spec.workspace import Rates
from docmill.store.levels import Level

PORTION_SECONDS = 1.0
"""Drawn at once: what the rate allows in such a time, or what one call takes."""
LEAST_WAIT, MOST_WAIT = 0.1, 1.0
"""Seconds between looks while there is nothing to be had."""


class SharedBucket:
    """A rate per minute of which this process draws what it needs next."""

    def __init__(self, level: Level, per_minute: int, clock: Clock) -> None:
        self._level = level
        self._per_second = per_minute / 60
        self._capacity = per_minute / BURST
        self._clock = clock
        self._here = 0.0
        self._look = float("-inf")

    def delay(self, amount: float) -> float:
        """Seconds until so much may be taken, or until it is worth looking again."""
        lacking = min(amount, self._capacity) - self._here
        if lacking <= ROUNDING:
            return 0.0
        now = self._clock.time()
        if now < self._look:
            return self._look - now
        portion = min(self._capacity, self._per_second * PORTION_SECONDS)
        drawn = self._level.draw(max(lacking, portion))
        self._here += drawn
        if drawn >= lacking - ROUNDING:
            return 0.0
        wait = (lacking - drawn) / self._per_second
        self._look = now + min(MOST_WAIT, max(LEAST_WAIT, wait))
        return self._look - now

    def take(self, amount: float) -> None:
        """Take so much; negative gives back."""
        self._here = min(self._capacity, self._here - amount)


class SharedRates:
    """The rates of a run's endpoints, of which each of several processes has a part."""

    def __init__(self, engine: Engine, *, processes: int) -> None:
        self._engine = engine
        self._processes = processes

    def part(self, rates: Rates) -> Rates:
        """Calls at once for this process."""
        return rates.model_copy(
            update={"concurrency": max(1, rates.concurrency // self._processes)}
        )

    def bucket(self, name: str, per_minute: int, clock: Clock) -> SharedBucket:
        """The bucket of that name, for this process."""
        per_second, capacity = per_minute / 60, per_minute / BURST
        level = Level(self._engine, name, per_second=per_second, capacity=capacity)
        return SharedBucket(level, per_minute, clock)
