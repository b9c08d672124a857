"""Deals documents out to a fixed number of places, and stops doing so when told to.

Used by `runner`; knows neither Prefect nor sessions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from docmill.errors import RunError, TooManyFailuresError
from docmill.flow.job import Job
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus
from docmill.spec.pipeline import FailureThreshold

FAILURES: tuple[DocumentStatus, ...] = ("failed", "invalid")
"""What a failure threshold counts."""


class Control:
    """Whether the run goes on: set by Ctrl-C, by Prefect's UI, by a threshold; read by everyone."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()
        self.reason = ""
        """Why the run stopped early, as a sentence."""
        self.error: RunError | None = None
        """What stopped it, unless somebody asked for it."""

    @property
    def stopped(self) -> bool:
        """True as soon as the run is not to go on."""
        return self._stopped.is_set()

    def stop(self, reason: str, *, error: RunError | None = None) -> None:
        """End the run early; the first reason holds."""
        if not self.stopped:
            self.reason, self.error = reason, error
            self._stopped.set()

    async def wait(self) -> None:
        """Until the run is not to go on."""
        await self._stopped.wait()


class Tally:
    """Documents by status, against the failure threshold."""

    def __init__(
        self, threshold: FailureThreshold, control: Control, *, total: int, run_id: str = "RUN"
    ) -> None:
        self.counts: dict[DocumentStatus, int] = {}
        self._control = control
        self._total = total
        self._run_id = run_id
        shares = [] if threshold.share is None else [threshold.share * total]
        counts = [] if threshold.count is None else [threshold.count]
        self._most = min([*shares, *counts], default=None)

    @property
    def done(self) -> int:
        """Documents that have ended, however."""
        return sum(self.counts.values())

    def text(self) -> str:
        """`1 failed, 41 ok`."""
        return ", ".join(f"{number} {status}" for status, number in sorted(self.counts.items()))

    def add(self, status: DocumentStatus, number: int = 1) -> None:
        """Count documents that ended so; crossing the threshold stops the run."""
        self.counts[status] = self.counts.get(status, 0) + number
        failures = sum(self.counts.get(kind, 0) for kind in FAILURES)
        if self._most is not None and failures > self._most:
            message = (
                f"{failures} of {self._total} documents failed; "
                f"the pipeline's failure_threshold allows {int(self._most)}."
            )
            error = TooManyFailuresError(message, remedy=f"Look: docmill runs show {self._run_id}")
            self._control.stop(message, error=error)


class Place:
    """Where a document is at work; it is left while the document waits to be tried again."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places = places
        self._taken = False

    async def take(self) -> None:
        """Wait for a free place, unless there is one already."""
        if not self._taken:
            await self._places.acquire()
            self._taken = True

    def leave(self) -> None:
        """Let another document have it."""
        if self._taken:
            self._taken = False
            self._places.release()


async def deal(
    documents: Iterable[PlannedDocument],
    handle: Callable[[PlannedDocument, Place], Awaitable[DocumentStatus]],
    *,
    job: Job,
    control: Control,
    tally: Tally,
) -> None:
    """Hand every document to `handle`, with a place for it, until done or stopped.

    There are `job.concurrency` places. As many documents again may wait, having left theirs; then
    no more are dealt out. Documents that are under way when the run is stopped are cancelled; each
    document is counted once.
    """
    queue = iter(documents)
    places = asyncio.Semaphore(job.concurrency)

    async def work() -> None:
        place = Place(places)
        try:
            while await deal_one(place):
                place.leave()
        finally:
            place.leave()

    async def deal_one(place: Place) -> bool:
        await place.take()
        document = next(queue, None)
        if document is None:
            return False
        if control.stopped:
            cancel(document)
            return False
        try:
            tally.add(await handle(document, place))
        except asyncio.CancelledError:
            cancel(document)
            raise
        except RunError as error:
            cancel(document)
            control.stop(error.message, error=error)
        return True

    def cancel(document: PlannedDocument) -> None:
        job.settle_cancelled(document)
        tally.add("cancelled")

    workers = [asyncio.create_task(work()) for _ in range(2 * job.concurrency)]
    try:
        await _until_done(workers, control)
    finally:
        await _end(workers)
        # Whoever deals out last also settles what was never dealt out.
        for document in queue:
            cancel(document)


async def _until_done(workers: Sequence[asyncio.Task[None]], control: Control) -> None:
    watch = asyncio.create_task(control.wait())
    try:
        waiting = set(workers)
        while waiting and not control.stopped:
            done, _ = await asyncio.wait({*waiting, watch}, return_when=asyncio.FIRST_COMPLETED)
            waiting -= done
            for worker in done - {watch}:
                # A stop may cancel a document's work before it wakes this.
                if not (worker.cancelled() and control.stopped):
                    worker.result()
    finally:
        watch.cancel()


async def _end(workers: Sequence[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
