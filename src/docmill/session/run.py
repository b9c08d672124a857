"""A session from start to findings: one document, one agent, one sandbox.

Neighbours: `stages` asks the agent's models, `follow` stores and charges, `document` prepares.
"""

import asyncio
import time
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from docmill.backends.conversation import JournalChangedError
from docmill.documents.find import read_document
from docmill.errors import PrerequisiteError, SessionError
from docmill.events import (
    Event,
    PagesPictured,
    SandboxStarted,
    SandboxStopped,
    SessionErrorEvent,
    StatusRunning,
)
from docmill.plan import PlannedDocument
from docmill.records.checked import CheckedRecord
from docmill.records.results import Usage
from docmill.sandboxes.base import Sandbox
from docmill.session.asking import asking, note
from docmill.session.bench import Workbench
from docmill.session.document import PreparedDocument, picture, prepare
from docmill.session.egress import way_out
from docmill.session.follow import Follower, note_lost_call
from docmill.session.journal import Journal
from docmill.session.marking import disagreements
from docmill.session.outputs import collect_outputs, with_outputs
from docmill.session.stages import Reading, Stages
from docmill.session.worktime import WorkingTime, within
from docmill.store.runs import run_id
from docmill.store.sessions import Findings

Listener = Callable[[Event], None]


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
    with _listener(bench, document, session) as listener:
        return await _listened_to(bench, document, session, attempt, listener)


def _listener(
    bench: Workbench, document: PlannedDocument, session: str
) -> AbstractContextManager[Listener | None]:
    """Who is told of every event: OpenTelemetry, where it is asked for."""
    if bench.telemetry is None:
        return nullcontext()
    from docmill.session.spans import session_listener  # noqa: PLC0415 - seldom needed

    attributes = {
        "gen_ai.conversation.id": session,
        "docmill.run": run_id(bench.run),
        "docmill.document": document.info.id,
        "docmill.document.sha256": document.info.sha256,
    }
    agent = bench.compiled.agent.name
    return session_listener(bench.telemetry, agent=agent, attributes=attributes)


async def _listened_to(
    bench: Workbench,
    document: PlannedDocument,
    session: str,
    attempt: int,
    listener: Listener | None,
) -> SessionEnd:
    journal = Journal(
        bench.store,
        bench.blobs,
        session=session,
        run=bench.run,
        document=document.info.id,
        listener=listener,
    )
    journal.add(StatusRunning(attempt=max(attempt, journal.attempt + 1)))
    note_lost_call(bench, journal)
    try:
        findings = await _within_minutes(bench, document, journal)
    except SessionError as error:
        _note_error(journal, error)
        if not (error.retryable or error.resumable):
            bench.store.close(session)
        raise
    if findings.record is not None:
        note(bench, document, session)
    bench.store.finish(session, findings)
    return SessionEnd(session, findings, journal.attempt)


async def _within_minutes(
    bench: Workbench, document: PlannedDocument, journal: Journal
) -> Findings:
    """The work of one attempt; whatever goes wrong with a document is a `SessionError`.

    Raises:
        PrerequisiteError: the machine lacks something (space, a sandbox, a key); the run ends.
        JournalChangedError: the journal can't be gone on with.
    """
    try:
        async with within(bench.compiled.pipeline.limits.minutes) as clock:
            return await _work(bench, document, journal, clock)
    except (SessionError, PrerequisiteError, JournalChangedError):
        raise
    except Exception as error:  # one document's trouble never ends the others' run
        raise SessionError(
            f"docmill itself failed on this document: {_where(error)}",
            code="internal_error",
            remedy="Please report it, with the trace: docmill show",
        ) from error


async def _work(
    bench: Workbench, document: PlannedDocument, journal: Journal, clock: WorkingTime
) -> Findings:
    data = await asyncio.to_thread(
        read_document, document.location, sha256=document.info.sha256, max_bytes=bench.max_bytes
    )
    async with _sandbox(bench, journal) as sandbox:
        prepared = await prepare(
            sandbox,
            data,
            wanted=bench.compiled.pipeline.documents,
            password=bench.password,
            blobs=bench.blobs,
        )
        journal.add(prepared.event)
        follower = Follower(bench, journal, clock)
        asked = asking(bench, document, prepared.pages, journal)
        reading = await Stages(bench, journal, sandbox, prepared, asking=asked).read(follower)
        if reading.record is not None:
            reading = replace(reading, record=asked.whole(reading.record))
        pictures = await _pictures(bench, sandbox, reading.record)
        if pictures:
            journal.add(PagesPictured(pictures=pictures))
        outputs = await collect_outputs(bench, sandbox, journal)
    return asked.with_files(with_outputs(_findings(reading, prepared, pictures), outputs))


@asynccontextmanager
async def _sandbox(bench: Workbench, journal: Journal) -> AsyncGenerator[Sandbox]:
    """The session's sandbox; its time is charged whichever way it ends."""
    asked = time.monotonic()
    async with bench.sandboxes.open(bench.sandbox_spec) as sandbox:
        started = time.monotonic()
        journal.add(SandboxStarted(backend=bench.sandbox_name, seconds=started - asked))
        try:
            async with way_out(bench.broker, sandbox, journal):
                yield sandbox
        finally:
            seconds = time.monotonic() - started
            usage = Usage(sandbox_seconds=seconds, wall_seconds=time.monotonic() - asked)
            journal.add(SandboxStopped(seconds=seconds), usage=bench.prices.priced("", usage))


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


def _findings(reading: Reading, prepared: PreparedDocument, pictures: dict[int, str]) -> Findings:
    invalid = reading.record is None
    if not reading.submissions:
        message = "The agent ended without handing in a record."
    else:
        message = "; ".join(reading.errors[:5])
    differing = disagreements(reading.record, prepared.wanted.hostile)
    return Findings(
        record=reading.record,
        code="record_invalid" if invalid else "",
        message=message if invalid else "",
        pages=prepared.event.pages,
        notes=prepared.event.notes,
        flags=(*prepared.event.flags, *differing),
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
