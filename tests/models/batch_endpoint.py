"""Message batches in memory, and a clock that goes on by itself: for tests of batching."""

import asyncio
import heapq
import itertools
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from docmill.models.base import AttemptError, ModelRequest, ModelResponse
from docmill.models.batching import BatchGoneError, BatchState, Result
from docmill.records.results import Usage

T = TypeVar("T")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
STEPS = 50
"""So many turns of the event loop after which nothing goes on without the clock."""


@dataclass(eq=False)
class Alarm:
    """Something due."""

    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Not due any more."""
        self.cancelled = True


class LeapingClock:
    """Time that leaps to what is due next, once nothing else goes on."""

    def __init__(self) -> None:
        self._now = 0.0
        self._numbers = itertools.count()
        self._alarms: list[tuple[float, int, Alarm]] = []

    def time(self) -> float:
        """Seconds."""
        return self._now

    def now(self) -> datetime:
        """Time of day."""
        return START + timedelta(seconds=self._now)

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Alarm:
        """Due after so many seconds."""
        alarm = Alarm(callback)
        heapq.heappush(self._alarms, (self._now + delay, next(self._numbers), alarm))
        return alarm

    async def until(self, work: Awaitable[T]) -> T:
        """Let time pass until it is done."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                for _ in range(STEPS):
                    if task.done():
                        return task.result()
                    await asyncio.sleep(0)
                self._leap()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _leap(self) -> None:
        while True:
            assert self._alarms, "nothing will ever happen"
            due, _, alarm = heapq.heappop(self._alarms)
            if not alarm.cancelled:
                self._now = max(self._now, due)
                alarm.callback()
                return


def succeeded(text: str) -> Result:
    """A result as the API has it."""
    return {"type": "succeeded", "message": text}


@dataclass(eq=False)
class SentBatch:
    """A batch at the endpoint."""

    state: BatchState
    said: dict[str, str]
    """Custom id → what was said."""


@dataclass
class MemoryEndpoint:
    """Takes batches, and ends each some seconds later."""

    clock: LeapingClock
    seconds: float = 100.0
    """How long a batch takes."""
    answers: Callable[[str], Result] = succeeded
    """What was said → result."""
    batches: list[SentBatch] = field(default_factory=list[SentBatch])
    failures: dict[str, list[Exception]] = field(default_factory=dict[str, list[Exception]])
    """Method → what its next calls raise; a batch is made all the same if `arrives`."""
    arrives: bool = False
    looks: list[float] = field(default_factory=list[float])
    """When it was asked how far a batch is."""
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has a batch."""
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it was asked how far one is."""

    async def submit(self, entries: Sequence[bytes]) -> BatchState:
        """Take a batch."""
        if self.failures.get("submit") and not self.arrives:
            raise self.failures["submit"].pop(0)
        read = [json.loads(entry) for entry in entries]
        state = BatchState(f"b{len(self.batches) + 1}", self.clock.now(), len(read), ended=False)
        said = {entry["custom_id"]: entry["params"]["say"] for entry in read}
        self.batches.append(SentBatch(state, said))
        self.taken.set()
        if self.failures.get("submit"):
            raise self.failures["submit"].pop(0)
        return state

    async def poll(self, batch: str, /) -> BatchState:
        """How far it is."""
        self.looks.append(self.clock.time())
        self.looked.set()
        self._fail("poll")
        return self._now(self._get(batch))

    async def results(self, batch: str, /) -> AsyncGenerator[tuple[str, Result]]:
        """Last entry first."""
        for name, said in reversed(self._get(batch).said.items()):
            yield name, self.answers(said)
            self._fail("results")

    async def recent(self, since: datetime, /) -> AsyncGenerator[BatchState]:
        """Newest first."""
        self._fail("recent")
        for batch in reversed(self.batches):
            if batch.state.created >= since:
                yield self._now(batch)

    @property
    def rounds(self) -> list[list[str]]:
        """What was said in each batch."""
        return [sorted(batch.said.values()) for batch in self.batches]

    def _fail(self, method: str) -> None:
        if self.failures.get(method):
            raise self.failures[method].pop(0)

    def _get(self, name: str) -> SentBatch:
        for batch in self.batches:
            if batch.state.id == name:
                return batch
        raise BatchGoneError(name)

    def _now(self, batch: SentBatch) -> BatchState:
        age = (self.clock.now() - batch.state.created).total_seconds()
        return batch.state._replace(ended=age >= self.seconds)


class EchoModel:
    """Says what it is told in the first message."""

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """Who asks is all that is sent."""
        return {"say": request.identity}

    def outcome(self, result: Mapping[str, Any]) -> ModelResponse:
        """What was said, or why not."""
        if result["type"] != "succeeded":
            retryable = result["type"] in ("expired", "canceled", "missing")
            raise AttemptError("No.", code=f"model_batch_{result['type']}", retryable=retryable)
        content = ({"type": "text", "text": result["message"]},)
        return ModelResponse("m1", "echo", content, "end_turn", Usage(model_calls=1))

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Nobody asks it live."""
        raise AssertionError(request.identity)

    def bound_tokens(self, request: ModelRequest) -> int:
        """A number of its own."""
        return len(request.messages)

    async def count_tokens(self, request: ModelRequest) -> int:
        """Another one."""
        return len(request.messages) + 1


def trouble(*, retryable: bool = True) -> AttemptError:
    """What an endpoint raises that can't be reached."""
    return AttemptError("Down.", code="model_unreachable", retryable=retryable)
