"""What a flow asks of the work it orders: the seam to sessions, store, checks and report.

`runner` calls a job in this order: `ingest`, then `process` or `reuse` for every document it was
given, then `judge` and `report`. A job keeps the truth in docmill's store; it knows nothing of
Prefect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from docmill.errors import RunError, SessionError
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus
from docmill.spec.pipeline import FailureThreshold, Retries


@dataclass(frozen=True, slots=True)
class Ingested:
    """The batch, sorted by what is left to do."""

    pending: Sequence[PlannedDocument]
    """To be processed; dealt out in this order."""
    finished: Sequence[PlannedDocument] = ()
    """An earlier run finished them; `reuse` takes them over."""
    settled: dict[DocumentStatus, int] = field(default_factory=dict[DocumentStatus, int])
    """Documents that have ended already, by status: empty files, not a PDF, duplicates."""
    total: int = 0
    """All documents of the run; what a failure threshold's share is a share of."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How dealing out the documents ended; judge and report follow unless the run was cancelled."""

    status: Literal["finished", "failed", "cancelled"]
    message: str = ""
    """Why it stopped early; empty for `finished`."""
    counts: dict[DocumentStatus, int] = field(default_factory=dict[DocumentStatus, int])
    """Documents by status."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that is so of a run's end, for Prefect's events."""

    name: str
    """`finished`, `flagged`, `failed` or `limit`."""
    payload: dict[str, Any]
    """A notice as docs/notice.schema.json has it."""


@dataclass(frozen=True, slots=True)
class Published:
    """A report that was written."""

    markdown: str
    """Text of report.md; becomes an artifact in Prefect's UI."""
    folder: str
    """Where the report's files are."""
    events: tuple[RunEvent, ...] = ()
    """What is said of the run in Prefect's events."""
    rows: Sequence[Mapping[str, str]] = ()
    """Documents as rows of a table, those that need attention first; may be cut."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run came to."""

    end: RunEnd
    published: Published | None = None
    """None if the run was cancelled."""
    error: RunError | None = None
    """What stopped the run early, e.g. TooManyFailuresError; the report has been written all the
    same."""
    flow_run_id: str = ""
    url: str = ""
    """The run in Prefect's UI."""
    notice: str = ""
    """Set if Prefect's server was lost on the way: nothing is missing but in its UI."""


class Job(Protocol):
    """One run of one pipeline.

    Except for `process`, `judge` and `report` every method is called in the event loop and has to
    be quick.
    """

    @property
    def name(self) -> str:
        """The pipeline; Prefect's flow has the same name."""
        ...

    @property
    def run_id(self) -> str:
        """`run-0007`; Prefect's flow run has the same name."""
        ...

    @property
    def concurrency(self) -> int:
        """Sessions at once."""
        ...

    @property
    def retries(self) -> Retries:
        """How often a document is tried again after a retryable error."""
        ...

    @property
    def failure_threshold(self) -> FailureThreshold:
        """When to stop dealing out."""
        ...

    async def ingest(self) -> Ingested:
        """Find what is left to do, and settle what can't be run."""
        ...

    async def process(self, document: PlannedDocument, *, attempt: int) -> dict[str, Any]:
        """One session: commit its result to the store, then return a summary of it.

        The summary is plain JSON with at least `document` (id), `status` (DocumentStatus) and
        `session`; Prefect keeps it as the task's result. Attempts count from 1. Being cancelled,
        it frees what it holds and lets the cancellation through; `settle_cancelled` follows.

        Raises:
            SessionError: tried again if `retryable` and attempts are left, else `settle_failure`
            follows. RunError: the whole run has to stop; remaining documents are cancelled.
        """
        ...

    def reuse(self, document: PlannedDocument) -> DocumentStatus:
        """Take an earlier run's result of this document over into this run."""
        ...

    def settle_failure(
        self, document: PlannedDocument, error: SessionError, *, attempts: int
    ) -> DocumentStatus:
        """The last attempt failed: store how the document ended (`failed`, `limit`, …)."""
        ...

    def settle_cancelled(self, document: PlannedDocument) -> None:
        """The run stopped before this document was done; it ends `cancelled`."""
        ...

    async def judge(self) -> dict[str, Any]:
        """Checks over the whole batch; returns a JSON summary."""
        ...

    async def report(self, end: RunEnd) -> Published:
        """Write the report."""
        ...

    def orchestrated(self, flow_run_id: str, url: str) -> None:
        """Prefect has given the run an id and an address in its UI; called before `ingest`."""
        ...


@runtime_checkable
class ShardedJob(Job, Protocol):
    """A job whose documents are carried out by other processes, each started through Prefect."""

    async def next_shard(self) -> str | None:
        """Wait until another shard is to be started; its name, or None: no more are."""
        ...

    async def shard_over(self, shard: str, message: str) -> None:
        """The flow run of a shard has ended, or could not be started: why."""
        ...

    async def dismiss(self) -> None:
        """Every document has ended: let the shards end, and wait for it."""
        ...
