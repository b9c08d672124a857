"""How long a run may take: `limits.minutes_per_run`, counted from when it starts or goes on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from docmill.errors import LimitError


class RunTime:
    """A deadline that all documents of a run share."""

    def __init__(self, minutes: float | None, *, run: str) -> None:
        self._minutes = minutes
        self._run = run
        self._until: float | None = None

    def start(self) -> None:
        """The clock runs from here."""
        if self._minutes is not None:
            self._until = asyncio.get_running_loop().time() + self._minutes * 60

    @asynccontextmanager
    async def within(self) -> AsyncGenerator[None]:
        """Work that ends when the run's time is over.

        Raises:
            LimitError: it is over, or was before the work began.
        """
        if self._until is not None and asyncio.get_running_loop().time() >= self._until:
            raise self._over()
        timeout = asyncio.timeout_at(self._until)
        try:
            async with timeout:
                yield
        except TimeoutError as error:
            if not timeout.expired():
                raise
            raise self._over() from error

    def _over(self) -> LimitError:
        minutes = self._minutes or 0
        return LimitError(
            f"The run took longer than `limits.minutes_per_run` {minutes:g}.",
            code="limit_minutes_per_run",
            remedy=f"Go on: docmill resume {self._run} --limit minutes_per_run={2 * minutes:g}",
        )
