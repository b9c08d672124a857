"""Answers `submit_record`: checks the record, sends precise errors back, knows when to end."""

from collections.abc import AsyncIterator, Sequence

from docmill.documents.layout import Page
from docmill.events import CustomToolResult, CustomToolUse, Event, RecordChecked
from docmill.output.check import check_record
from docmill.output.outcome import InkProbe
from docmill.output.shape import RecordShape
from docmill.records.checked import CheckedRecord

SHOWN_ERRORS = 20
SUBMIT = "submit_record"


class RecordGate:
    """The way of a record from the agent to the store."""

    def __init__(
        self, shape: RecordShape, pages: Sequence[Page], ink: InkProbe, *, repairs: int
    ) -> None:
        self._shape = shape
        self._pages = pages
        self._ink = ink
        self._repairs = repairs
        self.submissions = 0
        self.record: CheckedRecord | None = None
        self.errors: tuple[str, ...] = ()

    def replay(self, history: Sequence[Event]) -> None:
        """Take up what earlier attempts submitted."""
        for event in history:
            if isinstance(event, RecordChecked):
                self.record, self.errors = event.record, event.errors
            elif isinstance(event, CustomToolResult):
                self.submissions += 1

    async def answer(self, call: CustomToolUse) -> AsyncIterator[Event]:
        """Check one submission; the result is final once it is proven or no repair is left."""
        outcome = await check_record(call.input, self._shape, self._pages, self._ink)
        self.submissions += 1
        self.record = outcome.record
        self.errors = tuple(error.message for error in outcome.errors)
        last = self.submissions > self._repairs
        final = not self.errors or last
        yield RecordChecked(
            submission=self.submissions,
            accepted=final and outcome.record is not None,
            errors=self.errors,
            record=outcome.record,
        )
        yield CustomToolResult(
            custom_tool_use_id=call.tool_use_id,
            content=self._reply(final=final),
            is_error=bool(self.errors),
            final=final,
        )

    def _reply(self, *, final: bool) -> str:
        if not self.errors:
            return "The record is accepted."
        shown = list(self.errors[:SHOWN_ERRORS])
        if len(self.errors) > SHOWN_ERRORS:
            shown.append(f"... and {len(self.errors) - SHOWN_ERRORS} more.")
        if not final:
            shown.append("Mend these and hand in the whole record again.")
        return "\n".join(shown)
