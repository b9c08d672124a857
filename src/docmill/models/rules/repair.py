"""A record handed in again after errors: values without proof are replaced, never guessed.

A value is replaced by the same one found elsewhere. Only where nothing is printed under a value
(invisible text) may another one take its place, for then it was never the document's. What can't be
mended stays as it is and is reported unverified; what has the wrong form is given up.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from docmill.models.rules.candidates import answer, decide
from docmill.models.rules.conversation import Answered
from docmill.models.rules.extract import Extraction
from docmill.output.submitted import read_submission

_LINE = re.compile(
    r"^([a-z][a-z0-9_]{0,62})(?:\[(\d{1,5})\]\.([a-z][a-z0-9_]{0,62}))?"
    r"(?:\.candidates\[(\d{1,2})\])?: (.*)$"
)
_INVISIBLE = "invisible"
_MOST = 4


class _Fault(NamedTuple):
    """One line of an error result."""

    field: str
    row: int | None
    part: str | None
    candidate: int | None
    message: str


def repaired(submitted: Sequence[Answered], found: Extraction) -> dict[str, Any] | None:
    """The next record, or None if there is nothing left to mend."""
    last = submitted[-1]
    if len(submitted) > _MOST:
        return None
    record = dict(last.arguments)
    malformed = {error.path for error in read_submission(record, dict(found.fields)).errors}
    refused = _refused(submitted)
    for fault in _faults(last.text):
        if fault.field not in record:
            continue
        if fault.row is not None:
            if _path(fault) in malformed:
                record[fault.field] = _without(record[fault.field], fault)
        elif fault.field in malformed:
            record[fault.field] = [] if isinstance(record[fault.field], list) else None
        else:
            record[fault.field] = _mended(fault, record[fault.field], found, refused)
    return None if record == last.arguments else record


def _faults(text: str) -> Iterator[_Fault]:
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            row = int(match[2]) if match[2] else None
            candidate = int(match[4]) if match[4] else None
            yield _Fault(match[1], row, match[3], candidate, match[5])


def _path(fault: _Fault) -> str:
    return f"{fault.field}[{fault.row}].{fault.part}"


def _refused(submitted: Sequence[Answered]) -> set[tuple[str, str]]:
    """Claims that were handed in before as (field, claim), and those nobody can see."""
    seen: set[tuple[str, str]] = set()
    for call in submitted:
        for fault in _faults(call.text):
            value = call.arguments.get(fault.field)
            claim = _claim(value, fault.candidate)
            if claim is not None and _INVISIBLE in fault.message:
                seen.add((fault.field, _place(claim)))
    return seen


def _claim(value: Any, candidate: int | None) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    claim = cast("dict[str, Any]", value)
    if candidate is None:
        return claim if "value" in claim else None
    several = cast("list[dict[str, Any]]", claim.get("candidates") or [])
    return several[candidate] if candidate < len(several) else None


def _place(claim: dict[str, Any]) -> str:
    return f"{claim.get('page')} {claim.get('box')} {claim.get('quote')}"


def _mended(fault: _Fault, value: Any, found: Extraction, refused: set[tuple[str, str]]) -> Any:
    field = found.fields[fault.field]
    claim = _claim(value, fault.candidate)
    if claim is None:
        return value
    known = found.candidates.get(fault.field, [])
    if _INVISIBLE in fault.message:
        visible = [c for c in known if (fault.field, _place(c.claim(field))) not in refused]
        return answer(field, decide(visible))
    if fault.candidate is not None:
        return value
    for other in known:
        offered = other.claim(field)
        if offered["value"] == claim["value"] and _place(offered) > _place(claim):
            return offered
    return value


def _without(rows: Any, fault: _Fault) -> Any:
    kept = list(cast("list[dict[str, Any]]", rows)) if isinstance(rows, list) else []
    if fault.row is not None and fault.row < len(kept) and fault.part is not None:
        kept[fault.row] = {**kept[fault.row], fault.part: None}
    return kept
