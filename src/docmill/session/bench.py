"""What the sessions of a run share: put together by `batch`, read by everything in this package."""

from dataclasses import dataclass, field

from docmill.backends.base import Backend
from docmill.blobs import BlobStore
from docmill.egress.broker import Broker
from docmill.ledger.prices import PriceTable
from docmill.ledger.purse import Purses
from docmill.models.base import Model
from docmill.output.shape import RecordShape
from docmill.plan import CompiledPipeline
from docmill.sandboxes.base import SandboxBackend, SandboxSpec
from docmill.session.consent import Consent
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Capabilities
from docmill.store.growth import Growth
from docmill.store.sessions import SessionStore
from docmill.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Stage:
    """One model of the agent, ready to be asked."""

    choice: ModelChoice
    backend: Backend
    capabilities: Capabilities = field(default_factory=Capabilities)
    model: Model | None = None
    """Who grades its records where the pipeline has a rubric; None: nobody does."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """Everything a run's sessions share."""

    compiled: CompiledPipeline
    shape: RecordShape
    sandboxes: SandboxBackend
    sandbox_spec: SandboxSpec
    sandbox_name: str
    stages: tuple[Stage, ...]
    """In the order they are asked; more than one is a cascade."""
    store: SessionStore
    blobs: BlobStore
    prices: PriceTable
    run: int
    purses: Purses
    max_bytes: int
    consent: Consent
    """How a person is asked about tool calls."""
    password: str | None = None
    broker: Broker | None = None
    """The sandboxes' only way out; None: they have none."""
    batched: frozenset[str] = frozenset()
    """Models that are asked in message batches."""
    telemetry: Telemetry | None = None
    """Where spans of the sessions go; None: nowhere."""
    growth: Growth | None = None
    """Which finished sessions know fields of a record; None: every record is asked as a whole."""
