"""Bounds of a JSON Schema and validators of the user's own model, on plain values."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field, field_validator, model_validator

from docmill.output.shape import Bounds

if TYPE_CHECKING:
    from tests.output.conftest import Checker

PAGE = "Net 100.00 EUR\nTax 20.00 EUR\nTotal 130.00 EUR\nDay 2024-05-06\nPos 7"
EUR: dict[str, Any] = {"type": "quantity", "unit": "EUR"}
FIELDS: dict[str, Any] = {
    "net": EUR,
    "tax": EUR,
    "day": {"type": "date", "required": False},
    "lines": {"type": "list", "required": False, "fields": {"pos": {"type": "integer"}}},
    "span": {"type": "range", "unit": "V", "required": False},
}


class Line(BaseModel):
    """A row."""

    pos: int = Field(le=5)


class Bill(BaseModel):
    """What a user might write."""

    net: Decimal
    tax: Decimal = Field(alias="Tax")
    day: date | None = None
    lines: list[Line] = []
    span: dict[str, Decimal] | None = None

    @field_validator("day")
    @classmethod
    def _recent(cls, day: date | None) -> date | None:
        if day is not None and day.year < 2025:
            raise ValueError("older than 2025")
        return day

    @model_validator(mode="after")
    def _tax(self) -> "Bill":
        if self.tax != self.net / 4:
            raise ValueError("tax has to be a quarter of net")
        return self


class Broken(BaseModel):
    """Its validator has a bug."""

    net: Decimal

    @field_validator("net")
    @classmethod
    def _bug(cls, net: Decimal) -> Decimal:
        missing: dict[str, Decimal] = {}
        return net / missing["rate"]


def claim(value: Any, quote: str, unit: str | None = "EUR") -> dict[str, Any]:
    return {"value": value, "unit": unit, "page": 1, "quote": quote}


def bill(**more: Any) -> dict[str, Any]:
    return {"net": claim("100", "100.00 EUR"), "tax": claim("20", "20.00 EUR"), **more}


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (bill(), (": tax has to be a quarter of net", "")),
        (bill(day=claim("2024-05-06", "2024-05-06", None)), ("older than 2025", "day")),
        (bill(lines=[{"pos": claim(7, "7", None)}]), ("less than or equal to 5", "lines[0].pos")),
        (bill(tax=claim("x", "x")), ("is not a plain number", "tax.value")),
    ],
)
async def test_the_users_model_has_the_last_word_on_form(
    checker: "Checker", record: dict[str, Any], error: tuple[str, str]
) -> None:
    """Its errors carry paths of the record and refuse it, like any error of form."""
    outcome = await checker.show(PAGE).check(record, FIELDS, model=Bill)
    assert outcome.record is None
    assert outcome.errors[0].path == error[1]
    assert error[0].strip(": ") in outcome.errors[0].message


async def test_a_missing_value_is_no_mistake_of_the_model(checker: "Checker") -> None:
    """The document lacks it: that is a status, not something to repair."""
    outcome = await checker.show(PAGE).check(bill(tax=None), FIELDS, model=Bill)
    assert outcome.record is not None
    assert outcome.errors == ()


async def test_a_bug_in_the_users_model_is_reported_as_such(checker: "Checker") -> None:
    """It doesn't take the run down."""
    outcome = await checker.show(PAGE).check({"net": claim("100", "100.00 EUR")}, {"net": EUR})
    assert outcome.errors == ()
    outcome = await checker.check({"net": claim("100", "100.00 EUR")}, {"net": EUR}, model=Broken)
    assert [error.code for error in outcome.errors] == ["model_raised"]
    assert "KeyError" in outcome.errors[0].message


@pytest.mark.parametrize(
    ("field", "value", "bounds", "message"),
    [
        ({"type": "number"}, 5, Bounds(minimum=Decimal(6)), "x: 5 is below the minimum of 6"),
        ({"type": "number"}, 5, Bounds(maximum=Decimal(4)), "x: 5 is above the maximum of 4"),
        ({"type": "number"}, 5, Bounds(exclusive_minimum=Decimal(5)), "x: 5 is not above 5"),
        ({"type": "number"}, 5, Bounds(exclusive_maximum=Decimal(5)), "x: 5 is not below 5"),
        ({}, "abc", Bounds(min_length=4), "x: 3 characters; at least 4"),
        ({}, "abc", Bounds(max_length=2), "x: 3 characters; at most 2"),
        (EUR, 5, Bounds(minimum=Decimal(5), maximum=Decimal(5)), ""),
    ],
)
async def test_bounds_of_a_schema_hold(
    checker: "Checker", field: dict[str, Any], value: object, bounds: Bounds, message: str
) -> None:
    """Inclusive, exclusive, of numbers and of lengths."""
    checker.show("5 EUR abc")
    quote = "abc" if value == "abc" else "5 EUR"
    outcome = await checker.check({"x": claim(value, quote)}, {"x": field}, bounds={"x": bounds})
    assert [error.message for error in outcome.errors] == ([message] if message else [])


async def test_bounds_count_in_the_unit_of_the_field(checker: "Checker") -> None:
    """A maximum of 5 V isn't broken by 3300 mV."""
    record = {"x": claim(3300, "3300 mV", "mV")}
    field = {"type": "quantity", "unit": "V"}
    bounds = {"x": Bounds(maximum=Decimal(5))}
    outcome = await checker.show("U 3300 mV").check(record, {"x": field}, bounds=bounds)
    assert outcome.errors == ()


async def test_rows_are_counted(checker: "Checker") -> None:
    """`minItems` and `maxItems` of a list."""
    fields = {"rows": {"type": "list", "fields": {"x": {"required": False}}}}
    bounds = {"rows": Bounds(min_items=1)}
    outcome = await checker.check({"rows": []}, fields, bounds=bounds)
    assert [error.message for error in outcome.errors] == ["rows: 0 rows; at least 1"]


async def test_a_range_reaches_the_model_as_its_ends(checker: "Checker") -> None:
    """Open ends are left out, the rest is in the field's unit."""
    span = {"value": {"max": 2}, "unit": "V", "page": 1, "quote": "max. 2 V"}
    record = bill(net=claim("80", "80.00 EUR"), span=span)
    page = "Net 80.00 EUR\nTax 20.00 EUR\nU max. 2 V"
    outcome = await checker.show(page).check(record, FIELDS, model=Bill)
    assert outcome.errors == ()
