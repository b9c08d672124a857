"""Puts a run together and carries it out: compile, plan, claim, flow, report.

The only place that constructs backends, models, sandboxes and budgets from names. The command line
calls it and prints; it prints nothing itself.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from docmill.batch.affordable import check_limits
from docmill.batch.aftermath import Aftermath
from docmill.batch.attempts import Here
from docmill.batch.blocks import SecretBlocks, block_names
from docmill.batch.crowd import places_at_once, sessions_at_once
from docmill.batch.dealing import Dealer
from docmill.batch.equipment import equipped
from docmill.batch.foresight import foresee, is_free
from docmill.batch.held import Held
from docmill.batch.job import BatchJob, JobParts
from docmill.batch.observer import Observer
from docmill.batch.origins import keep_origins
from docmill.batch.retention import keep_house
from docmill.batch.servers import meet_servers
from docmill.batch.sharded import ShardedBatchJob, fenced, make_dealer
from docmill.batch.state import State, open_state, server_settings
from docmill.batch.verdicts import BatchVerdicts
from docmill.batch.workbench import Ground, make_bench, of_run, open_models
from docmill.checks.expectations_process import LibraryProcess
from docmill.checks.judge import compile_judge
from docmill.checks.reference import load_reference
from docmill.compile import compile_pipeline, plan_batch
from docmill.errors import RunNotFoundError
from docmill.flow import launch, server
from docmill.flow.job import RunEnd, RunOutcome
from docmill.flow.prefect_process import FlowSide
from docmill.ledger.prices import first_party, load_prices
from docmill.plan import BatchPlan, CompiledPipeline
from docmill.records.results import RunInfo
from docmill.report.build import ReportFiles
from docmill.sandboxes import open_backend
from docmill.sandboxes.base import SandboxBackend
from docmill.sandboxes.opening import require_limits, silent
from docmill.session.bench import Workbench
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace
from docmill.store.heartbeats import beating
from docmill.store.runs import RunDocument, run_id
from docmill.telemetry import Telemetry, run_telemetry


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that came to its end."""

    info: RunInfo
    outcome: RunOutcome
    files: ReportFiles | None
    """None if the run was cancelled."""


def make_plan(loaded: LoadedWorkspace, compiled: CompiledPipeline, state: State) -> BatchPlan:
    """What a run of the pipeline would do.

    Raises:
        PrerequisiteError: its documents can't be listed.
    """
    return plan_batch(
        compiled,
        state.sessions.finished_keys,
        known_bases=state.growth.earlier,
        cache=loaded.cache_folder,
    )


def run_pipeline(
    loaded: LoadedWorkspace,
    name: str,
    settings: Settings,
    observer: Observer,
    *,
    process: FlowSide | None = None,
    library: LibraryProcess | None = None,
    resume: int | None = None,
) -> RunResult:
    """Run a pipeline to its end, or go on with its run that was killed.

    `process` is Prefect's, `library` that of Great Expectations, if they were started ahead;
    `resume` the number of a run that did not finish and is to go on.

    Raises:
        SpecError, PrerequisiteError, RunBusyError: before anything was run or spent.
        TooManyFailuresError, RunError: the run stopped early; its report is written all the same.
    """
    prefect = server_settings(loaded, settings)
    compiled = compile_pipeline(loaded, name)
    server.begin(prefect)
    spans = run_telemetry(
        settings.environ, name=f"run {name}", attributes={"docmill.pipeline": name}
    )
    with open_state(loaded) as state, beating(state.engine), spans as telemetry:
        job = prepare_job(
            loaded,
            compiled,
            settings,
            state,
            observer=observer,
            resume=resume,
            telemetry=telemetry,
            library=library,
        )
        try:
            job.warm_up()
            address = server.ensure(prefect)
            outcome = launch.run(job, address, process, meanwhile=job.recall, around=job.held)
        finally:
            job.release()
            if job.info.status == "running":
                job.close(RunEnd(status="cancelled", message="The run was stopped."))
            # Who presses Ctrl-C twice doesn't wait for it; `docmill notify` does it then.
            if not isinstance(sys.exception(), KeyboardInterrupt):
                job.tell()
        keep_house(loaded, state, observer.preparing)
        return RunResult(job.info, outcome, job.files)


def prepare_job(
    loaded: LoadedWorkspace,
    compiled: CompiledPipeline,
    settings: Settings,
    state: State,
    *,
    observer: Observer,
    resume: int | None = None,
    telemetry: Telemetry | None = None,
    library: LibraryProcess | None = None,
) -> BatchJob:
    """A run that is planned and claimed, ready for the flow to carry out.

    Raises:
        PrerequisiteError, RunBusyError: before anything was run or spent.
        RunError, RunNotFoundError: the run to be resumed can't be.
    """
    state.tell_waits(observer.preparing)
    compiled = equipped(compiled, settings, tell=observer.preparing)
    plan = make_plan(loaded, compiled, state)
    ground = survey(loaded, compiled, settings, state, tell=observer.preparing)
    ground = replace(ground, telemetry=telemetry, library=library)
    return _claim(ground, plan, observer, resume=resume)


def sandbox_of(
    compiled: CompiledPipeline, settings: Settings, *, tell: Callable[[str], None] = silent
) -> SandboxBackend:
    """The sandbox backend a pipeline's environment gets on this machine.

    `tell` is given a sentence before something is done that takes a while.

    Raises:
        PrerequisiteError: none can be had; docmill never goes on without one.
    """
    wanted = compiled.environment.docmill.backend
    return open_backend(settings.sandbox if wanted == "auto" else wanted, tell=tell)


def survey(
    loaded: LoadedWorkspace,
    compiled: CompiledPipeline,
    settings: Settings,
    state: State,
    *,
    tell: Callable[[str], None] = silent,
) -> Ground:
    """What runs of the pipeline stand on, on this machine.

    Raises:
        PrerequisiteError: no sandbox can be had, or none with the limits that must be in force.
        SpecError: the workspace's price table can't be read.
    """
    backend = sandbox_of(compiled, settings, tell=tell)
    if compiled.environment.docmill.limits.strict:
        require_limits(backend.probe(), compiled.environment.name)
    own_prices = loaded.workspace.config.prices
    return Ground(
        loaded=loaded,
        settings=settings,
        state=state,
        compiled=compiled,
        backend=backend,
        probe=backend.probe(),
        prices=load_prices(
            loaded.root / own_prices if own_prices else None,
            first_party=first_party(loaded.workspace.config.endpoints),
        ),
        blocks=SecretBlocks(server_settings(loaded, settings), block_names(compiled.pipeline)),
    )


def _claim(ground: Ground, plan: BatchPlan, observer: Observer, *, resume: int | None) -> BatchJob:
    models = open_models(ground, observer)
    # Whatever is missing is said before a run is claimed.
    aftermath_of(ground).check()
    servers = meet_servers(ground, plan)
    bench = make_bench(ground, models, servers, tell=observer.waits)
    check_limits(ground, plan)
    info = _run_info(ground)
    if not is_free(ground):
        info = info.model_copy(update={"forecast": foresee(ground, plan)})
    batch = [RunDocument(info=entry.info, key=entry.key) for entry in plan.documents]
    outdated = _outdated(ground)
    number, resumed = ground.state.runs.claim(info, batch, resume=resume)
    if outdated and not resumed:
        observer.preparing(
            f"{outdated} was killed, and the specs changed since: it stays as it is, and "
            f"{run_id(number)} begins."
        )
    info = info.model_copy(update={"id": run_id(number)})
    keep_origins(ground.state, number, ground.compiled, ground.prices)
    if resumed:
        begun = ground.state.runs.info(number)
        info = info.model_copy(update={"started": begun.started, "forecast": begun.forecast})
    ground.backend.sweep()
    observer.planned(info, plan, resumed=resumed)
    bench = fenced(ground, of_run(ground, bench, number))
    dealer = make_dealer(ground, bench, observer)
    held = Held(models, servers, dealer or _ahead(ground, plan, bench))
    return _job(ground, plan, info, bench=bench, held=held, dealer=dealer, observer=observer)


def _outdated(ground: Ground) -> str:
    """The pipeline's newest run, if it never ended and can't go on with the specs of now."""
    runs, compiled = ground.state.runs, ground.compiled
    try:
        info = runs.info(runs.latest(compiled.pipeline.name))
    except RunNotFoundError:
        return ""
    killed = info.status == "running" and info.spec_digest != compiled.spec_digest
    return info.id if killed else ""


def _ahead(ground: Ground, plan: BatchPlan, bench: Workbench) -> AbstractAsyncContextManager[None]:
    """Sandboxes kept ready for the documents that are still to be read."""
    to_read = [one for one in plan.documents if not (one.code or one.cached)]
    at_once = sessions_at_once(ground.compiled.pipeline, ground.settings)
    in_all = sum(one.info.duplicate_of is None for one in to_read)
    return bench.sandboxes.ahead(bench.sandbox_spec, at_once=min(at_once, in_all), in_all=in_all)


def _run_info(ground: Ground) -> RunInfo:
    compiled, probe = ground.compiled, ground.probe
    models = [choice.id for choice in compiled.agent.models]
    prices = {model: price for model in models if (price := ground.prices.price(model))}
    by = sorted({entry.by for entry in probe.enforced})
    return RunInfo(
        id="",
        pipeline=compiled.pipeline.name,
        description=compiled.pipeline.description,
        status="running",
        started=datetime.now(UTC),
        docmill_version=version("docmill"),
        model=compiled.agent.model_id,
        agent=f"{compiled.agent.name}@{compiled.session_digest[:12]}",
        environment=compiled.environment.name,
        sandbox=f"{probe.backend} {probe.version} ({', '.join(by)})",
        spec_digest=compiled.spec_digest,
        references=compiled.references,
        prices_as_of=ground.prices.as_of.isoformat(),
        prices={
            model: _price_texts(price.model_dump(exclude_none=True))
            for model, price in prices.items()
        },
        settings=ground.loaded.settings,
        limits=compiled.pipeline.limits.texts(asks=compiled.agent.asks),
    )


def _price_texts(kinds: dict[str, object]) -> dict[str, str]:
    return {kind: str(usd) for kind, usd in kinds.items()}


def _job(
    ground: Ground,
    plan: BatchPlan,
    info: RunInfo,
    *,
    bench: Workbench,
    held: Held,
    dealer: Dealer | None,
    observer: Observer,
) -> BatchJob:
    compiled, state, number = ground.compiled, ground.state, bench.run
    pipeline = compiled.pipeline
    table = load_reference(pipeline.reference, compiled.root) if pipeline.reference else None
    verdicts = BatchVerdicts(
        compiled,
        compile_judge(pipeline, compiled.fields, table),
        runs=state.runs,
        reader=lambda: state.reader(number),
        number=number,
        cache=ground.loaded.cache_folder / "expectations",
        library=ground.library,
    )
    parts = JobParts(
        plan=plan,
        bench=bench,
        held=held,
        attempts=dealer or Here(bench, held, observer),
        state=state,
        verdicts=verdicts,
        observer=observer,
        aftermath=aftermath_of(ground),
        reports=reports_folder(ground.loaded, pipeline.name),
        templates=ground.loaded.root / "reports" / "templates",
        concurrency=places_at_once(compiled, ground.settings),
    )
    return ShardedBatchJob(parts, info, dealer) if dealer else BatchJob(parts, info)


def reports_folder(loaded: LoadedWorkspace, pipeline: str) -> Path:
    """Where a pipeline's reports are."""
    return loaded.reports_folder(pipeline)


def aftermath_of(ground: Ground) -> Aftermath:
    """What follows the runs of a pipeline."""
    compiled = ground.compiled
    return Aftermath(
        compiled=compiled,
        settings=ground.settings,
        engine=ground.state.engine,
        reports=reports_folder(ground.loaded, compiled.pipeline.name),
        server=server_settings(ground.loaded, ground.settings),
        blocks=ground.blocks,
    )
