"""When a batch is sent: once all sessions at work wait for one, or nobody new has come for a while.

Neighbours: `batcher` says what is sent. Sends nothing, and knows neither sessions nor endpoints.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Generic, TypeVar

from docmill.models.rates import Clock, Timer

T = TypeVar("T")

SETTLED = 1.0
"""Seconds after the last request, with everybody waiting: time for a next document to begin."""
QUIET = 5.0
"""Seconds after the last request, with sessions still at work: a slow one takes the next batch."""


class Roster:
    """Who is at work in a run, and who of them waits for a batch."""

    def __init__(self) -> None:
        self._working = 0
        self._waiting = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def complete(self) -> bool:
        """Whether there is nobody left to wait for."""
        return self._waiting >= self._working

    def tell(self, listener: Callable[[], None]) -> None:
        """Call it when somebody comes, goes, or waits."""
        self._listeners.append(listener)

    @contextmanager
    def working(self) -> Generator[None]:
        """A session works, from its beginning to its end."""
        self._count(1, 0)
        try:
            yield
        finally:
            self._count(-1, 0)

    @contextmanager
    def waiting(self) -> Generator[None]:
        """It waits for a batch."""
        self._count(0, 1)
        try:
            yield
        finally:
            self._count(0, -1)

    def _count(self, working: int, waiting: int) -> None:
        self._working += working
        self._waiting += waiting
        for listener in self._listeners:
            listener()


class Round(Generic[T]):
    """Requests that wait to be sent together."""

    def __init__(self, send: Callable[[list[T]], None], roster: Roster, clock: Clock) -> None:
        self._send = send
        self._roster = roster
        self._clock = clock
        self._parked: list[T] = []
        self._last = 0.0
        self._timer: Timer | None = None
        roster.tell(self._arm)

    def add(self, request: T) -> None:
        """One more."""
        self._parked.append(request)
        self._last = self._clock.time()
        self._arm()

    def remove(self, request: T) -> None:
        """Its session gave up; nothing happens if it was sent already."""
        if request in self._parked:
            self._parked.remove(request)
            self._arm()

    def close(self) -> None:
        """Send nothing any more."""
        self._parked.clear()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._parked:
            patience = SETTLED if self._roster.complete else QUIET
            due = self._last + patience - self._clock.time()
            self._timer = self._clock.call_later(max(0.0, due), self._go)

    def _go(self) -> None:
        self._timer = None
        parked, self._parked = self._parked, []
        if parked:
            self._send(parked)
