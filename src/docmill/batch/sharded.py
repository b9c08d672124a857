"""A run whose documents shards carry out: what its job does besides, and its dealer put together.

Neighbours: `dealing` deals, `flow.coordinating` starts the shards, `sharding` is a shard's process.
"""

from dataclasses import replace

from docmill.batch.dealing import Dealer
from docmill.batch.job import BatchJob, JobParts
from docmill.batch.observer import Observer
from docmill.batch.workbench import Ground, make_accounts
from docmill.records.results import RunInfo
from docmill.session.bench import Workbench
from docmill.store.fences import RunFence
from docmill.store.sessions import SessionStore
from docmill.store.shards import ShardStore

HAND = 64
"""Most documents a shard has in hand where the pipeline doesn't say how many sessions it has."""


def make_dealer(ground: Ground, bench: Workbench, observer: Observer) -> Dealer | None:
    """Who deals a run's documents out; None where its own process reads them all."""
    pipeline = ground.compiled.pipeline
    if not pipeline.scale.shards:
        return None
    return Dealer(
        ShardStore(ground.state.engine, bench.run),
        pipeline.scale,
        root=ground.compiled.root,
        observer=observer,
        recover=make_accounts(ground, bench.run).recover,
        hand=2 * pipeline.concurrency if pipeline.concurrency else HAND,
    )


def fenced(ground: Ground, bench: Workbench) -> Workbench:
    """The run's workbench, of no use once another process has taken the run over.

    With SQLite all processes are of one machine, whose own list of them says who lives.
    """
    engine = ground.state.engine
    if engine.dialect.name == "sqlite":
        return bench
    return replace(bench, store=SessionStore(engine, fence=RunFence(engine, bench.run)))


class ShardedBatchJob(BatchJob):
    """Implements the flow's `ShardedJob`."""

    def __init__(self, parts: JobParts, info: RunInfo, dealer: Dealer) -> None:
        super().__init__(parts, info)
        self._dealer = dealer
        self._scale = parts.plan.compiled.pipeline.scale

    @property
    def concurrency(self) -> int:
        """Documents in the hands of all shards."""
        return self._scale.shards * self._dealer.hand

    async def next_shard(self) -> str | None:
        """The name of a shard that is to be started now."""
        return await self._dealer.next_shard()

    async def shard_over(self, shard: str, message: str) -> None:
        """Prefect says that a shard has ended."""
        await self._dealer.shard_over(shard, message)

    async def dismiss(self) -> None:
        """Let the shards end."""
        await self._dealer.dismiss()
