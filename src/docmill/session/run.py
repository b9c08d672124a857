"""A session from start to findings: the only place that stores events and asks for money."""

import asyncio
import time
import traceback
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from docmill.backends.base import Backend, EventStream, Task
from docmill.backends.conversation import JournalChangedError
from docmill.blobs import BlobStore
from docmill.documents.find import read_document
from docmill.errors import LimitError, PrerequisiteError, SessionError
from docmill.events import (
    BudgetReserved,
    CustomToolUse,
    Event,
    ModelRequestEnd,
    ModelRequestStart,
    PagesPictured,
    SandboxStarted,
    SandboxStopped,
    SessionErrorEvent,
    StatusRunning,
    ToolResultEvent,
)
from docmill.ledger.budget import Budget, Purse
from docmill.ledger.prices import PriceTable
from docmill.output.shape import RecordShape
from docmill.plan import CompiledPipeline, PlannedDocument
from docmill.records.checked import CheckedRecord
from docmill.records.results import Usage
from docmill.sandboxes.base import Sandbox, SandboxBackend, SandboxSpec
from docmill.session.document import (
    PreparedDocument,
    first_message,
    ink,
    picture,
    prepare,
)
from docmill.session.gate import SUBMIT, RecordGate
from docmill.session.journal import Journal
from docmill.store.sessions import Findings, SessionStore

SUBMIT_DESCRIPTION = (
    "Hand in the record. Each value carries the page and the verbatim quote that proves it; "
    "give null for what the document doesn't say and candidates for what it says twice."
)


@dataclass(frozen=True, slots=True)
class Workbench:
    """Everything a run's sessions share."""

    compiled: CompiledPipeline
    shape: RecordShape
    sandboxes: SandboxBackend
    sandbox_spec: SandboxSpec
    sandbox_name: str
    backend: Backend
    store: SessionStore
    blobs: BlobStore
    prices: PriceTable
    run: int
    run_budget: Budget
    max_bytes: int
    password: str | None = None


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """What a session came to."""

    session: str
    findings: Findings
    attempt: int


async def run_session(bench: Workbench, document: PlannedDocument, *, attempt: int) -> SessionEnd:
    """Run, or go on with, the session of a document; everything it does is in its journal.

    Raises:
        SessionError: it could not be finished; `retryable` says whether a new attempt may help.
    """
    session = bench.store.resumable(document.key)
    if session is not None:
        try:
            return await _attempt(bench, document, session, attempt)
        except JournalChangedError:
            bench.store.close(session)
    session = bench.store.create(key=document.key, run=bench.run, document=document.info.id)
    return await _attempt(bench, document, session, attempt)


async def _attempt(
    bench: Workbench, document: PlannedDocument, session: str, attempt: int
) -> SessionEnd:
    journal = Journal(
        bench.store, bench.blobs, session=session, run=bench.run, document=document.info.id
    )
    journal.add(StatusRunning(attempt=max(attempt, journal.attempt + 1)))
    try:
        findings = await _within_minutes(bench, document, journal)
    except SessionError as error:
        _note_error(journal, error)
        if not (error.retryable or isinstance(error, LimitError)):
            bench.store.close(session)
        raise
    bench.store.finish(session, findings)
    return SessionEnd(session, findings, journal.attempt)


async def _within_minutes(
    bench: Workbench, document: PlannedDocument, journal: Journal
) -> Findings:
    """The work of one attempt; whatever goes wrong with a document is a `SessionError`.

    Raises:
        PrerequisiteError: the machine lacks something (space, a sandbox); that ends the run.
        JournalChangedError: the journal can't be gone on with.
    """
    minutes = bench.compiled.pipeline.limits.minutes
    try:
        async with asyncio.timeout(minutes * 60):
            return await _work(bench, document, journal)
    except (SessionError, PrerequisiteError, JournalChangedError):
        raise
    except TimeoutError as error:
        raise LimitError(
            f"The session took longer than `limits.minutes` {minutes:g}.",
            code="limit_minutes",
            remedy="Raise `limits.minutes` in the pipeline and run again.",
        ) from error
    except Exception as error:  # one document's trouble never ends the others' run
        raise SessionError(
            f"docmill itself failed on this document: {_where(error)}",
            code="internal_error",
            remedy="Please report it, with the trace: docmill show",
        ) from error


async def _work(bench: Workbench, document: PlannedDocument, journal: Journal) -> Findings:
    data = await asyncio.to_thread(
        read_document, document.location, sha256=document.info.sha256, max_bytes=bench.max_bytes
    )
    async with _sandbox(bench, journal) as sandbox:
        prepared = await prepare(
            sandbox,
            data,
            max_pages=bench.compiled.pipeline.documents.max_pages,
            password=bench.password,
            blobs=bench.blobs,
        )
        journal.add(prepared.event)
        gate = RecordGate(
            bench.shape,
            prepared.pages,
            lambda page, boxes: ink(sandbox, page, boxes),
            repairs=bench.compiled.pipeline.record.repairs,
        )
        gate.replay(journal.history)
        async with bench.backend.open(_task(bench, prepared, journal.history), sandbox) as stream:
            await _follow(bench, stream, journal, gate)
        pictures = await _pictures(bench, sandbox, gate.record)
        if pictures:
            journal.add(PagesPictured(pictures=pictures))
    return _findings(gate, prepared, pictures)


@asynccontextmanager
async def _sandbox(bench: Workbench, journal: Journal) -> AsyncGenerator[Sandbox]:
    """The session's sandbox; its time is charged whichever way it ends."""
    asked = time.monotonic()
    async with bench.sandboxes.open(bench.sandbox_spec) as sandbox:
        started = time.monotonic()
        journal.add(SandboxStarted(backend=bench.sandbox_name, seconds=started - asked))
        try:
            yield sandbox
        finally:
            seconds = time.monotonic() - started
            usage = Usage(sandbox_seconds=seconds, wall_seconds=time.monotonic() - asked)
            journal.add(SandboxStopped(seconds=seconds), usage=usage)


def _task(bench: Workbench, prepared: PreparedDocument, history: Sequence[Event]) -> Task:
    schema = bench.compiled.record_schema
    return Task(
        model=bench.compiled.agent.model_id,
        system=bench.compiled.system,
        tools=({"name": SUBMIT, "description": SUBMIT_DESCRIPTION, "input_schema": schema},),
        messages=first_message(prepared),
        turns=bench.compiled.pipeline.limits.turns,
        history=history,
    )


async def _follow(
    bench: Workbench, stream: EventStream, journal: Journal, gate: RecordGate
) -> None:
    """Follow the agent to its end; what is set aside for a call that dies is released."""
    limits = bench.compiled.pipeline.limits
    purse = Purse(Budget("limits.usd_per_document", limits.usd_per_document), bench.run_budget)
    try:
        await _store_all(bench, stream, journal, gate, purse)
    finally:
        purse.settle(Decimal(0))


async def _store_all(
    bench: Workbench, stream: EventStream, journal: Journal, gate: RecordGate, purse: Purse
) -> None:
    async for event in stream:
        match event:
            case ModelRequestStart():
                worst = _worst_case(bench.prices, event)
                purse.reserve(worst)
                journal.add(BudgetReserved(usd="unpriced" if worst is None else str(worst)))
                journal.add(event)
            case ModelRequestEnd():
                usage = bench.prices.priced(event.model, event.model_usage)
                journal.add(event, model=event.model, usage=usage)
                purse.settle(usage.usd)
            case ToolResultEvent():
                journal.add(event, usage=Usage(tool_calls=1))
            case CustomToolUse():
                journal.add(event)
                checked, answer = await gate.check(event)
                journal.add(checked)
                journal.add(answer)
                stream.answer(answer)
            case _:
                journal.add(event)


def _worst_case(prices: PriceTable, event: ModelRequestStart) -> Decimal | None:
    """USD of a call whose prompt is all new to the cache and whose answer is the longest."""
    worst = prices.priced(
        event.model,
        Usage(
            model_calls=1,
            cache_write_tokens=event.input_tokens,
            output_tokens=event.max_output_tokens,
        ),
    )
    return None if worst.unpriced_calls else worst.usd


async def _pictures(
    bench: Workbench, sandbox: Sandbox, record: CheckedRecord | None
) -> dict[int, str]:
    """Pictures of the pages that values were found on."""
    cited: set[int] = set()
    for value in record.values if record else ():
        readings = [*value.candidates, *([value.reading] if value.reading else [])]
        cited.update(reading.evidence.page for reading in readings if reading.evidence)
    pictures: dict[int, str] = {}
    for page in sorted(cited):
        image = await picture(sandbox, page)
        if image is not None:
            pictures[page] = await asyncio.to_thread(bench.blobs.put, image)
    return pictures


def _findings(gate: RecordGate, prepared: PreparedDocument, pictures: dict[int, str]) -> Findings:
    invalid = gate.record is None
    if not gate.submissions:
        message = "The agent ended without handing in a record."
    else:
        message = "; ".join(gate.errors[:5])
    return Findings(
        record=gate.record,
        code="record_invalid" if invalid else "",
        message=message if invalid else "",
        pages=prepared.event.pages,
        notes=prepared.event.notes,
        pictures=pictures,
        page_sizes={page: prepared.event.sizes[page - 1] for page in pictures},
    )


def _where(error: Exception) -> str:
    """Type, words and place of an error nobody expected."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {str(error)[:200]}{place}"


def _note_error(journal: Journal, error: SessionError) -> None:
    journal.add(
        SessionErrorEvent(
            code=error.code,
            message=error.message,
            retry_status="retrying" if error.retryable else "terminal",
        )
    )
