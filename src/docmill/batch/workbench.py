"""The workbench of a run's sessions: models, tools, sandbox, budget, opened from their names.

Opening sends nothing and spends nothing, but raises whatever would make every session fail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from docmill.backends.local import LocalBackend
from docmill.batch.crowd import sessions_at_once, waiting_seconds
from docmill.batch.egress import open_broker
from docmill.batch.state import State
from docmill.checks.expectations_process import LibraryProcess
from docmill.compile.forms import sandbox_spec
from docmill.egress.vault import Lookup, no_blocks
from docmill.errors import PrerequisiteError
from docmill.ledger.prices import PriceTable
from docmill.ledger.purse import Purses
from docmill.models.base import Model
from docmill.models.batching import BatchListener
from docmill.models.rates import Sharing
from docmill.models.registry import Models
from docmill.output.fields import resolve_record
from docmill.plan import CompiledPipeline
from docmill.sandboxes.base import Probe, SandboxBackend, SandboxSpec
from docmill.session.bench import Stage, Workbench
from docmill.session.consent import Consent
from docmill.session.slots import Slots
from docmill.settings import Settings
from docmill.spec.agent import ModelChoice
from docmill.spec.load import LoadedWorkspace
from docmill.spec.sizes import parse_size
from docmill.spec.workspace import Capabilities
from docmill.store.accounts import Accounts
from docmill.store.approvals import Question
from docmill.store.batches import BatchLog
from docmill.store.runs import run_id
from docmill.telemetry import Telemetry
from docmill.tools import toolset
from docmill.tools.mcp.meeting import Servers
from docmill.tools.mcp.servers import Terms


@dataclass(frozen=True, slots=True)
class Ground:
    """What every run of a pipeline stands on, found before anything is spent."""

    loaded: LoadedWorkspace
    settings: Settings
    state: State
    compiled: CompiledPipeline
    backend: SandboxBackend
    probe: Probe
    prices: PriceTable
    blocks: Lookup = no_blocks
    """Reads Secret blocks of Prefect."""
    telemetry: Telemetry | None = None
    library: LibraryProcess | None = None
    """Great Expectations, started ahead; one run uses it up."""


def open_models(
    ground: Ground, listener: BatchListener | None = None, *, shared: Sharing | None = None
) -> Models:
    """The models of the workspace's endpoints; close them in the loop they were asked in.

    `shared`: other processes ask them for the same run.
    """
    return Models(
        ground.loaded.workspace.config.endpoints,
        secrets=ground.settings.secret,
        blobs=ground.state.blobs.get,
        listener=listener,
        batch_listener=listener,
        shared=shared,
    )


def make_bench(
    ground: Ground,
    models: Models,
    servers: Servers,
    *,
    tell: Callable[[str, Sequence[Question]], None],
) -> Workbench:
    """A workbench that is no run's yet; `of_run` makes it one's.

    `tell` is called when a document begins to wait for a person, and when it goes on.

    Raises:
        PrerequisiteError: a model, a key or a password can't be had.
    """
    compiled, state = ground.compiled, ground.state
    pipeline = compiled.pipeline
    broker = open_broker(compiled, ground.settings, ground.blocks)
    return Workbench(
        compiled=compiled,
        shape=resolve_record(pipeline.record, compiled.root),
        sandboxes=ground.backend,
        sandbox_spec=replace(_sandbox(ground, models), door=broker is not None),
        sandbox_name=ground.probe.backend,
        stages=_stages(ground, models, servers),
        store=state.sessions,
        blobs=state.blobs,
        prices=ground.prices,
        run=0,
        purses=Purses(make_accounts(ground, 0)),
        max_bytes=parse_size(pipeline.documents.max_size),
        consent=Consent(
            state.approvals,
            minutes=pipeline.limits.approval_minutes,
            tell=tell,
            waiting=models.roster.waiting,
            slots=Slots(sessions_at_once(pipeline, ground.settings))
            if compiled.agent.asks
            else None,
        ),
        password=_password(ground),
        broker=broker,
        batched=_batched(ground, models),
        telemetry=ground.telemetry,
        growth=state.growth,
    )


def of_run(ground: Ground, bench: Workbench, number: int) -> Workbench:
    """The workbench for the sessions of run `number`."""
    accounts = make_accounts(ground, number)
    accounts.recover()
    sandbox = replace(bench.sandbox_spec, labels={"run": run_id(number)})
    return replace(bench, run=number, purses=Purses(accounts), sandbox_spec=sandbox)


def _sandbox(ground: Ground, models: Models) -> SandboxSpec:
    """What sandboxes are made of; their time doesn't run out while somebody is waited for."""
    compiled = ground.compiled
    spec = sandbox_spec(compiled.environment, {})
    if all(models.endpoint(choice.id) is None for choice in compiled.agent.models):
        return spec
    seconds = spec.limits.seconds + waiting_seconds(compiled.pipeline)
    if compiled.agent.asks:
        limits = compiled.pipeline.limits
        seconds += limits.approval_minutes * 60 * limits.turns
    return replace(spec, limits=replace(spec.limits, seconds=seconds))


def make_accounts(ground: Ground, number: int) -> Accounts:
    """The accounts of run `number`, which all its workers share."""
    limits = ground.compiled.pipeline.limits
    return Accounts(
        ground.state.engine,
        run=number,
        usd_per_document=limits.usd_per_document,
        usd_per_run=limits.usd_per_run,
    )


def _stages(ground: Ground, models: Models, servers: Servers) -> tuple[Stage, ...]:
    agent = ground.compiled.agent
    tools = toolset(agent)
    stages: list[Stage] = []
    for choice in agent.models:
        endpoint = models.endpoint(choice.id)
        capabilities = endpoint.capabilities if endpoint else Capabilities()
        model = _opened(ground, models, choice)
        grader = model if endpoint else None  # the embedded model can't grade
        terms = Terms(keep=ground.state.blobs.put, pictures=capabilities.images)
        sources = servers.sources(terms) if endpoint else ()  # nor does it call MCP servers
        stages.append(Stage(choice, LocalBackend(model, tools, sources), capabilities, grader))
    return tuple(stages)


def _opened(ground: Ground, models: Models, choice: ModelChoice) -> Model:
    pipeline = ground.compiled.pipeline
    if pipeline.mode == "live":
        return models.open(choice)
    seconds = pipeline.retries.outage_minutes * 60
    return models.open_batched(choice, BatchLog(ground.state.engine), outage_seconds=seconds)


def _batched(ground: Ground, models: Models) -> frozenset[str]:
    """Models that are asked in message batches: in `mode: batch`, all but the embedded one."""
    if ground.compiled.pipeline.mode == "live":
        return frozenset()
    ids = [choice.id for choice in ground.compiled.agent.models]
    return frozenset(name for name in ids if models.endpoint(name) is not None)


def _password(ground: Ground) -> str | None:
    name = ground.compiled.pipeline.documents.password_env
    if name is None:
        return None
    password = ground.settings.secret(name)
    if password is None:
        raise PrerequisiteError(
            f"The variable {name} with the documents' password is not set.",
            remedy=f"Set it: export {name}=...",
        )
    return password
