"""What the check of a submitted record gives back: the record, and what the model is to mend."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from docmill.base import Frozen
from docmill.records.checked import CheckedRecord
from docmill.records.values import Box

InkProbe = Callable[[int, Sequence[Box]], Awaitable[Sequence[float]]]
"""`(page, boxes)` → share of dark pixels, 0 to 1, of each box on the rendered page."""


class RecordError(Frozen):
    """One thing to mend in a submitted record."""

    path: str
    """`supply_voltage`, `lines[2].amount`; empty for the record as a whole."""
    code: str
    """Stable: `unknown_field`, `wrong_type`, `quote_not_found`, `number_differs`, ..."""
    message: str
    """One sentence that starts with the path and says what would be right."""


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The checked record, None if its form is wrong; `errors` is empty if all is proven."""

    record: CheckedRecord | None
    errors: tuple[RecordError, ...] = ()
