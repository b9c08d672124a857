"""Documents as Prefect tasks: cached, retried, each on its own or, in a large batch, in groups.

In a group a document is tried once. If that fails it goes on as a task of its own, which begins
with what went wrong: Prefect shows it, and retries it. Used by `runner`; `dealing` decides when.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
from prefect import Task
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.exceptions import PrefectException
from prefect.states import Cancelled, Completed

from docmill.errors import SessionError
from docmill.flow.dealing import Control, Place
from docmill.flow.grouping import Group, grouped
from docmill.flow.job import Job
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus

PREFECT_ERRORS = (PrefectException, httpx.HTTPError)
"""What Prefect's client raises when its server fails it or refuses."""


@dataclass(slots=True)
class Underway:
    """A document between its first attempt and its end."""

    document: PlannedDocument
    place: Place
    attempts: int = 0
    summary: dict[str, Any] | None = None
    """What `process` returned: the document is done, its result stored."""
    error: SessionError | None = None
    """Why the last attempt failed."""
    untold: SessionError | OSError | None = None
    """What the first attempt, made in a group, came to; the document's own task begins with it."""


class DocumentTasks:
    """The tasks of a run's documents; leaving the block ends those of groups."""

    def __init__(self, job: Job, control: Control, pending: Sequence[PlannedDocument]) -> None:
        self._job = job
        self._control = control
        self._underway: dict[str, Underway] = {}
        groups = grouped(pending)
        self._groups = {each.info.id: group for group in groups for each in group.documents}
        self._begun: dict[str, Group] = {}
        """Groups by key."""
        self._showing: set[asyncio.Task[None]] = set()
        self._reusing = self._document_task()
        # What the store hasn't finished is never taken from Prefect's cache.
        self._processing = self._reusing.with_options(refresh_cache=True)
        self._grouping = Task(
            self._group,
            name="documents",
            task_run_name="{name}",
            persist_result=True,
            result_serializer="json",
            cache_key_fn=lambda _, parameters: parameters["key"],
            refresh_cache=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for group in self._begun.values():
            group.ended.set()
        await asyncio.gather(*self._showing)

    @property
    def grouped(self) -> bool:
        """Whether documents share tasks."""
        return bool(self._groups)

    async def process(self, document: PlannedDocument, place: Place) -> DocumentStatus:
        """Run a document to its end, with the place it was given.

        Raises:
            asyncio.CancelledError: it was stopped. RunError: the whole run has to stop.
        """
        underway = Underway(document, place)
        group = self._groups.get(document.info.id)
        if group is None:
            return await self._alone(underway)
        self._begin(group)
        status = await self._first_attempt(underway) or await self._alone(underway)
        group.note(document, status, code=underway.error.code if underway.error else "")
        return status

    async def reuse(self, document: PlannedDocument) -> None:
        """Show a document that an earlier run finished."""
        with contextlib.suppress(*PREFECT_ERRORS, OSError):
            await self._reusing(document.info.name, document.info.id, document.key)

    def _begin(self, group: Group) -> None:
        if group.key not in self._begun:
            self._begun[group.key] = group
            showing = asyncio.create_task(self._show(group))
            self._showing.add(showing)
            showing.add_done_callback(self._showing.discard)

    async def _show(self, group: Group) -> None:
        # Without its picture in the UI the documents go on all the same.
        with contextlib.suppress(*PREFECT_ERRORS, OSError):
            await self._grouping(group.name, group.key)

    async def _group(self, name: str, key: str) -> State[Any]:
        """The body of a group's task."""
        del name
        group = self._begun[key]
        await group.ended.wait()
        if group.left:
            return Cancelled(message=f"{self._control.reason} {group.summary()}".strip())
        return Completed(message=group.summary(), data=group.statuses)

    async def _first_attempt(self, underway: Underway) -> DocumentStatus | None:
        """How it ended; None if there is more to do or to tell."""
        underway.attempts = 1
        try:
            underway.summary = await self._job.process(underway.document, attempt=1)
        except (SessionError, OSError) as error:
            underway.untold = error
            return None
        return underway.summary["status"]

    def _document_task(self) -> Task[..., Any]:
        retries = self._job.retries
        delays = [retries.delay_seconds * 2**number for number in range(retries.attempts - 1)]
        return Task(
            self._document,
            name="document",
            task_run_name="{name}",
            persist_result=True,
            result_serializer="json",
            cache_key_fn=lambda _, parameters: parameters["key"],
            retries=retries.attempts - 1,
            retry_delay_seconds=delays or None,
            retry_jitter_factor=retries.jitter,
            # Prefect never retries if this is a method: it asks `inspect.isfunction`.
            retry_condition_fn=lambda _task, _run, state: self._may_retry(state),
        )

    async def _document(self, name: str, document: str, key: str) -> dict[str, Any] | State[Any]:
        """The task's body; `name` is what Prefect shows, `key` what it caches by."""
        underway = self._underway.get(document)
        if underway is None:
            # Done in a group, or Prefect's cache is gone.
            return Completed(name="Cached", message="An earlier run finished it.")
        context = TaskRunContext.get()
        assert context is not None
        underway.attempts = context.task_run.run_count
        underway.error = None
        try:
            underway.summary = await self._attempt(underway)
        except SessionError as error:
            underway.error = error
            if error.retryable and underway.attempts < self._job.retries.attempts:
                underway.place.leave()
            raise
        except asyncio.CancelledError:
            if not self._control.stopped:
                raise
            # Prefect would call the task crashed.
            return Cancelled(message=self._control.reason)
        return _ended(underway.summary)

    async def _attempt(self, underway: Underway) -> dict[str, Any]:
        untold, underway.untold = underway.untold, None
        if untold:
            raise untold
        await underway.place.take()
        return await self._job.process(underway.document, attempt=underway.attempts)

    def _may_retry(self, state: State[Any]) -> bool:
        error = state.data
        return isinstance(error, SessionError) and error.retryable and not self._control.stopped

    async def _alone(self, underway: Underway) -> DocumentStatus:
        """Run a document as a task of its own."""
        document = underway.document.info
        self._underway[document.id] = underway
        try:
            await self._processing(document.name, document.id, underway.document.key)
        except (SessionError, asyncio.CancelledError, *PREFECT_ERRORS, OSError) as problem:
            return self._settle(underway, problem)
        finally:
            del self._underway[document.id]
        if underway.summary is None:
            raise asyncio.CancelledError
        return underway.summary["status"]

    def _settle(self, underway: Underway, problem: BaseException) -> DocumentStatus:
        """What a document came to whose task did not end well."""
        if underway.summary is not None:
            # Done and stored; only Prefect could not note it down any more.
            return underway.summary["status"]
        error = problem if isinstance(problem, SessionError) else underway.error
        if isinstance(problem, asyncio.CancelledError) and (error is None or error.retryable):
            raise problem
        if error is None:
            error = underway.error = SessionError(
                f"Prefect could not run the document's task: {problem!r}",
                code="orchestration_failed",
                remedy=f"Go on: docmill run {self._job.name}",
            )
        return self._job.settle_failure(underway.document, error, attempts=underway.attempts)


def _ended(summary: dict[str, Any]) -> State[Any]:
    """A document that has its record: a state of Prefect's by docmill's name for it."""
    status = str(summary["status"])
    name = "Completed" if status == "ok" else status.capitalize()
    return Completed(name=name, message=status, data=summary)
