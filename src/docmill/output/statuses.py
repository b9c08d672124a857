"""From grounded claims to the status of each value, and the errors that go back to the model.

`verified` needs proof, `missing` needs nothing, `ambiguous` keeps every rival that could be proven.
"""

from dataclasses import dataclass
from decimal import Decimal

from docmill.output.grounding import Grounded
from docmill.output.outcome import RecordError
from docmill.output.proof import Refused
from docmill.output.submitted import MAX_ERRORS, Leaf
from docmill.output.units import in_unit
from docmill.records.checked import CheckedValue, Reading
from docmill.records.values import Range


@dataclass
class Judged:
    """A leaf with its claims after the ladder of proof."""

    leaf: Leaf
    grounded: list[Grounded]


def conclude(judged: list[Judged]) -> tuple[tuple[CheckedValue, ...], tuple[RecordError, ...]]:
    """Values in the order of the leaves, and what the model is to mend."""
    values: list[CheckedValue] = []
    errors: list[RecordError] = []
    for each in judged:
        values.append(_value(each))
        errors += _errors(each)
    if len(errors) > MAX_ERRORS:
        text = f"{len(errors) - MAX_ERRORS} further values are not proven; mend these first"
        errors[MAX_ERRORS:] = [RecordError(path="", code="more_errors", message=text)]
    return tuple(values), tuple(errors)


def _value(each: Judged) -> CheckedValue:
    path, required = each.leaf.path, each.leaf.field.required
    if not each.grounded:
        return CheckedValue(path=path, status="missing", required=required)
    if len(each.grounded) == 1:
        return _single(each, each.grounded[0])
    proven = [grounded for grounded in each.grounded if grounded.refusal is None]
    kept = proven if len(proven) >= 2 else each.grounded
    distinct = _distinct(kept, each.leaf.field.unit)
    if len(distinct) == 1:
        return _single(each, distinct[0])
    reason = each.leaf.reason or "the document gives different values"
    return CheckedValue(
        path=path,
        status="ambiguous",
        candidates=tuple(grounded.reading for grounded in distinct),
        code="ambiguous" if len(proven) >= 2 else "candidate_unproven",
        reason=reason,
        required=required,
    )


def _single(each: Judged, grounded: Grounded) -> CheckedValue:
    refusal = grounded.refusal
    return CheckedValue(
        path=each.leaf.path,
        status="unverified" if refusal else "verified",
        reading=grounded.reading,
        code=refusal.code if refusal else "",
        reason=refusal.reason if refusal else "",
        required=each.leaf.field.required,
    )


def _distinct(grounded: list[Grounded], unit: str | None) -> list[Grounded]:
    """One claim per different value, a proven one if there is one."""
    kept: dict[object, Grounded] = {}
    for each in sorted(grounded, key=lambda item: item.refusal is not None):
        kept.setdefault(_key(each.reading, unit), each)
    return [each for each in grounded if any(each is other for other in kept.values())]


def _key(reading: Reading, wanted: str | None) -> object:
    """Equal for readings that mean the same: 3300 mV and 3.3 V, but not `< 5` and `5`."""
    value, unit = reading.value, reading.unit
    if isinstance(value, Decimal):
        common = in_unit(value, unit, wanted)
        # A value that doesn't convert keeps its unit; 5 mA and 5 V are rivals.
        kept = unit if common == value and unit != wanted else wanted
        return ("number", common, kept, reading.qualifier)
    if isinstance(value, Range):
        return ("range", value, unit)
    if isinstance(value, str):
        return ("text", "".join(value.split()).casefold())
    return (type(value).__name__, value)


def _errors(each: Judged) -> list[RecordError]:
    """One error per claim to mend; of candidates only while fewer than two are proven."""
    several = len(each.grounded) > 1
    if several and sum(grounded.refusal is None for grounded in each.grounded) >= 2:
        return []
    errors: list[RecordError] = []
    for number, grounded in enumerate(each.grounded):
        if grounded.refusal is not None:
            path = f"{each.leaf.path}.candidates[{number}]" if several else each.leaf.path
            errors.append(_error(path, grounded.refusal))
    return errors


def _error(path: str, refusal: Refused) -> RecordError:
    return RecordError(path=path, code=refusal.code, message=f"{path}: {refusal.reason}")
