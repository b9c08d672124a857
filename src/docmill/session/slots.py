"""How many sessions of a run work at once; one that waits for a person lets another one work.

Neighbours: `consent` leaves a slot and takes it again; whoever carries documents out holds it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_Queue = deque[asyncio.Future[None]]


class Slots:
    """So many slots; those who come back to their work get one before those who begin."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._returning, self._beginning = _Queue(), _Queue()
        self._taken: dict[str, Slot] = {}

    @asynccontextmanager
    async def working(self, document: str) -> AsyncGenerator[None]:
        """Work on a document within this; waits for a slot first."""
        slot = Slot(self)
        await slot.take(again=False)
        self._taken[document] = slot
        try:
            yield
        finally:
            del self._taken[document]
            slot.leave()

    def of(self, document: str) -> "Slot | None":
        """The slot of a document that is worked on."""
        return self._taken.get(document)

    async def take(self, *, again: bool) -> None:
        """Wait for a slot; `again`: for work that is under way."""
        if self._free and not self._returning and (again or not self._beginning):
            self._free -= 1
            return
        queue = self._returning if again else self._beginning
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Let the next one have a slot."""
        for queue in (self._returning, self._beginning):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1


class Slot:
    """The right to work, of one session."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._taken = False

    async def take(self, *, again: bool = True) -> None:
        """Wait for it, unless it is had."""
        if not self._taken:
            await self._slots.take(again=again)
            self._taken = True

    def leave(self) -> None:
        """Let another session work; harmless if this one doesn't."""
        if self._taken:
            self._taken = False
            self._slots.give()
