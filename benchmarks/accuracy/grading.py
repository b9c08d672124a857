"""One record against what is known to stand in the document: every value right, wrong or not given.

Ground truth has the form of sample_data's truth.json. A value counts as wrong if it was handed in
without doubt and isn't the document's; a list of candidates is an abstention, never wrong.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

from docmill.documents.text import normalise
from docmill.output.units import same_unit
from docmill.quantities.convert import IncompatibleUnits, convert
from docmill.spec.fields import Field

ANY_UNIT = "*"
"""Unit of a fact whose unit isn't known: any will do."""
Kind = Literal["right", "wrong", "missed", "abstained", "absent"]
"""`missed`: the document has it, no value given. `abstained`: candidates instead of one value.
`absent`: rightly nothing, the document has none."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a record holds for one leaf."""

    value: Any = None
    unit: str | None = None
    candidates: tuple[Any, ...] = ()
    """`{value, unit}` each, if ambiguous."""
    verified: bool = True
    code: str = ""
    """Why it isn't verified."""

    @property
    def ends(self) -> dict[str, Any]:
        """Ends of a range; none of anything else."""
        value: Any = self.value
        return dict(value) if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownArgumentType]

    @property
    def given(self) -> bool:
        """Whether one value was given."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade of one leaf."""

    path: str
    kind: Kind
    expected: str
    found: str
    verified: bool = False
    code: str = ""


def submitted_leaf(leaf: Any) -> Found:
    """A leaf as handed in with `submit_record`."""
    if not isinstance(leaf, dict):
        return Found()
    claim = cast("dict[str, Any]", leaf)
    if "candidates" in claim:
        return Found(candidates=tuple(claim["candidates"]))
    return Found(claim.get("value"), claim.get("unit"))


def submitted_values(fields: Mapping[str, Field], record: Mapping[str, Any]) -> dict[str, Found]:
    """Leaves of a submitted record by path."""
    found: dict[str, Found] = {}
    for name, field in fields.items():
        if field.fields is None:
            found[name] = submitted_leaf(record.get(name))
            continue
        rows = cast("list[dict[str, Any]]", record.get(name) or [])
        for index, row in enumerate(rows):
            for part in field.fields:
                found[f"{name}[{index}].{part}"] = submitted_leaf(row.get(part))
    return found


def grade_record(
    fields: Mapping[str, Field], values: Mapping[str, Found], truth: Mapping[str, Any]
) -> list[Grade]:
    """Grades of all leaves by path; `truth` is a document's entry."""
    grades: list[Grade] = []
    facts = cast("Mapping[str, Any]", truth.get("fields", {}))
    lists = cast("Mapping[str, Sequence[Mapping[str, Any]]]", truth.get("lists", {}))
    for name, field in fields.items():
        if field.fields is None:
            grades.append(grade_leaf(name, field, values.get(name, Found()), facts.get(name)))
        elif name in lists:
            grades += _grade_rows(name, field.fields, values, lists[name])
    return grades


def _grade_rows(
    name: str,
    fields: Mapping[str, Field],
    values: Mapping[str, Found],
    truth: Sequence[Mapping[str, Any]],
) -> Iterable[Grade]:
    """Rows one by one in their order; a row too many is wrong in all it says."""
    given = {int(match[1]) for path in values if (match := re.match(rf"{name}\[(\d+)\]", path))}
    for index in range(max(len(given), len(truth))):
        facts: Mapping[str, Any] = truth[index] if index < len(truth) else {}
        for part, field in fields.items():
            path = f"{name}[{index}].{part}"
            yield grade_leaf(path, field, values.get(path, Found()), facts.get(part))


def grade_leaf(path: str, field: Field, found: Found, fact: Mapping[str, Any] | None) -> Grade:
    """The grade of one leaf against its fact, None if the document doesn't have it."""
    shown = _shown(found)
    if fact is not None and fact.get("skip"):
        return Grade(path, "absent", "-", shown)
    if fact is None:
        kind: Kind = "wrong" if found.given else "abstained" if found.candidates else "absent"
        return Grade(path, kind, "-", shown, found.given and found.verified, found.code)
    if "ambiguous" in fact:
        rivals = cast("list[Mapping[str, Any]]", fact["ambiguous"])
        expected = " or ".join(_fact(rival) for rival in rivals)
        if found.given:
            return Grade(path, "wrong", expected, shown, found.given and found.verified, found.code)
        named = [
            any(
                _equal(field, Found(c.get("value"), c.get("unit")), rival) for c in found.candidates
            )
            for rival in rivals
        ]
        return Grade(
            path, "right" if found.candidates and all(named) else "missed", expected, shown
        )
    if found.candidates:
        return Grade(path, "abstained", _fact(fact), shown)
    if not found.given:
        return Grade(path, "missed", _fact(fact), shown)
    kind = "right" if _equal(field, found, fact) else "wrong"
    return Grade(path, kind, _fact(fact), shown, found.given and found.verified, found.code)


def _fact(fact: Mapping[str, Any]) -> str:
    return f"{fact['value']} {fact.get('unit') or ''}".strip()


def _shown(found: Found) -> str:
    if found.candidates:
        return "one of " + ", ".join(
            f"{c['value']} {c.get('unit') or ''}" for c in found.candidates
        )
    return f"{found.value} {found.unit or ''}".strip() if found.given else "-"


def _equal(field: Field, found: Found, fact: Mapping[str, Any]) -> bool:
    wanted = fact["value"]
    if isinstance(wanted, dict):
        ends = cast("dict[str, Any]", wanted)
        given = found.ends
        names = {name for name in (*ends, *given) if ends.get(name) or given.get(name)}
        unit = fact.get("unit")
        return all(
            _same_number(given.get(name), found.unit, ends.get(name), unit) for name in names
        )
    if field.type in ("number", "integer"):
        return _same_number(found.value, None, wanted, None)
    if field.type == "quantity":
        return _same_number(found.value, found.unit, wanted, fact.get("unit"))
    if field.type == "boolean":
        return found.value == wanted
    return _plain(field, str(found.value)) == _plain(field, str(wanted))


def _plain(field: Field, text: str) -> str:
    plain = normalise(text).casefold()
    return plain.replace(" ", "") if field.type == "id" else plain


def _same_number(a: Any, unit: str | None, b: Any, wanted: str | None) -> bool:
    try:
        one, other = Decimal(str(a)), Decimal(str(b))
    except InvalidOperation:
        return False
    if wanted == ANY_UNIT:
        return one == other
    if unit and wanted:
        try:
            return abs(convert(one, unit, wanted) - other) <= abs(other) * Decimal("1e-9")
        except IncompatibleUnits:
            return same_unit(unit, wanted) and one == other
    return one == other and (unit is None) == (wanted is None)
