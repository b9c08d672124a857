"""One value of a record against one demand: units converted, then judged by `limits`.

A value that isn't proven, has no unit or another kind of unit never passes. Which demand applies is
decided by the checks.
"""

from decimal import Decimal
from typing import NamedTuple

from docmill.checks.limits import Finding, Limits, judge_number, judge_range
from docmill.checks.quantity import loosen, trimmed
from docmill.checks.view import RecordView, Unproven, range_text, reading_text, unit_of
from docmill.quantities import IncompatibleUnits, convert
from docmill.records.checked import Reading
from docmill.records.results import VerdictKind
from docmill.records.values import Range
from docmill.spec.fields import Field


class Compared(NamedTuple):
    """The outcome for one value."""

    verdict: VerdictKind
    value: str
    """What was found, as text with unit."""
    message: str


def compare_value(view: RecordView, path: str, field: Field, demand: Limits | str) -> Compared:
    """A value against limits, or against the text it has to be."""
    try:
        reading = view.reading(path)
    except Unproven as unproven:
        return Compared(unproven.verdict, found_text(view, path), sentence(unproven.reason))
    text = reading_text(reading)
    try:
        if isinstance(demand, str):
            return _against_text(reading, field, demand, text)
        finding, converted = _against_limits(path, reading, field, demand)
    except Unproven as unproven:
        return Compared(unproven.verdict, text, sentence(unproven.reason))
    shown = f"{text} (= {converted})" if converted else text
    return Compared(finding.verdict, shown, finding.message)


def found_text(view: RecordView, path: str) -> str:
    """What stands at a path, proven or not; empty if nothing does."""
    value = view.checked(path)
    if value is None:
        return ""
    readings = value.candidates or ((value.reading,) if value.reading else ())
    return " or ".join(reading_text(reading) for reading in readings)


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."


def _against_text(reading: Reading, field: Field, demand: str, text: str) -> Compared:
    found = text if not isinstance(reading.value, bool) else ("true" if reading.value else "false")
    if field.type == "id":
        same = loosen(found) == loosen(demand)
    else:
        same = " ".join(found.split()).casefold() == " ".join(demand.split()).casefold()
    if same:
        return Compared("pass", text, "As demanded.")
    return Compared("fail", text, f"Not {demand}.")


class _Judged(NamedTuple):
    finding: Finding
    converted: str
    """The value in the limits' unit, if that is another."""


def _against_limits(path: str, reading: Reading, field: Field, limits: Limits) -> _Judged:
    unit = unit_of(path, reading, field)
    match reading.value:
        case bool():
            raise Unproven("not_comparable", f"`{path}` is no number")
        case Decimal():
            value = _in_limits_unit(reading.value, unit, limits)
            shown = f"{_rounded(value)} {limits.unit}" if unit != limits.unit else ""
            return _Judged(judge_number(value, reading.qualifier, limits), shown)
        case Range():
            ends = [
                None if end is None else _in_limits_unit(end, unit, limits)
                for end in (reading.value.min, reading.value.typ, reading.value.max)
            ]
            found = Range(min=ends[0], typ=ends[1], max=ends[2])
            shown = f"{range_text(found)} {limits.unit}" if unit != limits.unit else ""
            return _Judged(judge_range(found, limits), shown)
        case _:
            raise Unproven("not_comparable", f"`{path}` is no number")


def _in_limits_unit(value: Decimal, unit: str | None, limits: Limits) -> Decimal:
    if unit == limits.unit:
        return value
    if unit is None:
        raise Unproven("not_comparable", f"found without a unit, the limit is in {limits.unit}")
    if limits.unit is None:
        raise Unproven("not_comparable", f"found in {unit}, the limit has no unit")
    try:
        return convert(value, unit, limits.unit)
    except IncompatibleUnits as error:
        raise Unproven(
            "not_comparable", f"found in {unit}, which can't be converted to {limits.unit}"
        ) from error


def _rounded(value: Decimal) -> str:
    """At most six significant digits: this is for reading, the comparison is exact."""
    return trimmed(Decimal(f"{value:.6g}"))
