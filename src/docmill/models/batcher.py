"""Puts the requests of all sessions into message batches, and brings each its answer.

What is to be sent is stored before it is sent, and what came back before it is handed on: a process
that is killed at any point finds its batches again and pays for none twice. Neighbours: `rounds`
says when a batch is sent, `posting` sends it, `store.batches` is the log.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from docmill.models.batching import (
    MISSING,
    Answered,
    BatchEndpoint,
    BatchGoneError,
    BatchListener,
    BatchRequest,
    Result,
)
from docmill.models.posting import Post
from docmill.models.rates import Clock, LoopClock
from docmill.models.rounds import Roster, Round
from docmill.store.batches import BatchCall, BatchLog, StoredBatch

MOST_CALLS = 10_000
MOST_BYTES = 200_000_000
"""Of one batch; the API takes 100,000 calls and 256 MB."""
STILL_COMING = 5.0
"""Seconds after which a batch has arrived that was just being sent when its process died."""
SKEW = timedelta(minutes=15)
"""So far may the endpoint's clock and ours differ."""
KEPT = timedelta(days=29)
"""Older results are thrown away by the endpoint."""


def _future() -> asyncio.Future[Result]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class _Waiting:
    """A session that waits for a result."""

    request: BatchRequest
    call: BatchCall
    answer: asyncio.Future[Result] = field(default_factory=_future)
    task: asyncio.Task[None] | None = None
    """Who sees to it; None while it waits to be sent."""


class _Ready(NamedTuple):
    waiting: _Waiting
    entry: bytes


class Batcher:
    """The message batches of one endpoint. Close it in the event loop it was used in."""

    def __init__(
        self,
        name: str,
        endpoint: BatchEndpoint,
        log: BatchLog,
        *,
        roster: Roster | None = None,
        outage_seconds: float = 3600.0,
        listener: BatchListener | None = None,
        clock: Clock | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._name = name
        self._log = log
        self._roster = roster or Roster()
        self._clock = clock or LoopClock()
        self._now = now
        self._listener = listener
        self._post = Post(
            name, endpoint, self._clock, outage_seconds=outage_seconds, listener=listener
        )
        self._round: Round[_Waiting] = Round(self._send, self._roster, self._clock)
        self._away: dict[str, _Waiting] = {}
        """Who waits for a result of a batch, by custom id."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._watched: dict[int, asyncio.Task[None]] = {}
        """Who sees to a stored batch, by its number."""
        self.under_way: set[str] = set()
        """Batches at the endpoint whose results haven't come yet."""
        log.sweep(now() - KEPT)

    async def ask(self, request: BatchRequest) -> Answered:
        """The result of a call, from the batch it is part of or from the next one.

        Raises:
            AttemptError: the endpoint can't be reached for too long, or refuses the batch.
            PrerequisiteError: the endpoint refuses every batch.
        """
        began = self._clock.time()
        known = self._log.call(self._name, request.request.identity, request.fingerprint)
        if known is not None and known.result is not None and not known.failed:
            return Answered(known.custom_id, known.result, 0.0)
        attempt = 1 if known is None else known.attempt + known.failed
        waiting = _Waiting(request, request.call(attempt))
        with self._roster.waiting():
            if known is None or known.failed:
                self._round.add(waiting)
            else:
                self._attach(waiting, known.batch)
            try:
                result = await waiting.answer
            finally:
                self._round.remove(waiting)
                self._away.pop(waiting.call.custom_id, None)
        return Answered(waiting.call.custom_id, result, self._clock.time() - began)

    def settle(self, custom_id: str) -> None:
        """The result was no answer: asked again, the call is sent again."""
        self._log.fail(custom_id)

    async def aclose(self) -> None:
        """Leave all batches alone; they go on at the endpoint."""
        self._round.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _attach(self, waiting: _Waiting, batch: StoredBatch) -> None:
        """Wait for a batch that was sent before, perhaps by a process that has died since."""
        self._away[waiting.call.custom_id] = waiting
        waiting.task = self._watched.get(batch.number)
        if waiting.task is None:
            self._entrust([waiting], self._resume(batch), number=batch.number)

    def _entrust(
        self,
        waiting: Iterable[_Waiting],
        work: Coroutine[None, None, None],
        *,
        number: int | None = None,
    ) -> None:
        """Do it in a task of its own; what it raises is raised for those who wait for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        for each in waiting:
            each.task = task
        if number is not None:
            self._watched[number] = task
        task.add_done_callback(partial(self._done, number))

    def _done(self, number: int | None, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if number is not None:
            self._watched.pop(number, None)
        error = None if task.cancelled() else task.exception()
        for waiting in self._away.values():
            if waiting.task is not task or waiting.answer.done():
                continue
            if error is None:
                waiting.answer.cancel()
            else:
                waiting.answer.set_exception(error)

    def _send(self, parked: Sequence[_Waiting]) -> None:
        for waiting in parked:
            self._away[waiting.call.custom_id] = waiting
        self._entrust(parked, self._divide(parked))

    async def _divide(self, parked: Sequence[_Waiting]) -> None:
        """Make batches of what waits, none of them too large."""
        part: list[_Ready] = []
        size = 0
        for waiting in parked:
            entry = waiting.request.entry(waiting.call.custom_id)
            await asyncio.sleep(0)  # entries with pictures are large
            if waiting.answer.done():
                continue
            if part and (len(part) >= MOST_CALLS or size + len(entry) > MOST_BYTES):
                self._begin(part)
                part, size = [], 0
            part.append(_Ready(waiting, entry))
            size += len(entry)
        if part:
            self._begin(part)

    def _begin(self, part: Sequence[_Ready]) -> None:
        calls = [ready.waiting.call for ready in part]
        batch = self._log.intend(self._name, calls, self._now())
        work = self._carry(batch, [ready.entry for ready in part])
        self._entrust([ready.waiting for ready in part], work, number=batch.number)

    async def _carry(self, batch: StoredBatch, entries: list[bytes]) -> None:
        """Send a batch whose intent is stored, and wait for its results."""
        named = await self._post.submit(
            entries,
            arrived=lambda: self._find(batch),
            refused=lambda: self._log.withdraw(batch.number),
        )
        if self._listener is not None:
            self._listener.batch_sent(self._name, named, calls=len(entries))
        entries.clear()
        self._log.sent(batch.number, named)
        await self._collect(batch.number, named)

    async def _resume(self, batch: StoredBatch) -> None:
        """Wait for a batch of an earlier process, if it was sent at all."""
        named = batch.id
        if not named:
            age = (self._now() - batch.intended).total_seconds()
            await self._post.sleep(min(STILL_COMING, max(0.0, STILL_COMING - age)))
            found = await self._find(batch)
            if found is None:
                self._park_again(batch)
                return
            named = found
            self._log.sent(batch.number, named)
        await self._collect(batch.number, named)

    async def _find(self, batch: StoredBatch) -> str | None:
        return await self._post.find(
            self._log.calls(batch.number),
            since=batch.intended - SKEW,
            known=self._log.ids(self._name),
        )

    def _park_again(self, batch: StoredBatch) -> None:
        """The batch was never sent: who waits for it takes the next one."""
        names = self._log.calls(batch.number)
        self._log.withdraw(batch.number)
        for name in names & self._away.keys():
            waiting = self._away.pop(name)
            waiting.task = None
            self._round.add(waiting)

    async def _collect(self, number: int, batch: str) -> None:
        """Store the results of a batch when it has ended, and hand them on."""
        self.under_way.add(batch)
        left = self._log.unanswered(number)
        calls = answered = 0
        try:
            await self._post.until_ended(batch)
            async for results in self._post.results(batch):
                calls += len(results)
                answered += sum(result["type"] == "succeeded" for result in results.values())
                self._deliver(number, {name: results[name] for name in results.keys() & left})
                left -= results.keys()
        except BatchGoneError:
            pass
        self.under_way.discard(batch)
        if self._listener is not None:
            self._listener.batch_ended(self._name, batch, calls=calls, answered=answered)
        self._deliver(number, dict.fromkeys(left, MISSING))

    def _deliver(self, number: int, results: dict[str, Result]) -> None:
        if results:
            self._log.answered(number, results)
        for name, result in results.items():
            waiting = self._away.get(name)
            if waiting is not None and not waiting.answer.done():
                waiting.answer.set_result(result)
