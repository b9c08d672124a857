"""A submitted record becomes a checked one: schema first, then grounding, then statuses.

`submitted` holds the schema check, `grounding` the ladder of proof. Nothing here asks the model
again: the session does, with the errors of the outcome.
"""

from collections.abc import Sequence
from typing import Any

from docmill.documents.layout import Page
from docmill.output.outcome import CheckOutcome, InkProbe, RecordError
from docmill.output.shape import RecordShape

__all__ = ["CheckOutcome", "InkProbe", "RecordError", "check_record"]


async def check_record(
    submitted: dict[str, Any], shape: RecordShape, pages: Sequence[Page], ink: InkProbe
) -> CheckOutcome:
    """Check a record as handed in with `submit_record`.

    Errors of form give no record. A value that can't be proven is `unverified` in the record, with
    an error that says what to mend.
    """
    raise NotImplementedError
