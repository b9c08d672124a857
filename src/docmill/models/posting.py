"""The batches of an endpoint, patiently: what fails is made again, until an outage is too long.

Neighbours: `batching` has the seam to the endpoint, `batcher` what is sent and who waits for it.
Keeps nothing: what has to survive a crash is stored by `batcher`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TypeVar

from docmill.errors import PrerequisiteError
from docmill.models.base import AttemptError
from docmill.models.batching import BatchEndpoint, BatchGoneError, BatchState, Result
from docmill.models.rates import LONGEST_PAUSE, WORTH_TELLING, Clock, PauseListener

T = TypeVar("T")

FIRST_LOOK = 1.0
LONGEST_LOOK = 60.0
SLOWER = 1.5
"""Seconds between two looks at a batch, and how they grow."""
FIRST_PAUSE = 2.0
LONGEST_OWN_PAUSE = 60.0
"""Seconds before a request that failed is made again, where the endpoint names none; they
double."""
AT_ONCE = 100
"""Results handed on together."""


class Post:
    """One endpoint."""

    def __init__(
        self,
        name: str,
        endpoint: BatchEndpoint,
        clock: Clock,
        *,
        outage_seconds: float,
        listener: PauseListener | None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.outage_seconds = outage_seconds
        self.listener = listener
        self._endpoint = endpoint

    async def submit(
        self,
        entries: Sequence[bytes],
        *,
        arrived: Callable[[], Awaitable[str | None]],
        refused: Callable[[], None],
    ) -> str:
        """Send a batch; returns its id.

        A request that failed may have arrived all the same: `arrived` is asked before the next.
        `refused` is called where it is certain that it has not, and will not be sent again.
        """
        tries = _Tries(self)
        while True:
            try:
                batch = await self._endpoint.submit(entries)
            except PrerequisiteError:
                refused()
                raise
            except AttemptError as error:
                if not error.retryable:
                    refused()
                await tries.pause(error)
            else:
                tries.over()
                return batch.id
            found = await arrived()
            if found is not None:
                tries.over()
                return found

    async def until_ended(self, batch: str) -> None:
        """Wait for the end of a batch.

        Raises:
            BatchGoneError: the endpoint has no such batch.
        """
        interval = FIRST_LOOK
        while not (await self._insist(lambda: self._endpoint.poll(batch))).ended:
            await self.sleep(interval)
            interval = min(LONGEST_LOOK, interval * SLOWER)

    async def results(self, batch: str) -> AsyncGenerator[dict[str, Result]]:
        """All results of a batch that has ended, by custom id, some at a time.

        Raises:
            BatchGoneError: it has none, or not any more.
        """
        seen: set[str] = set()
        tries = _Tries(self)
        while True:
            some: dict[str, Result] = {}
            failed: AttemptError | None = None
            try:
                async with aclosing(self._endpoint.results(batch)) as results:
                    async for name, result in results:
                        if name not in seen:
                            seen.add(name)
                            some[name] = result
                        if len(some) >= AT_ONCE:
                            yield some
                            some = {}
            except AttemptError as error:
                failed = error
            if some:
                yield some
            if failed is None:
                tries.over()
                return
            await tries.pause(failed)

    async def find(self, ours: set[str], *, since: datetime, known: set[str]) -> str | None:
        """The batch with exactly these calls; None if it never arrived.

        The endpoint tells the names of a batch's calls only with its results, so that one which may
        be ours is waited for.
        """
        recent = await self._insist(lambda: self._recent(since))
        for batch in sorted(recent, key=lambda batch: batch.created):
            if batch.id in known or batch.calls != len(ours):
                continue
            try:
                await self.until_ended(batch.id)
                named = await self._insist(lambda batch=batch: self._first_name(batch.id))
            except BatchGoneError:
                continue
            if named in ours:
                return batch.id
        return None

    async def sleep(self, seconds: float) -> None:
        """By the clock."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake() -> None:
            if not over.done():
                over.set_result(None)

        timer = self.clock.call_later(seconds, wake)
        try:
            await over
        finally:
            timer.cancel()

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        tries = _Tries(self)
        while True:
            try:
                answer = await call()
            except AttemptError as error:
                await tries.pause(error)
            else:
                tries.over()
                return answer

    async def _recent(self, since: datetime) -> list[BatchState]:
        async with aclosing(self._endpoint.recent(since)) as batches:
            return [batch async for batch in batches]

    async def _first_name(self, batch: str) -> str | None:
        async with aclosing(self._endpoint.results(batch)) as results:
            async for name, _ in results:
                return name
        return None


class _Tries:
    """Failures of one request."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._since: float | None = None
        self._pause = FIRST_PAUSE
        self._told = False

    async def pause(self, error: AttemptError) -> None:
        """Wait before the next try, as long as the endpoint wants or longer each time.

        Raises:
            AttemptError: the next one would fail as well, or it has gone on for too long.
        """
        post = self._post
        now = post.clock.time()
        self._since = now if self._since is None else self._since
        if not error.retryable or now - self._since >= post.outage_seconds:
            raise error
        wait = self._pause if error.retry_after is None else min(LONGEST_PAUSE, error.retry_after)
        self._pause = min(LONGEST_OWN_PAUSE, 2 * self._pause)
        if wait >= WORTH_TELLING and post.listener is not None:
            self._told = True
            post.listener.paused(post.name, error.message, wait)
        await post.sleep(wait)

    def over(self) -> None:
        """It worked."""
        if self._told and self._post.listener is not None:
            self._post.listener.resumed(self._post.name)
