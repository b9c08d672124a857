"""A checked record as checks see it: proven values, or the reason why there is none.

The only place where a `CheckedValue`'s status is looked at; `Unproven` carries the verdict it leads
to. Computes nothing.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

from docmill.checks.quantity import Interval, Quantity, Text, Value, format_number
from docmill.quantities import canonical_unit
from docmill.records.checked import CheckedRecord, CheckedValue, Reading
from docmill.records.values import Range
from docmill.spec.fields import Field


class Unproven(Exception):  # noqa: N818 - an outcome, not an error
    """A value that can't be used; becomes a verdict, never a pass."""

    def __init__(self, verdict: Literal["not_comparable", "missing"], reason: str) -> None:
        super().__init__(reason)
        self.verdict: Literal["not_comparable", "missing"] = verdict
        self.reason = reason


class RecordView:
    """One record by path; rows of list fields by number."""

    def __init__(self, record: CheckedRecord, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self._values = {value.path: value for value in record.values}
        self._rows = record.rows

    def rows(self, name: str) -> int:
        """Number of rows of a list field."""
        return self._rows.get(name, 0)

    def checked(self, path: str) -> CheckedValue | None:
        """The value at a path, whatever its status."""
        return self._values.get(path)

    def reading(self, path: str) -> Reading:
        """The proven reading at a path.

        Raises:
            Unproven: it is missing, unverified or ambiguous.
        """
        value = self._values.get(path)
        if value is None or value.status == "missing":
            raise Unproven("missing", f"`{path}` is missing")
        if value.status == "ambiguous":
            rivals = ", ".join(reading_text(reading) for reading in value.candidates)
            raise Unproven("not_comparable", f"`{path}` is ambiguous: {rivals}")
        if value.status == "unverified" or value.reading is None:
            why = f": {value.reason}" if value.reason else ""
            raise Unproven("not_comparable", f"`{path}` is not proven{why}")
        if value.reading.value is None:
            raise Unproven("missing", f"`{path}` is missing")
        return value.reading

    def value(self, path: str, field: Field | None) -> Value | Interval:
        """The proven value at a path, ready to compute with.

        Raises:
            Unproven: there is none, or it is stated as a bound or an approximation only.
        """
        reading = self.reading(path)
        if reading.qualifier != "=" and not isinstance(reading.value, Range):
            stated = reading_text(reading)
            raise Unproven("not_comparable", f"`{path}` is stated as {stated} only")
        match reading.value:
            case Decimal():
                return Quantity(reading.value, unit_of(path, reading, field))
            case str():
                enum = tuple(field.enum or ()) if field else ()
                loose = field is not None and field.type == "id"
                return Text(reading.value, loose, enum)
            case Range() as found:
                unit = unit_of(path, reading, field)
                ends = (found.min, found.typ, found.max)
                return Interval(*(None if end is None else Quantity(end, unit) for end in ends))
            case bool() | date():
                return reading.value
            case _:
                raise Unproven("missing", f"`{path}` is missing")


def unit_of(path: str, reading: Reading, field: Field | None) -> str | None:
    """The reading's unit in canonical spelling.

    Raises:
        Unproven: a quantity without its unit, or with an unknown one.
    """
    if reading.unit is None:
        if field is not None and field.type in ("quantity", "range") and field.unit:
            raise Unproven("not_comparable", f"`{path}` was found without a unit")
        return None
    unit = canonical_unit(reading.unit)
    if unit is None:
        raise Unproven("not_comparable", f"`{path}` has the unknown unit {reading.unit!r}")
    return unit


def reading_text(reading: Reading) -> str:
    """A reading as text with qualifier and unit: `< 0.001 %`, `-40 … 85 °C`."""
    sign = {"=": "", "<=": "≤ ", ">=": "≥ "}.get(reading.qualifier, f"{reading.qualifier} ")
    unit = f" {reading.unit}" if reading.unit else ""
    return f"{sign}{_plain(reading.value)}{unit}"


def _plain(value: object) -> str:
    match value:
        case Decimal():
            return format_number(value)
        case Range():
            return range_text(value)
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case _:
            return str(value)


def range_text(value: Range) -> str:
    """An interval as text: `-40 … 85`, `≤ 12`, `typ. 5`."""
    low, high = value.min, value.max
    typical = f"typ. {format_number(value.typ)}" if value.typ is not None else ""
    if low is not None and high is not None:
        ends = f"{format_number(low)} … {format_number(high)}"
    elif high is not None:
        ends = f"≤ {format_number(high)}"
    elif low is not None:
        ends = f"≥ {format_number(low)}"
    else:
        return typical
    return f"{ends} ({typical})" if typical else ends
