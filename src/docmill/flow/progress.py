"""How far a large run has come, as a progress bar among the run's artifacts in Prefect's UI.

A small run shows it by its tasks. Used by `runner`; what is done is counted by `dealing`.
"""

import asyncio
import time
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

from docmill.flow.dealing import Tally

BETWEEN_SECONDS = 10.0
"""The bar moves no more often: each time costs Prefect some 20 ms of CPU."""


class Progress:
    """The bar of one run; made in Prefect when it is shown first."""

    def __init__(self, tally: Tally, *, total: int, key: str, run_id: UUID) -> None:
        self._tally = tally
        self._total = total
        self._key = key
        self._run_id = run_id
        self._artifact: UUID | None = None
        self._shown = 0
        self._next = 0.0
        self._lock = asyncio.Lock()

    async def show(self, client: PrefectClient) -> None:
        """Show it, unless that was done just now."""
        async with self._lock:
            if time.monotonic() >= self._next:
                await self._put(client)

    async def end(self, client: PrefectClient) -> None:
        """Show how far the run came at last, if the bar was ever shown."""
        async with self._lock:
            if self._artifact:
                await self._put(client)

    async def _put(self, client: PrefectClient) -> None:
        done = self._tally.done
        if done == self._shown:
            return
        data = round(100 * done / self._total, 1)
        text = f"{done} of {self._total} documents: {self._tally.text()}"
        if self._artifact:
            await client.update_artifact(
                self._artifact, ArtifactUpdate(data=data, description=text)
            )
        else:
            created = await client.create_artifact(
                ArtifactCreate(
                    key=self._key,
                    type="progress",
                    data=data,
                    description=text,
                    flow_run_id=self._run_id,
                )
            )
            self._artifact = created.id
        self._shown = done
        self._next = time.monotonic() + BETWEEN_SECONDS
