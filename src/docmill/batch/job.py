"""One run of one pipeline, step by step, as the flow orders it.

Neighbours: `session` does a document, `verdicts` judges the batch, `report` writes it down. What is
done, what it cost and what it said stands in the store before any method returns.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docmill.batch.aftermath import Aftermath
from docmill.batch.attempts import Attempts
from docmill.batch.held import Held
from docmill.batch.observer import Observer
from docmill.batch.runtime import RunTime
from docmill.batch.state import State
from docmill.batch.status import status_of
from docmill.batch.verdicts import BatchVerdicts
from docmill.errors import LimitError, RunError, SessionError
from docmill.flow.job import Ingested, Published, RunEnd
from docmill.plan import BatchPlan, PlannedDocument
from docmill.records.results import DocumentStatus, RunInfo, Usage
from docmill.report.beside import SheetProcess
from docmill.report.build import ReportFiles, build
from docmill.session.asking import adopt
from docmill.session.bench import Workbench
from docmill.spec.pipeline import FailureThreshold, Retries
from docmill.store.reader import StoredRun
from docmill.store.runs import DocumentEnd
from docmill.store.seals import Seals
from docmill.store.sessions import REMEMBERED, Findings, Session


@dataclass(frozen=True, slots=True)
class JobParts:
    """What a job is made of."""

    plan: BatchPlan
    bench: Workbench
    held: Held
    attempts: Attempts
    state: State
    verdicts: BatchVerdicts
    observer: Observer
    aftermath: Aftermath
    reports: Path
    """Folder of the pipeline's reports."""
    templates: Path
    concurrency: int


REUSED_AT_ONCE = 100
"""Ends of reused documents stored in one transaction."""
PREPARE_AT = 24
"""So many documents before the end, what judges the batch is started beside them."""
SHEETS_BESIDE = 50
"""A run with nothing left to read writes report.xlsx beside the rest for more documents."""


class BatchJob:
    """Implements the flow's `Job`."""

    def __init__(self, parts: JobParts, info: RunInfo) -> None:
        self._parts = parts
        self.info = info
        self.files: ReportFiles | None = None
        """The report, once it is written."""
        self._url = ""
        limits = parts.plan.compiled.pipeline.limits
        self._time = RunTime(limits.minutes_per_run, run=info.id)
        self._sheets: SheetProcess | None = None
        self._recalled: dict[str, Session] = {}
        """Finished sessions by document key, read ahead."""
        self._waiting: set[str] = set()
        """Documents never tried before that are still to be read."""
        self._reused: list[tuple[PlannedDocument, DocumentEnd]] = []
        self._copies: dict[str, list[PlannedDocument]] = defaultdict(list)

    @property
    def name(self) -> str:
        """The pipeline."""
        return self.info.pipeline

    @property
    def plan(self) -> BatchPlan:
        """The documents of the run."""
        return self._parts.plan

    @property
    def held(self) -> Held:
        """Who answers; hold it open, in the event loop of the sessions, while the job works."""
        return self._parts.held

    @property
    def run_id(self) -> str:
        """`run-0007`."""
        return self.info.id

    @property
    def concurrency(self) -> int:
        """Sessions at once."""
        return self._parts.concurrency

    @property
    def retries(self) -> Retries:
        """How often a document is tried again."""
        return self._parts.plan.compiled.pipeline.retries

    @property
    def failure_threshold(self) -> FailureThreshold:
        """When to stop dealing out."""
        return self._parts.plan.compiled.pipeline.failure_threshold

    async def ingest(self) -> Ingested:
        """Sort the batch; files that can't be run and copies of others are settled here."""
        pending: list[PlannedDocument] = []
        finished: list[PlannedDocument] = []
        unusable: list[tuple[PlannedDocument, DocumentEnd]] = []
        kept: list[tuple[PlannedDocument, DocumentEnd]] = []
        documents = self._parts.plan.documents
        ended = self._parts.state.runs.settled(self._parts.bench.run)
        for document in documents:
            if document.code:
                unusable.append((document, _unusable(document)))
            elif document.info.duplicate_of:
                self._copies[document.info.duplicate_of].append(document)
            elif document.cached and self._is_known(document):
                finished.append(document)
            elif document.info.id in ended:
                kept.append((document, ended[document.info.id]))
            else:
                pending.append(document)
        self._parts.state.runs.end_documents(
            self._parts.bench.run, [(document.info.id, end) for document, end in unusable]
        )
        settled: dict[DocumentStatus, int] = {}
        for document, end in (*unusable, *kept):
            self._parts.observer.ended(document, end, Usage())
            settled[end.status] = settled.get(end.status, 0) + 1
            self._waiting.discard(document.info.id)
        self._time.start()
        return Ingested(pending, finished, settled=settled, total=len(documents))

    async def process(self, document: PlannedDocument, *, attempt: int) -> dict[str, Any]:
        """Run a document's session and store how it ended."""
        known = self._parts.bench.store.finished(document.key)
        if known is not None:
            self._parts.observer.began(document, attempt=attempt)
            end = self._known_end(known)
        else:
            async with self._time.within():
                done = await self._parts.attempts.carry_out(document, attempt=attempt)
            end = self._end(done.session, done.findings, attempts=done.attempt)
        self._settle(document, end)
        return {"document": document.info.id, "status": end.status, "session": end.session}

    def reuse(self, document: PlannedDocument) -> DocumentStatus:
        """Take over what an earlier run found; verdicts are made anew."""
        known = self._recalled.pop(document.key, None)
        known = known or self._parts.bench.store.finished(document.key)
        if known is None:
            raise RunError(
                f"{document.info.name} has vanished from the store.", remedy="Run again."
            )
        end = self._known_end(known)
        self._reused.append((document, end))
        if len(self._reused) >= REUSED_AT_ONCE:
            self._flush_reused()
        return end.status

    def settle_failure(
        self, document: PlannedDocument, error: SessionError, *, attempts: int
    ) -> DocumentStatus:
        """Store why a document has no record."""
        status: DocumentStatus = "limit" if isinstance(error, LimitError) else "failed"
        end = DocumentEnd(
            status=status,
            code=error.code,
            message=error.message,
            remedy=error.remedy,
            session=self._parts.bench.store.latest(document.key) or "",
            attempts=attempts,
        )
        self._settle(document, end)
        return status

    def settle_cancelled(self, document: PlannedDocument) -> None:
        """Store that the run stopped before the document was done."""
        self._waiting.clear()  # nothing will be judged
        end = DocumentEnd(
            status="cancelled",
            code="cancelled",
            message="The run was stopped before this document was done.",
            remedy=f"Go on: docmill resume {self.run_id}",
        )
        self._settle(document, end)

    async def judge(self) -> dict[str, Any]:
        """Verdicts on every record and over the batch, and the declared expectations."""
        self._flush_reused()
        summary = await self._parts.verdicts.judge_all()
        self.info = self.info.model_copy(update={"expectations": summary.expectations})
        self._parts.state.runs.update(self._parts.bench.run, self.info)
        return {"documents": summary.documents, "expectations": len(summary.expectations)}

    async def report(self, end: RunEnd) -> Published:
        """Close the run in the store and write its report."""
        # The run is this process's until the report is written: killed before, it goes on.
        self.close(end, release=False)
        parts = self._parts
        self.files = await asyncio.to_thread(
            build,
            self.reader(),
            settings=parts.plan.compiled.pipeline.report,
            folder=parts.reports / self.run_id,
            templates=parts.templates,
            sheets=self._sheets,
        )
        await asyncio.to_thread(parts.aftermath.hand_over, self.reader())
        parts.state.runs.update(parts.bench.run, self.info)
        markdown = self.files.md.read_text() if self.files.md else ""
        events = await asyncio.to_thread(
            parts.aftermath.events, self.reader(), self.files.summary, self._url
        )
        return Published(
            markdown=markdown, folder=str(self.files.folder), rows=self.files.rows, events=events
        )

    def tell(self) -> None:
        """Tell those who want to hear of a run that ended so; it has been closed."""
        self._parts.aftermath.tell(self.reader(), self._url)

    def orchestrated(self, flow_run_id: str, url: str) -> None:
        """Remember the run's address in Prefect's UI."""
        self.info = self.info.model_copy(update={"prefect_flow_run": flow_run_id})
        self._parts.state.runs.update(self._parts.bench.run, self.info)
        self._url = url
        self._parts.observer.published(flow_run_id, url)

    def reader(self) -> StoredRun:
        """The run as it stands in the store."""
        return self._parts.state.reader(self._parts.bench.run)

    def close(self, end: RunEnd, *, release: bool = True) -> None:
        """Store how the run ended, and release it."""
        self._flush_reused()
        limited = end.status == "finished" and bool(end.counts.get("limit"))
        self.info = self.info.model_copy(
            update={
                "status": "limit" if limited else end.status,
                "message": self._last_words(end),
                "ended": datetime.now(UTC),
            }
        )
        self._parts.state.runs.update(self._parts.bench.run, self.info, release=release)
        Seals(self._parts.state.engine).seal(self._parts.bench.run)

    def _last_words(self, end: RunEnd) -> str:
        batches = self._parts.held.models.batches_under_way
        if end.status == "finished" or not batches:
            return end.message
        some = "A message batch goes" if batches == 1 else f"{batches} message batches go"
        return f"{end.message} {some} on at the endpoint; the next run takes over the answers."

    def warm_up(self) -> None:
        """Start now what will be needed at the end of a small batch, or of one already read.

        Documents that could not be read before seldom can be now: for them alone the batch's table
        stays as it was, and nothing has to be judged anew.
        """
        documents = self._parts.plan.documents
        tried = self._parts.bench.store.tried_keys([entry.key for entry in documents])
        self._waiting = {
            entry.info.id
            for entry in documents
            if not (entry.code or entry.info.duplicate_of or entry.key in tried)
        }
        self._prepare_judging()
        if not self._waiting and len(documents) > SHEETS_BESIDE:
            self._sheets = SheetProcess()

    def recall(self) -> None:
        """Read what earlier runs found, for `reuse` to take over, before anybody waits for it."""
        cached = [document.key for document in self._parts.plan.documents if document.cached]
        for key in cached[:REMEMBERED]:
            if known := self._parts.bench.store.finished(key):
                self._recalled[key] = known

    def release(self) -> None:
        """End every process the job started, however the run went."""
        self._parts.verdicts.close()
        if self._sheets is not None:
            self._sheets.close()

    def _is_known(self, document: PlannedDocument) -> bool:
        """Whether a finished session has the document's record, or all that makes one."""
        return document.reuse is None or adopt(self._parts.bench, document)

    def _flush_reused(self) -> None:
        """Store the ends of reused documents, many in one transaction; repeating it is harmless."""
        reused, self._reused = self._reused, []
        ends: list[tuple[str, DocumentEnd]] = []
        for document, end in reused:
            ends += [(each.info.id, end) for each in self._with_copies(document)]
        self._parts.state.runs.end_documents(self._parts.bench.run, ends)
        for document, end in reused:
            for each in self._with_copies(document):
                self._parts.observer.ended(each, end, Usage())

    def _with_copies(self, document: PlannedDocument) -> list[PlannedDocument]:
        return [document, *self._copies.get(document.info.id, ())]

    def _settle(self, document: PlannedDocument, end: DocumentEnd) -> None:
        """Store an end, for the document and for its copies under other names."""
        number = self._parts.bench.run
        _, *copies = self._with_copies(document)
        ids = [document.info.id, *(copy.info.id for copy in copies)]
        self._parts.state.runs.end_documents(number, [(name, end) for name in ids])
        usage = self._parts.bench.store.spent(number, document.info.id)
        self._parts.observer.ended(document, end, usage)
        for copy in copies:
            self._parts.observer.ended(copy, end, Usage())
        self._waiting.discard(document.info.id)
        self._prepare_judging()

    def _prepare_judging(self) -> None:
        if 0 < len(self._waiting) <= PREPARE_AT:
            self._parts.verdicts.prepare()

    def _known_end(self, known: Session) -> DocumentEnd:
        end = self._end(known.id, known.findings, attempts=1)
        return end.model_copy(update={"cached": known.run != self._parts.bench.run})

    def _end(self, session: str, findings: Findings, *, attempts: int) -> DocumentEnd:
        verdicts = self._parts.verdicts.of_record(findings.record)
        status = status_of(findings.record, verdicts, findings.flags)
        return DocumentEnd(
            status=status,
            code=findings.code,
            message=findings.message,
            remedy=f"See what the agent did: docmill show {self.run_id} DOCUMENT"
            if findings.code
            else "",
            session=session,
            attempts=max(1, attempts),
            verdicts=verdicts,
        )


def _unusable(document: PlannedDocument) -> DocumentEnd:
    return DocumentEnd(
        status="failed", code=document.code, message=document.message, remedy=document.remedy
    )
