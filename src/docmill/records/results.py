"""Verdicts, costs and the end of documents and runs: what the store keeps, the report reads."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from docmill.base import Frozen
from docmill.records.checked import CheckedRecord
from docmill.records.flags import Flag
from docmill.records.forecast import Forecast
from docmill.records.outputs import OutputFile, RefusedOutput

VerdictKind = Literal["pass", "fail", "marginal", "not_comparable", "missing"]
DocumentStatus = Literal["ok", "flagged", "invalid", "failed", "limit", "cancelled"]
RunStatus = Literal["running", "finished", "failed", "limit", "cancelled"]
Severity = Literal["critical", "warning", "info"]


class Verdict(Frozen):
    """The outcome of one check on one value, or on a record as a whole."""

    check: str
    """Name of the check as in the pipeline (or generated): stable over runs."""
    path: str = ""
    """Value judged, as `CheckedValue.path`; empty where the check is about the whole record."""
    verdict: VerdictKind
    severity: Severity = "critical"
    value: str = ""
    """What was found, as text with unit: `5.31 V`."""
    limit: str = ""
    """What was demanded, as text with unit: `4.75 … 5.25 V`."""
    clause: str = ""
    """Where the demand stands in the reference standard."""
    message: str = ""
    """One sentence a reader can act on."""
    related: tuple[str, ...] = ()
    """Other documents of the batch this is about (duplicates, inconsistencies), the first of them
    by name."""
    unnamed: int = 0
    """How many more there are."""

    @property
    def informative(self) -> bool:
        """Whether it is worth knowing without counting against the document."""
        return self.severity == "info" and self.verdict != "pass"

    @property
    def shown_as(self) -> VerdictKind | Literal["info"]:
        """What a reader is shown: the verdict, or `info` where it doesn't count."""
        return "info" if self.informative else self.verdict


class Usage(Frozen):
    """What was consumed; sums of these make every total of the report."""

    model_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    """Kept for five minutes."""
    cache_write_1h_tokens: int = 0
    """Kept for an hour."""
    cache_read_tokens: int = 0
    tool_calls: int = 0
    wall_seconds: float = 0.0
    sandbox_seconds: float = 0.0
    usd: Decimal = Decimal(0)
    unpriced_calls: int = 0
    """Model calls whose price is unknown; they aren't in `usd`."""
    batched_calls: int = 0
    """Model calls made in a message batch, at its lower price."""
    failed_calls: int = 0
    """Attempts at a model call that gave no answer; what they cost is in `usd`."""
    lost_calls: int = 0
    """Calls under way when a process died: the endpoint may have billed them, nobody can say. Their
    worst case counts against the limits and isn't in `usd`."""

    @property
    def prompt_tokens(self) -> int:
        """All input tokens, whatever the cache made of them."""
        return (
            self.input_tokens
            + self.cache_write_tokens
            + self.cache_write_1h_tokens
            + self.cache_read_tokens
        )

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            **{name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields}
        )


class DocumentInfo(Frozen):
    """A document of a batch; `id` is unique in the run and safe as a file name."""

    id: str
    name: str
    """Path relative to the pipeline's documents folder, as the user knows it."""
    sha256: str
    size: int
    """Bytes."""
    media_type: str = "application/pdf"
    pages: int | None = None
    duplicate_of: str | None = None
    """`id` of the document with the same content that was processed in its stead."""


class DocumentResult(Frozen):
    """How one document ended; exactly one per document and run."""

    document: DocumentInfo
    status: DocumentStatus
    code: str = ""
    """Stable code of the failure or limit; empty otherwise."""
    message: str = ""
    """What happened, one sentence."""
    remedy: str = ""
    """What to do next, as a command or an edit."""
    record: CheckedRecord | None = None
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    """Remarks from preparation: damaged pages, repaired file."""
    flags: tuple[Flag, ...] = ()
    """Hidden text, text that speaks to models, scripts: what an honest document doesn't have."""
    session_id: str = ""
    attempts: int = 1
    cached: bool = False
    """True if an earlier run had already finished this document."""
    usage: Usage = Usage()
    """What this run spent on it; zero if cached."""
    by_model: dict[str, Usage] = {}
    """What this run spent on each model that was asked, where the agent has several."""
    pictures: dict[int, str] = {}
    """Page number → blob hash of the page's picture (PNG), for pages with evidence."""
    page_sizes: dict[int, tuple[float, float]] = {}
    """Page number → width and height in points as displayed, for the same pages."""
    outputs: tuple[OutputFile, ...] = ()
    """Files the agent has left; they lie in `outputs/ID/FILE` beside the report."""
    refused_outputs: tuple[RefusedOutput, ...] = ()
    """Those that were not taken, and why."""

    @property
    def demanded(self) -> frozenset[str]:
        """Paths of values that a check wanted and didn't find, whatever the record says."""
        wanted = (v for v in self.verdicts if v.verdict == "missing" and not v.informative)
        return frozenset(verdict.path for verdict in wanted)


class ExpectationResult(Frozen):
    """One Great Expectations expectation over the batch's table."""

    type: str
    kwargs: dict[str, Any]
    severity: Severity = "critical"
    success: bool
    message: str = ""
    documents: tuple[str, ...] = ()
    """Names of the documents whose rows failed it."""


class ReferenceInfo(Frozen):
    """The reference standard a run judged against."""

    path: str
    version: str
    sha256: str
    rows: int


class RunInfo(Frozen):
    """A run as its report needs it."""

    id: str
    """`run-0007`."""
    pipeline: str
    description: str = ""
    status: RunStatus
    started: datetime
    ended: datetime | None = None
    docmill_version: str
    model: str
    agent: str
    """`name@digest12` of the agent spec."""
    environment: str
    sandbox: str
    """Backend in force, e.g. `bubblewrap 0.11.0 (cgroup v2)`."""
    spec_digest: str
    references: tuple[ReferenceInfo, ...] = ()
    prices_as_of: str = ""
    prices: dict[str, dict[str, str]] = {}
    """Model → kind of token → USD per million, for the models this run used."""
    limits: dict[str, str] = {}
    settings: tuple[str, ...] = ()
    """Keys of the pipeline that were set for this run only: `limits.usd_per_run=12`."""
    forecast: Forecast | None = None
    """What it was expected to take when it began; None for runs of older versions."""
    expectations: tuple[ExpectationResult, ...] = ()
    message: str = ""
    """Why the run stopped early; empty otherwise."""
    prefect_flow_run: str = ""
    seal: str = ""
    """Head of the hash chain over all the report is made from (docs/bundles.md); empty while the
    run goes on, and for runs of older versions. Read from its table, never stored with the run."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models of the agent, in the order they are asked."""
        return tuple(self.model.split(", "))
