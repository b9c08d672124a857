"""Ties flags to the values whose words they lie on; the last step of a record's check.

Neighbours: `gate` calls it for each submission, `suspicion` has validated the flags. A mark changes
no status.
"""

from collections.abc import Iterable, Sequence

from docmill.records.checked import CheckedRecord, CheckedValue, Evidence
from docmill.records.flags import Flag, FlagKind
from docmill.records.values import Box


class Marker:
    """The flags of a document, by page."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        self._pages: dict[int, list[Flag]] = {}
        for flag in flags:
            if flag.boxes:
                self._pages.setdefault(flag.page, []).append(flag)

    def mark(self, record: CheckedRecord) -> CheckedRecord:
        """The record with the flags each value's words lie under."""
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
