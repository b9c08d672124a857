"""Starts the shards of a run: each is a flow run of the deployment `PIPELINE/shard`.

The job says how many and when; this says back how Prefect fared. Whether a shard lives is for the
job's own store to know: what Prefect thinks of it only helps where it never came.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled

from docmill.flow.job import Job, ShardedJob
from docmill.flow.sharding import KIND
from docmill.flow.tasks import PREFECT_ERRORS

WATCH_SECONDS = 3.0
"""How often Prefect is asked what has become of a shard's flow run."""


@asynccontextmanager
async def shards_of(job: Job) -> AsyncGenerator[None]:
    """Start shards as the job wants them; at the end of the block let them end."""
    if not isinstance(job, ShardedJob):
        yield
        return
    async with get_client() as client:
        crew = Crew(job, client)
        starting = asyncio.create_task(crew.start())
        try:
            yield
        finally:
            await job.dismiss()
            await starting
            await crew.end()


class Crew:
    """The flow runs of a run's shards."""

    def __init__(self, job: ShardedJob, client: PrefectClient) -> None:
        self._job = job
        self._client = client
        self._following: set[asyncio.Task[None]] = set()
        self._begun: set[UUID] = set()
        """Flow runs that haven't ended, as far as Prefect knows."""

    async def start(self) -> None:
        """Start a flow run for each shard that is wanted, until no more are."""
        while (shard := await self._job.next_shard()) is not None:
            self._following.add(asyncio.create_task(self._follow(shard)))

    async def end(self) -> None:
        """Call off what no worker has begun."""
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        for run in self._begun:
            with contextlib.suppress(*PREFECT_ERRORS):
                state = (await self._client.read_flow_run(run)).state
                if state and (state.is_scheduled() or state.is_pending()):
                    done = Cancelled(message="Every document was read before this shard began.")
                    await self._client.set_flow_run_state(run, done, force=True)

    async def _follow(self, shard: str) -> None:
        deployment = f"{self._job.name}/{KIND}"
        try:
            run = await arun_deployment(
                deployment,
                client=self._client,
                parameters={"run": self._job.run_id, "shard": shard},
                flow_run_name=f"{self._job.run_id} shard {shard}",
                idempotency_key=f"{self._job.run_id} {shard}",
                timeout=0,
                as_subflow=True,
            )
        except ObjectNotFound:
            await self._job.shard_over(
                shard,
                f"Prefect has no deployment {deployment}.\nWrite `scale: {{shards: 3}}` in "
                f"pipelines/{self._job.name}.yaml, then: docmill deploy {self._job.name}",
            )
            return
        except PREFECT_ERRORS as error:
            await self._job.shard_over(shard, f"Prefect did not take the shard: {error!r}")
            return
        self._begun.add(run.id)
        said = await self._end_of(run.id)
        self._begun.discard(run.id)
        await self._job.shard_over(shard, said)

    async def _end_of(self, run: UUID) -> str:
        """Wait until Prefect knows the end of a flow run; what is said of it."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            with contextlib.suppress(*PREFECT_ERRORS):
                state = (await self._client.read_flow_run(run)).state
                if state and state.is_final():
                    return state.message or f"Its flow run ended {state.name}."
