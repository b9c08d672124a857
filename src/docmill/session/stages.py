"""The models of an agent, one after the other: the next gets only what is not proven yet.

One model is the usual case; several are a cascade. Each stage is a conversation of its own in the
same journal, over the same prepared document in the same sandbox.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from docmill.backends.base import CallRules, Task
from docmill.errors import ModelError
from docmill.events import Event, SessionErrorEvent, StageStarted, UserMessage
from docmill.output.merging import delivered_by, merge_records, unproven_fields
from docmill.records.checked import CheckedRecord
from docmill.records.values import Box
from docmill.sandboxes.base import Sandbox
from docmill.session.asking import Asking, ask_whole
from docmill.session.bench import Stage, Workbench
from docmill.session.document import PreparedDocument, first_message, ink
from docmill.session.follow import Answerer, Follower
from docmill.session.gate import SUBMIT, RecordGate
from docmill.session.grading import Examination
from docmill.session.journal import Journal
from docmill.session.marking import marker
from docmill.session.viewer import TOOL, VIEW, PageViewer

SUBMIT_DESCRIPTION = (
    "Hand in the record. Each value carries the page and the verbatim quote that proves it; "
    "give null for what the document doesn't say and candidates for what it says twice."
)
ONLY = (
    "Another reader has proven the rest of the record already. Hand in only these fields, and null "
    "for all others: {fields}"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the stages came to."""

    record: CheckedRecord | None
    submissions: int
    errors: tuple[str, ...]


class Stages:
    """The agent's work on one document."""

    def __init__(
        self,
        bench: Workbench,
        journal: Journal,
        sandbox: Sandbox,
        prepared: PreparedDocument,
        *,
        asking: Asking | None = None,
    ) -> None:
        """`asking`: what is to be asked, the whole record if it is None."""
        self._bench = bench
        self._asking = asking or ask_whole(bench)
        self._journal = journal
        self._sandbox = sandbox
        self._prepared = prepared
        self._marker = marker(prepared)

    async def read(self, follower: Follower) -> Reading:
        """Ask each model for what is still unproven.

        Raises:
            LimitError: a limit was reached; the session can be gone on with.
            ModelError: the last model failed and none before it handed in a record.
        """
        cascade = len(self._bench.stages) > 1
        if not self._asking.shape.fields:
            return Reading(CheckedRecord(values=()), 0, ())
        whole = Reading(None, 0, ())
        for number, stage in enumerate(self._bench.stages):
            wanted = unproven_fields(whole.record, tuple(self._asking.shape.fields))
            if number and not wanted:
                break
            history = _of_stage(self._journal.history, number) if cascade else None
            if cascade and history is None:
                follower.store(StageStarted(stage=number, model=stage.choice.id, fields=wanted))
            past = history if history is not None else () if cascade else self._journal.history
            if any(map(_is_passed_on, past)):
                continue
            try:
                found = await self._ask(
                    stage,
                    number,
                    before=whole.record,
                    wanted=wanted,
                    history=past,
                    follower=follower,
                )
            except ModelError as error:
                last = number + 1 == len(self._bench.stages)
                # What may pass is waited for: a later attempt goes on here.
                if error.retryable or error.resumable or (last and not whole.record):
                    raise
                follower.store(_passed_on(error, last=last))
                continue
            whole = self._merged(whole, found, stage, wanted) if cascade else found
        return whole

    async def _ask(
        self,
        stage: Stage,
        number: int,
        *,
        before: CheckedRecord | None,
        wanted: Sequence[str],
        history: Sequence[Event],
        follower: Follower,
    ) -> Reading:
        bench, pages = self._bench, self._prepared.pages
        task = await self._task(stage, number, wanted, history)

        def graded(record: CheckedRecord) -> CheckedRecord | None:
            found = self._put_together(before, record, wanted)
            last = number + 1 == len(bench.stages)
            if not last and unproven_fields(found, tuple(self._asking.shape.fields)):
                return None
            return self._asking.whole(found)

        gate = RecordGate(
            self._asking.shape,
            pages,
            self._ink,
            repairs=bench.compiled.pipeline.record.repairs,
            marker=self._marker,
            exam=self._examination(stage, task, number, wanted),
            whole=graded,
        )
        gate.replay(history)
        answerers: dict[str, Answerer] = {SUBMIT: gate}
        if stage.capabilities.images:
            answerers[VIEW] = PageViewer(self._sandbox, bench.blobs, pages=len(pages))
        async with stage.backend.open(task, self._sandbox) as stream:
            await follower.follow(stream, answerers)
        return Reading(gate.record, gate.submissions, gate.errors)

    async def _ink(self, page: int, boxes: Sequence[Box]) -> Sequence[float]:
        return await ink(self._sandbox, page, boxes)

    def _examination(
        self, stage: Stage, task: Task, number: int, wanted: Sequence[str]
    ) -> Examination | None:
        """What the stage's records are graded by; None without a rubric, or anybody to grade."""
        outcome = self._bench.compiled.pipeline.outcome
        if outcome is None or not outcome.rubric.strip() or stage.model is None:
            return None
        told = task.messages or next(
            event.content for event in task.history if isinstance(event, UserMessage)
        )
        # Where the files lie, and what another model has proven, is for the agent only.
        document = told[: -2 if number else -1]
        return Examination(
            model=stage.model,
            choice=stage.choice,
            outcome=outcome,
            document=tuple(document),
            pages=self._prepared.pages,
            fields=self._bench.shape.fields,
            wanted=wanted,
            ink=self._ink,
            rules=task.rules,
            identity=task.identity,
        )

    async def _task(
        self, stage: Stage, number: int, wanted: Sequence[str], history: Sequence[Event]
    ) -> Task:
        compiled = self._bench.compiled
        limits, retries = compiled.pipeline.limits, compiled.pipeline.retries
        schema = self._asking.schema
        submit = {"name": SUBMIT, "description": SUBMIT_DESCRIPTION, "input_schema": schema}
        spoken = stage.capabilities.json_schema
        tools = [*([] if spoken else [submit]), *([TOOL] if stage.capabilities.images else [])]
        present = compiled.pipeline.documents.present
        messages: tuple[dict[str, Any], ...] = ()
        if not any(isinstance(event, UserMessage) for event in history):
            messages = await first_message(
                self._prepared,
                present,
                capabilities=stage.capabilities,
                sandbox=self._sandbox,
                blobs=self._bench.blobs,
            )
        if number and messages:
            only = {"type": "text", "text": ONLY.format(fields=", ".join(wanted))}
            messages = (*messages, only)
        return Task(
            model=stage.choice.id,
            system=self._asking.system,
            tools=tuple(tools),
            messages=messages,
            turns=limits.turns,
            history=history,
            identity=f"{self._journal.session}/{number}",
            effort=stage.choice.effort,
            speed=stage.choice.speed,
            output=submit if spoken else None,
            rules=CallRules(
                output_tokens=limits.output_tokens,
                attempts=retries.calls,
                delay_seconds=retries.delay_seconds,
                outage_seconds=retries.outage_minutes * 60,
            ),
        )

    def _merged(
        self, before: Reading, found: Reading, stage: Stage, wanted: Sequence[str]
    ) -> Reading:
        submissions = before.submissions + found.submissions
        if found.record is None:
            return Reading(before.record, submissions, found.errors)
        record = delivered_by(found.record, stage.choice.id)
        return Reading(self._put_together(before.record, record, wanted), submissions, found.errors)

    def _put_together(
        self, before: CheckedRecord | None, record: CheckedRecord, wanted: Sequence[str]
    ) -> CheckedRecord:
        order = tuple(self._asking.shape.fields)
        return merge_records(before, record, wanted=wanted, order=order) if before else record


def _of_stage(history: Sequence[Event], number: int) -> Sequence[Event] | None:
    """The events of a stage; None if it never started."""
    starts = list(_starts(history))
    if number >= len(starts):
        return None
    end = starts[number + 1] if number + 1 < len(starts) else len(history)
    return history[starts[number] + 1 : end]


def _starts(history: Sequence[Event]) -> Iterator[int]:
    for index, event in enumerate(history):
        if isinstance(event, StageStarted):
            yield index


def _passed_on(error: ModelError, *, last: bool) -> SessionErrorEvent:
    then = "What was found before it stands." if last else "The next model of the cascade goes on."
    return SessionErrorEvent(
        code=error.code, message=f"{error.message} {then}", retry_status="exhausted"
    )


def _is_passed_on(event: Event) -> bool:
    return isinstance(event, SessionErrorEvent) and event.retry_status == "exhausted"
