"""How long to wait before something that failed is tried again, and whether to say so again."""

import time
from collections.abc import Callable

SLOWEST = 300.0
"""Seconds between two tries, at most."""


class Patience:
    """Twice as long every time; what went wrong is told when it begins, changes and ends."""

    def __init__(self, first: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`first`: seconds to wait after the first failure."""
        self._first = first
        self._clock = clock
        self._waits: dict[str, float] = {}
        self._until: dict[str, float] = {}
        self._told: dict[str, str] = {}

    def longer(self, what: str) -> float:
        """It failed again; returns the seconds to wait."""
        seconds = min(2 * self._waits.get(what, self._first / 2), SLOWEST)
        self._waits[what] = seconds
        self._until[what] = self._clock() + seconds
        return seconds

    @property
    def troubled(self) -> bool:
        """Whether something that failed has not gone well since."""
        return bool(self._told)

    def is_news(self, what: str, message: str) -> bool:
        """Whether it failed otherwise than it did before."""
        news = self._told.get(what) != message
        self._told[what] = message
        return news

    def is_over(self, what: str) -> bool:
        """Whether it may be tried."""
        return self._until.get(what, 0.0) <= self._clock()

    def next_try(self) -> float | None:
        """Seconds until something may be tried that may not now; None if there is nothing."""
        left = [until - self._clock() for until in self._until.values()]
        return min((seconds for seconds in left if seconds > 0), default=None)

    def end(self, what: str) -> bool:
        """It went well; whether it had failed before."""
        self._waits.pop(what, None)
        self._until.pop(what, None)
        return self._told.pop(what, None) is not None
