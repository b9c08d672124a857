"""How several calls share one process: an operation that has to wait says what for.

It is a generator that yields `Wait` and is sent the descriptors that are ready.
No threads: a process that forks must not have any.
"""

from __future__ import annotations

import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Set
    from typing import TypeVar

    Found = TypeVar("Found")
    Steps = Generator["Wait", Set[int], Found]


class Wait:
    """Descriptors to read from and to write to, and the time (`monotonic`) to go on at anyway."""

    def __init__(self, reads: Iterable[int], until: float, writes: Iterable[int] = ()) -> None:
        self.reads = tuple(reads)
        self.writes = tuple(writes)
        self.until = until

    def is_over(self, ready: Set[int]) -> bool:
        """Whether one of the descriptors is ready, or the time has come."""
        if any(fd in ready for fd in (*self.reads, *self.writes)):
            return True
        return time.monotonic() >= self.until


def pause(waits: Iterable[Wait], *others: int) -> frozenset[int]:
    """Wait for what is first: the end of a wait, or something to read from `others`.

    Returns the ready descriptors.
    """
    waits = tuple(waits)
    reads = [*others, *(fd for wait in waits for fd in wait.reads)]
    writes = [fd for wait in waits for fd in wait.writes]
    left = min(wait.until for wait in waits) - time.monotonic()
    readable, writable, _ = select.select(reads, writes, [], max(0.0, left))
    return frozenset((*readable, *writable))


def finish(steps: Steps[Found]) -> Found:
    """Run one such operation to its end, alone."""
    try:
        wait = next(steps)
        while True:
            wait = steps.send(pause((wait,)))
    except StopIteration as stop:
        return stop.value
