"""Ties flags to the values whose words they lie on; the last step of a record's check.

Neighbours: `gate` calls it for each submission, `suspicion` has validated the flags, `witness`
holds values against OCR.
"""

from collections.abc import Iterable, Sequence

from docmill.records.checked import CheckedRecord, CheckedValue, Evidence
from docmill.records.flags import Flag, FlagKind
from docmill.records.values import Box
from docmill.session.document import PreparedDocument
from docmill.session.suspicion import EXCERPT, severity
from docmill.session.witness import Witness
from docmill.spec.hostile import Hostile


class Marker:
    """The flags of a document, by page, and who compares its values with the printed page."""

    def __init__(self, flags: Iterable[Flag], witness: Witness | None = None) -> None:
        self._witness = witness
        self._pages: dict[int, list[Flag]] = {}
        for flag in flags:
            if flag.boxes:
                self._pages.setdefault(flag.page, []).append(flag)

    async def mark(self, record: CheckedRecord) -> CheckedRecord:
        """The record with the flags each value's words lie under."""
        if self._witness is not None:
            record = await self._witness.look(record)
        if not self._pages:
            return record
        values = tuple(self._marked(value) for value in record.values)
        return record.model_copy(update={"values": values})

    def _marked(self, value: CheckedValue) -> CheckedValue:
        kinds: list[FlagKind] = [
            flag.kind
            for evidence in evidences(value)
            for flag in self._pages.get(evidence.page, ())
            if _touches(evidence.boxes, flag.boxes)
        ]
        return with_flags(value, kinds)


def marker(prepared: PreparedDocument) -> Marker:
    """What marks the records of a document; with OCR, it is compared as the pipeline says."""
    flags = prepared.event.flags
    if prepared.ocr is None:
        return Marker(flags)
    scanned = frozenset(flag.page for flag in flags if flag.kind == "scan_layer")
    every = frozenset(page.number for page in prepared.pages)
    compared = every if prepared.wanted.ocr == "always" else scanned
    return Marker(flags, Witness(prepared.ocr, prepared.pages, compared=compared))


def disagreements(record: CheckedRecord | None, hostile: Hostile) -> tuple[Flag, ...]:
    """Flags of the document for its values whose text layer and printed page differ."""
    return tuple(
        Flag(
            kind="disagrees",
            page=evidence.page,
            boxes=evidence.boxes,
            excerpt=evidence.quote[:EXCERPT],
            severity=severity("disagrees", hostile),
        )
        for value in (record.values if record else ())
        if "disagrees" in value.flags
        for evidence in evidences(value)[:1]
    )


def evidences(value: CheckedValue) -> list[Evidence]:
    """Where a value, or each of its rivals, stands."""
    readings = [*([value.reading] if value.reading else []), *value.candidates]
    return [reading.evidence for reading in readings if reading.evidence]


def with_flags(value: CheckedValue, kinds: Iterable[FlagKind]) -> CheckedValue:
    """The value with these flags besides those it has."""
    flags = tuple(dict.fromkeys((*value.flags, *kinds)))
    return value if flags == value.flags else value.model_copy(update={"flags": flags})


def _touches(words: Sequence[Box], flagged: Sequence[Box]) -> bool:
    """Whether the middle of a line of the words lies in a flagged place."""
    for x0, y0, x1, y1 in words:
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        if any(left <= x <= right and top <= y <= low for left, top, right, low in flagged):
            return True
    return False
