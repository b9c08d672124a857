"""What a run tells whoever watches it: one call per thing that happens to a document."""

from collections.abc import Sequence
from typing import Protocol

from docmill.plan import BatchPlan, PlannedDocument
from docmill.records.results import RunInfo, Usage
from docmill.store.approvals import Question
from docmill.store.runs import DocumentEnd


class Observer(Protocol):
    """Somebody who watches a run; every method returns at once and never raises."""

    def preparing(self, what: str) -> None:
        """Something is done before the run that takes a while; `what` is a sentence."""
        ...

    def planned(self, info: RunInfo, plan: BatchPlan, *, resumed: bool) -> None:
        """The run is about to start, or to go on."""
        ...

    def began(self, document: PlannedDocument, *, attempt: int) -> None:
        """A session starts, for the first time or again."""
        ...

    def ended(self, document: PlannedDocument, end: DocumentEnd, usage: Usage) -> None:
        """A document ended, after this much use."""
        ...

    def published(self, flow_run_id: str, url: str) -> None:
        """The run can be watched in Prefect's UI at this address."""
        ...

    def waits(self, document: str, questions: Sequence[Question]) -> None:
        """A document's session waits for a person to decide on tool calls; with none, it goes on.

        `document` is its id.
        """
        ...

    def paused(self, endpoint: str, reason: str, seconds: float) -> None:
        """An endpoint isn't asked for so many seconds; the run goes on by itself."""
        ...

    def resumed(self, endpoint: str) -> None:
        """The endpoint answers again."""
        ...

    def batch_sent(self, endpoint: str, batch: str, *, calls: int) -> None:
        """So many model calls wait for a message batch, perhaps for hours."""
        ...

    def batch_ended(self, endpoint: str, batch: str, *, calls: int, answered: int) -> None:
        """The answers of a message batch are there."""
        ...


class SilentObserver:
    """Watches nothing."""

    def preparing(self, what: str) -> None:
        """Ignored."""

    def planned(self, info: RunInfo, plan: BatchPlan, *, resumed: bool) -> None:
        """Ignored."""

    def began(self, document: PlannedDocument, *, attempt: int) -> None:
        """Ignored."""

    def ended(self, document: PlannedDocument, end: DocumentEnd, usage: Usage) -> None:
        """Ignored."""

    def published(self, flow_run_id: str, url: str) -> None:
        """Ignored."""

    def waits(self, document: str, questions: Sequence[Question]) -> None:
        """Ignored."""

    def paused(self, endpoint: str, reason: str, seconds: float) -> None:
        """Ignored."""

    def resumed(self, endpoint: str) -> None:
        """Ignored."""

    def batch_sent(self, endpoint: str, batch: str, *, calls: int) -> None:
        """Ignored."""

    def batch_ended(self, endpoint: str, batch: str, *, calls: int, answered: int) -> None:
        """Ignored."""
