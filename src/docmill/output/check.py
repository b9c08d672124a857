"""A submitted record becomes a checked one: schema first, then grounding, ink and statuses.

`submitted` holds the schema check, `grounding` the ladder of proof. Nothing here asks the model
again: the session does, with the errors of the outcome.
"""

from collections.abc import Sequence
from typing import Any

from docmill.documents.layout import Page
from docmill.output.grounding import Grounded, ground
from docmill.output.outcome import CheckOutcome, InkProbe, RecordError
from docmill.output.pagetext import DocumentText
from docmill.output.proof import Refused
from docmill.output.shape import RecordShape
from docmill.output.statuses import Judged, conclude
from docmill.output.submitted import Leaf, read_submission
from docmill.output.usermodel import check_plain_values
from docmill.records.checked import CheckedRecord
from docmill.records.values import Box

__all__ = ["CheckOutcome", "InkProbe", "RecordError", "check_record"]

MIN_INK = 0.01
"""Share of dark pixels in a box below which nothing is printed there."""


async def check_record(
    submitted: dict[str, Any], shape: RecordShape, pages: Sequence[Page], ink: InkProbe
) -> CheckOutcome:
    """Check a record as handed in with `submit_record`.

    Errors of form give no record. A value that can't be proven is `unverified` in the record, with
    an error that says what to mend. `ink` is asked once per page, after everything else.
    """
    submission = read_submission(submitted, shape.fields)
    if not submission.errors:
        check_plain_values(submission, shape)
    if submission.errors:
        return CheckOutcome(None, tuple(submission.errors))
    document = DocumentText(pages)
    judged = [_ground_leaf(leaf, document) for leaf in submission.leaves]
    await _probe_ink(judged, ink)
    values, errors = conclude(judged)
    return CheckOutcome(CheckedRecord(values=values, rows=submission.rows), errors)


def _ground_leaf(leaf: Leaf, document: DocumentText) -> Judged:
    return Judged(leaf, [ground(claim, leaf.field, document) for claim in leaf.claims])


async def _probe_ink(judged: list[Judged], ink: InkProbe) -> None:
    """Take back the proof of what no reader of the page can see."""
    boxes: dict[int, list[Box]] = {}
    for grounded in _proven(judged):
        boxes.setdefault(grounded.page, []).extend(grounded.boxes)
    shares: dict[int, dict[Box, float]] = {}
    for page, wanted in boxes.items():
        distinct = list(dict.fromkeys(wanted))
        # The answer comes from the sandbox: one that is too short proves nothing.
        shares[page] = dict(zip(distinct, await ink(page, distinct), strict=False))
    for each in judged:
        each.grounded = [_visible(grounded, shares) for grounded in each.grounded]


class _Place:
    """Where a proven claim stands."""

    def __init__(self, grounded: Grounded) -> None:
        evidence = grounded.reading.evidence
        self.page = evidence.page if evidence else 0
        self.boxes = evidence.boxes if evidence else ()


def _proven(judged: list[Judged]) -> list[_Place]:
    return [_Place(g) for each in judged for g in each.grounded if g.refusal is None]


def _visible(grounded: Grounded, shares: dict[int, dict[Box, float]]) -> Grounded:
    place = _Place(grounded)
    dark = shares.get(place.page, {})
    if grounded.refusal or (place.boxes and all(dark.get(b, 0.0) > MIN_INK for b in place.boxes)):
        return grounded
    reason = (
        f"nothing is printed where page {place.page} has these words: they are invisible; quote "
        "what a reader can see, or give null"
    )
    return grounded._replace(refusal=Refused("no_ink", reason))
