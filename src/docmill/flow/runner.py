"""A job as a Prefect flow: ingest → documents, see `tasks` → judge → report.

Prefect shows and retries; `job` does, and keeps the truth. Everything here survives the loss of
Prefect's server: the run goes on, only its picture in the UI ends. Import it by way of `launch`.
"""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from prefect import Flow, Task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, TagsContext
from prefect.events.clients import PrefectEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, get_current_settings
from prefect.states import Cancelled, Completed, Failed

from docmill.errors import PrerequisiteError
from docmill.flow.address import ServerAddress
from docmill.flow.artifacts import artifact_key, show_results
from docmill.flow.coordinating import shards_of
from docmill.flow.dealing import Control, Tally, deal
from docmill.flow.job import Ingested, Job, Published, RunEnd, RunOutcome
from docmill.flow.progress import Progress
from docmill.flow.server import healthy
from docmill.flow.tasks import PREFECT_ERRORS, DocumentTasks
from docmill.flow.telling import emit_run_events

T = TypeVar("T")

REUSED_ONE_BY_ONE = 20
"""Up to so many finished documents are shown one by one, as cached tasks; more of them as one
task."""
WATCH_SECONDS = 3.0
"""How often Prefect is asked whether somebody cancelled the run in its UI."""
END_SECONDS = 10.0
"""How long the end of a run waits for Prefect's server to take it down."""
LOST = (
    "Prefect's server was lost during the run: its UI does not show all of it. "
    "Nothing else is missing."
)


class FlowEnd(NamedTuple):
    """How a job ended, for Prefect and for the run."""

    state: State[Any]
    outcome: RunOutcome


class FlowJob:
    """A job in the middle of its Prefect flow: the tasks, and what came of them."""

    def __init__(self, job: Job, control: Control) -> None:
        self.job = job
        self.control = control
        self.outcome: RunOutcome | None = None
        """Set when all the work is done, whatever Prefect makes of it; `done` with it."""
        self.done = asyncio.Event()
        self.begun = False
        """Prefect's server has taken the run."""
        self._published: Published | None = None
        self._copies = 0
        """Documents that end as another one does, whose content they have."""
        self._progress: Progress | None = None
        """Set for a run whose tasks alone don't show how far it has come."""

    def flow(self) -> Flow[[], Any]:
        """The job as a Prefect flow with the pipeline's name."""
        return Flow(
            self.body,
            name=self.job.name,
            version=version("docmill"),
            flow_run_name=self.job.run_id,
            description="Documents in, a report out. Results are kept by docmill, not here.",
            validate_parameters=False,
            persist_result=False,
            # Named, or Prefect asks its server for it, in a blocking call that leaks its socket.
            result_storage=get_current_settings().results.local_storage_path,
        )

    async def body(self) -> State[Any]:
        """The job from end to end, inside a flow run of Prefect; its final state."""
        context = FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        self.begun = True
        run_id = context.flow_run.id
        url = f"{(get_current_settings().ui_url or '').rstrip('/')}/runs/flow-run/{run_id}"
        self.job.orchestrated(str(run_id), url)
        watch = asyncio.create_task(self._watch(run_id))
        # A tag on a task costs a request to the server's concurrency limits; only the run is
        # tagged.
        with TagsContext(current_tags=set()):
            try:
                end = await self._work(run_id)
            finally:
                watch.cancel()
                await asyncio.wait({watch})
        self.outcome = RunOutcome(
            end=end,
            published=self._published,
            error=self.control.error,
            flow_run_id=str(run_id),
            url=url,
        )
        self.done.set()
        return _final_state(end, self._copies)

    async def _work(self, run_id: UUID) -> RunEnd:
        ingested = await step("ingest", self.job.ingest)
        await self._name(run_id, ingested.total)
        tally = Tally(
            self.job.failure_threshold,
            self.control,
            total=ingested.total,
            run_id=self.job.run_id,
        )
        for status, number in ingested.settled.items():
            tally.add(status, number)
        tasks = DocumentTasks(self.job, self.control, ingested.pending)
        await self._reuse(ingested, tally, tasks)
        self._copies = ingested.total - tally.done - len(ingested.pending)
        if tasks.grouped:
            self._progress = Progress(
                tally,
                total=tally.done + len(ingested.pending),
                key=artifact_key(self.job.name, "progress"),
                run_id=run_id,
            )
        async with tasks, shards_of(self.job):
            await deal(
                ingested.pending, tasks.process, job=self.job, control=self.control, tally=tally
            )
        end = RunEnd(status="finished", counts=tally.counts)
        if self.control.stopped:
            status = "failed" if self.control.error else "cancelled"
            end = RunEnd(status=status, message=self.control.reason, counts=tally.counts)
        if end.status != "cancelled":
            await step("judge", self.job.judge)
            await step("report", lambda: self._report(end, run_id))
        return end

    async def _name(self, run_id: UUID, documents: int) -> None:
        """Give the flow run docmill's name, and the size of the batch."""
        noun = "document" if documents == 1 else "documents"
        name = f"{self.job.run_id} · {documents:,} {noun}"
        with contextlib.suppress(*PREFECT_ERRORS):
            async with get_client() as client:
                await client.update_flow_run(run_id, name=name)

    async def _report(self, end: RunEnd, run_id: UUID) -> dict[str, str]:
        self._published = published = await self.job.report(end)
        if await _server_answers():
            emit_run_events(self.job, published.events)
            with contextlib.suppress(*PREFECT_ERRORS):
                async with get_client() as client:
                    await show_results(
                        client,
                        published,
                        name=self.job.name,
                        run_id=self.job.run_id,
                        flow_run=run_id,
                    )
                    if self._progress:
                        await self._progress.end(client)
        return {"folder": published.folder}

    async def _reuse(self, ingested: Ingested, tally: Tally, tasks: DocumentTasks) -> None:
        async def take_over() -> int:
            for document in ingested.finished:
                tally.add(self.job.reuse(document))
            return len(ingested.finished)

        number = len(ingested.finished)
        if number > REUSED_ONE_BY_ONE:
            await step(f"reuse {number} finished documents", take_over)
        elif number:
            await take_over()
            for document in ingested.finished:
                await tasks.reuse(document)

    async def _watch(self, run_id: UUID) -> None:
        """Stop the run when it was cancelled in Prefect's UI; show there how far it has come."""
        async with get_client() as client:
            while not self.control.stopped:
                await asyncio.sleep(WATCH_SECONDS)
                with contextlib.suppress(*PREFECT_ERRORS):
                    state = (await client.read_flow_run(run_id)).state
                    if state and (state.is_cancelling() or state.is_cancelled()):
                        self.control.stop("The run was cancelled in Prefect.")
                    if self._progress:
                        await self._progress.show(client)


async def run_flow(job: Job, control: Control) -> RunOutcome:
    """Run a job as a Prefect flow; the process has to be a Prefect client
    (`launch.prefect_client`). Whoever holds `control` can end the run early.

    Raises:
        PrerequisiteError: Prefect's server refused the run before it began.
    """
    # By default a client tries ten times, with pauses, for every single event.
    EventsWorker.set_client_override(PrefectEventsClient, reconnection_attempts=1)
    running = FlowJob(job, control)
    with TagsContext(current_tags={"docmill"}):
        engine = asyncio.ensure_future(running.flow()())
    await _wait_for_engine(engine, running.done)
    if running.outcome is None:
        raise _refusal(engine, begun=running.begun)
    if not engine.cancelled():
        engine.exception()  # a failed run is an outcome, not an exception nobody retrieved
    if await _server_answers():
        await _send_rest()
        return running.outcome
    return replace(running.outcome, notice=LOST)


async def greet(name: str) -> None:
    """Register the flow ahead of its run: what the server and its client do once is done then."""
    with contextlib.suppress(*PREFECT_ERRORS, RuntimeError):
        async with get_client() as client:
            await client.create_flow_from_name(name)


async def run_within(job: Job, control: Control) -> FlowEnd:
    """Run a job as the Prefect flow that is being run here already."""
    running = FlowJob(job, control)
    state = await running.body()
    assert running.outcome is not None
    return FlowEnd(state, running.outcome)


async def step(name: str, work: Callable[[], Awaitable[T]]) -> T:
    """Run one step of the flow as a Prefect task of that name; its result isn't persisted."""

    async def call() -> T:
        return await work()

    return await Task(call, name=name, task_run_name=name, persist_result=False)()


async def _wait_for_engine(engine: asyncio.Future[Any], done: asyncio.Event) -> None:
    """Until Prefect has taken the end of the run down, or it is clear that it won't."""
    waiter = asyncio.create_task(done.wait())
    try:
        await asyncio.wait({engine, waiter}, return_when=asyncio.FIRST_COMPLETED)
        if not engine.done():
            await asyncio.wait({engine}, timeout=END_SECONDS if await _server_answers() else 0)
    finally:
        waiter.cancel()
        # Prefect answers a cancellation with a report to its server, and that needs a second one.
        for _ in range(2):
            if not engine.done():
                engine.cancel()
                await asyncio.wait({engine}, timeout=END_SECONDS / 2)


async def _send_rest() -> None:
    rest = EventsWorker.drain_all(timeout=END_SECONDS)
    if inspect.isawaitable(rest):
        await rest


async def _server_answers() -> bool:
    address = ServerAddress(api_url=str(PREFECT_API_URL.value()), folder=Path())
    return await asyncio.to_thread(healthy, address)


def _refusal(engine: asyncio.Future[Any], *, begun: bool) -> BaseException:
    error = engine.exception() if engine.done() and not engine.cancelled() else None
    if error is None:
        return asyncio.CancelledError()
    # Prefect's client says RuntimeError where it can't reach its server or has the wrong version.
    if begun or not isinstance(error, (*PREFECT_ERRORS, RuntimeError)):
        return error
    refusal = PrerequisiteError(
        f"Prefect's server did not take the run: {error!r}", remedy="Look: docmill prefect status"
    )
    refusal.__cause__ = error
    return refusal


def _final_state(end: RunEnd, copies: int) -> State[Any]:
    counts: dict[str, int] = {**end.counts, "copies" if copies > 1 else "copy": copies}
    text = ", ".join(f"{number} {what}" for what, number in sorted(counts.items()) if number > 0)
    message = f"{end.message} {text}".strip()
    if end.status == "finished":
        return Completed(message=message)
    return (Cancelled if end.status == "cancelled" else Failed)(message=message)
