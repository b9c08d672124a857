"""Answers `submit_record`: checks the record, has it graded, sends precise errors back.

Neighbours: `grading` asks the grader; `stages` goes on with the record. Repairs of what code found
and iterations of what the grader found are counted apart.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from docmill.documents.layout import Page
from docmill.events import (
    CustomToolResult,
    CustomToolUse,
    Event,
    OutcomeEvaluationEnd,
    RecordChecked,
)
from docmill.output.check import check_record
from docmill.output.outcome import InkProbe
from docmill.output.shape import RecordShape
from docmill.records.checked import CheckedRecord, Reading
from docmill.session.grading import Examination, grade, upheld
from docmill.session.marking import Marker

SHOWN_ERRORS = 20
SUBMIT = "submit_record"
ACCEPTED = "The record is accepted."
AGAIN = "Mend these and hand in the whole record again."
REVISE = (
    "Every value is proven, but the record doesn't do what is asked for yet. Look at these places "
    "again and hand in the whole record; where it is right after all, hand in the same values."
)
Whole = Callable[[CheckedRecord], CheckedRecord | None]
"""A submission → the document's record with it; None if another model is asked for more anyway."""


class RecordGate:
    """The way of a record from the agent to the store."""

    def __init__(
        self,
        shape: RecordShape,
        pages: Sequence[Page],
        ink: InkProbe,
        *,
        repairs: int,
        marker: Marker,
        exam: Examination | None = None,
        whole: Whole = lambda record: record,
    ) -> None:
        self._shape = shape
        self._pages = pages
        self._ink = ink
        self._repairs = repairs
        self._marker = marker
        self._exam = exam
        self._whole = whole
        self._failures = 0
        """Submissions with errors that code found."""
        self._iterations = 0
        """Records the grader has given a verdict on."""
        self._graded: CheckedRecord | None = None
        self._call = ""
        """The tool call that waits for its result, and how far its answer had come."""
        self._checked: RecordChecked | None = None
        self._verdict: OutcomeEvaluationEnd | None = None
        self.submissions = 0
        self.record: CheckedRecord | None = None
        self.errors: tuple[str, ...] = ()

    def replay(self, history: Sequence[Event]) -> None:
        """Take up what earlier attempts submitted, and what was found of it."""
        for event in history:
            match event:
                case CustomToolUse() if event.name == SUBMIT:
                    self._begin(event.tool_use_id)
                case RecordChecked():
                    self._take(event)
                case OutcomeEvaluationEnd():
                    self._judge(event)
                case CustomToolResult() if event.custom_tool_use_id == self._call:
                    self._call = ""
                case _:
                    pass

    async def answer(self, call: CustomToolUse) -> AsyncIterator[Event]:
        """Check one submission; the result is final once it is proven, or nothing more is allowed.

        What an attempt that died found of this call already isn't looked for again.
        """
        self._begin(call.tool_use_id)
        if self._checked is None:
            yield await self._check(call)
        if self.errors:
            final = self._failures > self._repairs
            yield self._result(_complaints(self.errors, final=final), final=final)
            return
        wanted = self._to_be_graded()
        if self._verdict is None and self._exam is not None and wanted is not None:
            async for event in grade(self._exam, wanted, iteration=self._iterations):
                yield event
                if isinstance(event, OutcomeEvaluationEnd):
                    self._judge(event)
        if self._verdict is not None and self._verdict.result == "needs_revision":
            yield self._result(_revision(self._verdict), final=False)
        else:
            yield self._result(ACCEPTED, final=True)

    def _begin(self, call: str) -> None:
        if call != self._call:
            self._call, self._checked, self._verdict = call, None, None

    async def _check(self, call: CustomToolUse) -> RecordChecked:
        outcome = await check_record(call.input, self._shape, self._pages, self._ink)
        errors = tuple(error.message for error in outcome.errors)
        last = self._failures + bool(errors) > self._repairs
        checked = RecordChecked(
            submission=self.submissions + 1,
            accepted=(last or not errors) and outcome.record is not None,
            errors=errors,
            record=await self._marker.mark(outcome.record) if outcome.record else None,
        )
        self._take(checked)
        return checked

    def _take(self, checked: RecordChecked) -> None:
        self._checked = checked
        self.submissions += 1
        self._failures += bool(checked.errors)
        # A record that was whole once isn't given up for one without a form.
        self.record, self.errors = checked.record or self._graded, checked.errors

    def _judge(self, verdict: OutcomeEvaluationEnd) -> None:
        self._verdict = verdict
        self._iterations += 1
        self._graded = self.record

    def _to_be_graded(self) -> CheckedRecord | None:
        """The document's record; None if it needn't be graded: its values are as they were."""
        if self.record is None or _same_values(self.record, self._graded):
            return None
        return self._whole(self.record)

    def _result(self, content: str, *, final: bool) -> CustomToolResult:
        call, self._call = self._call, ""
        return CustomToolResult(
            custom_tool_use_id=call, content=content, is_error=content != ACCEPTED, final=final
        )


def _complaints(errors: Sequence[str], *, final: bool) -> str:
    shown = list(errors[:SHOWN_ERRORS])
    if len(errors) > SHOWN_ERRORS:
        shown.append(f"... and {len(errors) - SHOWN_ERRORS} more.")
    if not final:
        shown.append(AGAIN)
    return "\n".join(shown)


def _revision(verdict: OutcomeEvaluationEnd) -> str:
    lines = [
        f"{one.path}: {one.complaint or one.criterion} Page {one.page} says {one.quote!r}."
        for one in upheld(verdict)
    ]
    return "\n".join([*lines[:SHOWN_ERRORS], REVISE])


def _same_values(record: CheckedRecord, other: CheckedRecord | None) -> bool:
    """Whether two records say the same, wherever they found it."""
    return other is not None and _said(record) == _said(other)


def _said(record: CheckedRecord) -> object:
    return record.rows, [
        (value.path, value.status, *map(_reading, (value.reading, *value.candidates)))
        for value in record.values
    ]


def _reading(reading: Reading | None) -> object:
    return reading and (reading.value, reading.unit, reading.qualifier)
