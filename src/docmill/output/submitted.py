"""The schema check: a submitted record, untrusted JSON, becomes a flat list of claims.

Walks only where the record's fields lead, so neither depth nor size of hostile input costs
anything. Claims are read by `claims`; the user's own model is asked by `usermodel`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from docmill.documents.text import normalise
from docmill.output.claims import MAX_TEXT, ClaimError, ReadClaim, did_you_mean, read_claim, show
from docmill.output.outcome import RecordError
from docmill.spec.fields import Field

MAX_ROWS = 2000
MAX_VALUES = 20_000
MAX_CANDIDATES = 20
MAX_ERRORS = 40


class Leaf(NamedTuple):
    """One leaf field with what was submitted: no claim is missing, several are ambiguous."""

    path: str
    field: Field
    claims: tuple[ReadClaim, ...] = ()
    reason: str = ""


@dataclass
class Submission:
    """A submitted record taken apart; it fits its schema if `errors` is empty."""

    leaves: list[Leaf] = field(default_factory=list[Leaf])
    rows: dict[str, int] = field(default_factory=dict[str, int])
    errors: list[RecordError] = field(default_factory=list[RecordError])

    def error(self, path: str, code: str, message: str) -> None:
        """Note an error; beyond a few dozen more would only fill the model's context."""
        if len(self.errors) == MAX_ERRORS:
            text = "there are further errors; mend these first"
            self.errors.append(RecordError(path="", code="more_errors", message=text))
        if len(self.errors) <= MAX_ERRORS:
            sentence = f"{path}: {message}" if path else message
            self.errors.append(RecordError(path=path, code=code, message=sentence))

    @property
    def full(self) -> bool:
        """Whether reading on is pointless: too many errors or too many values."""
        return len(self.errors) > MAX_ERRORS


def read_submission(submitted: object, fields: Mapping[str, Field]) -> Submission:
    """Take a submitted record apart along its fields; errors are collected, never raised."""
    submission = Submission()
    if isinstance(submitted, dict):
        _read_object(submission, cast("dict[str, Any]", submitted), fields, "")
    else:
        message = f"the record has to be an object with the fields {', '.join(fields)}"
        submission.error("", "wrong_type", message)
    return submission


def _read_object(
    into: Submission, given: Mapping[str, Any], fields: Mapping[str, Field], place: str
) -> None:
    unknown = [name for name in given if name not in fields]
    for name in unknown[: MAX_ERRORS + 1]:
        hint = did_you_mean(name, tuple(fields)) or f"; known: {', '.join(fields)}"
        into.error(place, "unknown_field", f"{show(name)} is no field{hint}")
    for name, each in fields.items():
        if into.full:
            return
        path = f"{place}.{name}" if place else name
        if name not in given and each.required:
            message = "absent; give null if the document doesn't state it"
            into.error(path, "absent", message)
        elif each.fields is not None:
            _read_rows(into, given.get(name), each.fields, path)
        else:
            into.leaves.append(_read_leaf(into, given.get(name), each, path))


def _read_rows(into: Submission, given: object, fields: Mapping[str, Field], path: str) -> None:
    rows: list[object] = [] if given is None else cast("list[object]", given)
    if not isinstance(rows, list):  # pyright: ignore[reportUnnecessaryIsInstance]
        into.error(path, "wrong_type", f"{show(given)} is not a list of rows")
        return
    if len(rows) > MAX_ROWS:
        into.error(path, "too_many_rows", f"{len(rows)} rows; at most {MAX_ROWS}")
        return
    into.rows[path] = len(rows)
    for number, row in enumerate(rows):
        if len(into.leaves) > MAX_VALUES and not into.full:
            into.error(path, "too_many_values", f"a record has at most {MAX_VALUES} values")
            return
        if isinstance(row, dict):
            _read_object(into, cast("dict[str, Any]", row), fields, f"{path}[{number}]")
        else:
            known = ", ".join(fields)
            message = f"{show(row)} is no row; a row is an object with {known}"
            into.error(f"{path}[{number}]", "wrong_type", message)
        if into.full:
            return


def _read_leaf(into: Submission, given: object, each: Field, path: str) -> Leaf:
    if given is None:
        return Leaf(path, each)
    if not isinstance(given, dict):
        form = '{"value": …, "page": …, "quote": …}'
        message = f"{show(given)} is no claim; give {form}, or null if the document has none"
        into.error(path, "wrong_type", message)
        return Leaf(path, each)
    claim = cast("dict[str, Any]", given)
    if "candidates" in claim:
        return _read_ambiguous(into, claim, each, path)
    read = _read_claim(into, claim, each, path)
    return Leaf(path, each, (read,) if read else ())


def _read_ambiguous(into: Submission, given: Mapping[str, Any], each: Field, path: str) -> Leaf:
    reason = given.get("reason") or ""
    candidates = given["candidates"]
    if not isinstance(reason, str) or len(reason) > MAX_TEXT:
        into.error(path, "wrong_type", f"`reason` is a text of at most {MAX_TEXT} characters")
        reason = ""
    for key in given.keys() - {"candidates", "reason"}:
        into.error(path, "unknown_key", f"{show(key)} doesn't go with `candidates` and `reason`")
    if (
        not isinstance(candidates, list)
        or not 2 <= len(cast("list[Any]", candidates)) <= MAX_CANDIDATES
    ):
        message = f"`candidates` is a list of 2 to {MAX_CANDIDATES} claims"
        into.error(path, "bad_candidates", message)
        return Leaf(path, each)
    read: list[ReadClaim] = []
    for number, candidate in enumerate(cast("list[object]", candidates)):
        here = f"{path}.candidates[{number}]"
        if isinstance(candidate, dict):
            claim = _read_claim(into, cast("dict[str, Any]", candidate), each, here)
            read += [claim] if claim else []
        else:
            into.error(here, "wrong_type", f"{show(candidate)} is no claim")
    return Leaf(path, each, tuple(read), normalise(reason))


def _read_claim(
    into: Submission, given: Mapping[str, Any], each: Field, path: str
) -> ReadClaim | None:
    try:
        return read_claim(given, each)
    except ClaimError as error:
        place = f"{path}.{error.key}" if error.key else path
        into.error(place, error.code, error.message)
        return None
