"""The process of a shard, put together: the specs and the store of its run, on this machine.

The counterpart of `start`; `shard` does the work.
"""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from docmill.batch.attempts import Here
from docmill.batch.crowd import places_at_once
from docmill.batch.equipment import equipped
from docmill.batch.held import Held
from docmill.batch.observer import SilentObserver
from docmill.batch.servers import meet_servers
from docmill.batch.shard import ShardWork, Terms, check_same
from docmill.batch.start import survey
from docmill.batch.state import State
from docmill.batch.workbench import Ground, make_bench, of_run, open_models
from docmill.compile import compile_pipeline
from docmill.errors import DocmillError
from docmill.models.sharing import SharedRates
from docmill.plan import CompiledPipeline
from docmill.records.results import RunInfo
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace
from docmill.store.fences import ShardFence
from docmill.store.heartbeats import Heartbeats, beating
from docmill.store.runs import run_number
from docmill.store.sessions import SessionStore
from docmill.store.shards import ShardStore
from docmill.telemetry import run_telemetry

MOST = 100_000
"""More documents than a shard is ever dealt."""


def carry_out_shard(
    loaded: LoadedWorkspace, settings: Settings, state: State, *, info: RunInfo, shard: str
) -> str:
    """Be one of a run's shards until it needs none; returns why it ended early, if it did.

    `loaded` has the run's own settings.

    Raises:
        SpecError, PrerequisiteError: this worker can't, or must not, read the run's documents; the
            run's coordinator is told, too.
        LeaseLostError: others have taken the documents over.
    """
    store = ShardStore(state.engine, run_number(info.id))
    try:
        compiled = equipped(compile_pipeline(loaded, info.pipeline), settings)
        check_same(info, compiled)
        fence = ShardFence(state.engine, run_number(info.id), shard)
        fenced = replace(state, sessions=SessionStore(state.engine, fence=fence))
        work = _put_together(loaded, settings, fenced, compiled, info=info, shard=shard)
    except DocmillError as error:
        store.leave(shard, str(error))
        raise
    return work


def _put_together(
    loaded: LoadedWorkspace,
    settings: Settings,
    state: State,
    compiled: CompiledPipeline,
    *,
    info: RunInfo,
    shard: str,
) -> str:
    number, pipeline = run_number(info.id), compiled.pipeline
    spans = run_telemetry(
        settings.environ,
        name=f"run {pipeline.name} shard",
        attributes={"docmill.pipeline": pipeline.name, "docmill.run": info.id},
    )
    with spans as telemetry:
        ground = replace(survey(loaded, compiled, settings, state), telemetry=telemetry)
        return _carry_out(ground, number, shard)


def _carry_out(ground: Ground, number: int, shard: str) -> str:
    state, pipeline = ground.state, ground.compiled.pipeline
    observer = SilentObserver()
    shared = SharedRates(state.engine, processes=pipeline.scale.shards)
    models = open_models(ground, observer, shared=shared)
    servers = meet_servers(ground, None)
    bench = make_bench(ground, models, servers, tell=observer.waits)
    bench = of_run(ground, bench, number)
    places = places_at_once(ground.compiled, ground.settings)
    ahead = bench.sandboxes.ahead(bench.sandbox_spec, at_once=places, in_all=MOST)
    held = Held(models, servers, ahead)
    heartbeats = Heartbeats(state.engine)
    work = ShardWork(
        ShardStore(state.engine, number),
        Terms(shard, places, pipeline.scale.lease_seconds),
        Here(bench, held, observer),
        root=ground.compiled.root,
        beats=lambda owner: heartbeats.beats([owner]).get(owner, 0),
        beating=beating(state.engine, seconds=pipeline.scale.lease_seconds),
    )

    async def carry_out() -> str:
        with _stopping(work):
            async with held:
                return await work.carry_out()

    return asyncio.run(carry_out())


@contextmanager
def _stopping(work: ShardWork) -> Generator[None]:
    """The first SIGTERM or Ctrl-C lets the documents go; the second is not held back."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        release()
        work.stop("The shard was told to end.")

    def release() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        release()
