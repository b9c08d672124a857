"""The wall time of a session, without what it waits for others: rates, outages, batches."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from docmill.errors import LimitError


class WorkingTime:
    """A deadline that stands still while somebody else is waited for."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self._left: float | None = None
        """Seconds left when it was paused; None while it runs."""

    def pause(self) -> None:
        """Stop the clock; harmless if it stands."""
        when = self._timeout.when()
        if self._left is None and when is not None:
            self._left = when - asyncio.get_running_loop().time()
            self._timeout.reschedule(None)

    def resume(self, worked: float = 0.0) -> None:
        """Let the clock go on; of the pause, `worked` seconds count."""
        if self._left is not None:
            left, self._left = self._left - worked, None
            self._timeout.reschedule(asyncio.get_running_loop().time() + left)


@asynccontextmanager
async def within(minutes: float) -> AsyncGenerator[WorkingTime]:
    """Work that may take so long.

    Raises:
        LimitError: it took longer.
    """
    timeout = asyncio.timeout(minutes * 60)
    try:
        async with timeout:
            yield WorkingTime(timeout)
    except TimeoutError as error:
        if not timeout.expired():
            raise
        raise LimitError(
            f"The session took longer than `limits.minutes` {minutes:g}.",
            code="limit_minutes",
            remedy="Raise `limits.minutes` in the pipeline and run again.",
        ) from error
