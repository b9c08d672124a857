"""A record handed in again after errors: the fields named are replaced or given up, never guessed.

A value is replaced only by the same value found elsewhere; another value would be a guess.
"""

import re
from collections.abc import Sequence
from typing import Any, cast

from docmill.models.rules.conversation import Answered
from docmill.models.rules.extract import Extraction

_PLACE = re.compile(r"([a-z][a-z0-9_]{0,62})(?:\[(\d{1,5})\](?:\.([a-z][a-z0-9_]{0,62}))?)?")
_MOST = 4


def repaired(submitted: Sequence[Answered], found: Extraction) -> dict[str, Any] | None:
    """The next record, or None if there is nothing left to mend."""
    if len(submitted) > _MOST:
        return None
    last = submitted[-1]
    record = dict(last.arguments)
    named = _named(last.text, record)
    if not named:
        return None
    used = [str(call.arguments.get(name)) for call in submitted for name in record]
    for name, row, part in named:
        if row is None or part is None:
            record[name] = _other(name, record.get(name), found, used)
        else:
            record[name] = _without(record[name], row, part)
    return None if record == last.arguments else record


def _named(text: str, record: dict[str, Any]) -> list[tuple[str, int | None, str | None]]:
    """Fields of the record that the error text names."""
    named: dict[tuple[str, int | None, str | None], None] = {}
    for match in _PLACE.finditer(text):
        if match[1] in record:
            named[(match[1], int(match[2]) if match[2] else None, match[3])] = None
    return list(named)


def _other(name: str, value: Any, found: Extraction, used: list[str]) -> Any:
    """The same value from another place that wasn't offered yet, else nothing."""
    if isinstance(value, list):
        return cast("list[Any]", [])
    if not isinstance(value, dict) or "value" not in value:
        return None
    given = cast("dict[str, Any]", value)
    for candidate in found.candidates.get(name, []):
        claim = candidate.claim(found.fields[name])
        if claim["value"] == given["value"] and str(claim) not in used:
            return claim
    return None


def _without(rows: Any, row: int, part: str) -> Any:
    if not isinstance(rows, list):
        return rows
    kept = list(cast("list[dict[str, Any]]", rows))
    if row < len(kept):
        kept[row] = {**kept[row], part: None}
    return kept
