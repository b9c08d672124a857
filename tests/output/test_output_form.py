"""The schema check: precise errors for what a model gets wrong, and no record then."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.output.conftest import Checker

FIELDS: dict[str, Any] = {
    "total": {"type": "quantity", "unit": "EUR", "required": False},
    "count": {"type": "integer", "required": False},
    "day": {"type": "date", "required": False},
    "result": {"enum": ["passed", "failed"], "required": False},
    "serial": {"type": "id", "pattern": "[A-Z]{2}[0-9]+", "required": False},
    "span": {"type": "range", "unit": "V", "required": False},
    "rohs": {"type": "boolean", "required": False},
    "lines": {"type": "list", "required": False, "fields": {"amount": {"type": "number"}}},
}

NO_ROW: dict[str, Any] = {}


def claim(value: Any, **more: Any) -> dict[str, Any]:
    return {"value": value, "page": 1, "quote": "x", **more}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "the record has to be an object with the fields total, count"),
        ({"totl": None}, '"totl" is no field; did you mean `total`?'),
        ({"zzz": None}, '"zzz" is no field; known: total, count'),
        ({"total": 12.5}, 'total: 12.5 is no claim; give {"value": …, "page": …, "quote": …}'),
        ({"total": {"value": 1}}, "total: `page` is missing; a claim has value, page and quote"),
        ({"total": claim("1.200,50")}, 'total.value: "1.200,50" is not a plain number'),
        ({"total": claim("12 EUR")}, "the unit goes into `unit`"),
        ({"total": claim(True)}, "total.value: true is not a number and its unit apart"),
        ({"total": claim(float("nan"))}, "total.value: nan is not a number a document states"),
        ({"total": claim("1e999")}, "is beyond any quantity"),
        ({"total": claim(10**300)}, "a number of more than 60 digits"),
        ({"total": claim(["x"])}, "total.value: a list is not a number"),
        ({"total": claim(1, page=0)}, "total.page: input should be greater than or equal to 1"),
        ({"total": claim(1, quote="")}, "total.quote: string should have at least 1 character"),
        ({"total": claim(1, qoute="x")}, '"qoute" is no part of a claim; did you mean `quote`?'),
        ({"total": claim(1, box=[1, 2])}, "total.box"),
        ({"count": claim(1.5)}, "count.value: 1.5 is not a whole number"),
        ({"day": claim("03.04.2024")}, 'day.value: "03.04.2024" is not a date, e.g.'),
        ({"day": claim("2024-02-30")}, "is no day of the calendar"),
        ({"result": claim("pased")}, "is none of: passed, failed; did you mean `passed`?"),
        ({"serial": claim("a1")}, 'serial.value: "a1" doesn\'t match the pattern [A-Z]{2}[0-9]+'),
        ({"serial": claim(" \u200b ")}, "the value is empty; give null if there is none"),
        ({"span": claim("1 to 2")}, "span.value: \"1 to 2\" is not an object, e.g."),
        ({"span": claim({"low": 1})}, '"low": a range has min, typ, max'),
        ({"span": claim({})}, "a range has at least one of min, typ, max"),
        ({"span": claim({"min": 2, "max": 1})}, "a range has min <= typ <= max"),
        ({"rohs": claim("yes")}, 'rohs.value: "yes" is not "value": true or "value": false'),
        ({"lines": {"amount": 1}}, "lines: an object is not a list of rows"),
        ({"lines": [3]}, "lines[0]: 3 is no row; a row is an object with amount"),
        ({"lines": [NO_ROW]}, "lines[0].amount: absent; give null if"),
        ({"lines": [{"amount": None}, {"amonut": 1}]}, 'lines[1]: "amonut" is no field'),
        ({"total": {"candidates": [claim(1)]}}, "total: `candidates` is a list of 2 to 20 claims"),
        ({"total": {"candidates": [claim(1), 2]}}, "total.candidates[1]: 2 is no claim"),
        ({"total": {"candidates": [claim(1), claim(2)], "page": 1}}, '"page" doesn\'t go with'),
        ({"total": {"candidates": [claim(1), claim(2)], "reason": 5}}, "`reason` is a text"),
    ],
)  # fmt: skip
async def test_each_mistake_is_named_with_what_would_be_right(
    checker: "Checker", record: object, message: str
) -> None:
    """The sentence begins with the path, says what is wrong and what to write instead."""
    checker.show("x")
    outcome = await checker.check(record, FIELDS)
    assert outcome.record is None
    assert message in " ".join(error.message for error in outcome.errors)


async def test_all_mistakes_are_reported_at_once(checker: "Checker") -> None:
    """A repair is a model call, so one round names everything."""
    record: dict[str, Any] = {
        "totl": 1,
        "count": claim("x"),
        "day": claim(5),
        "lines": [dict[str, Any](), dict[str, Any]()],
    }
    outcome = await checker.check(record, FIELDS)
    codes = [error.code for error in outcome.errors]
    assert codes == ["unknown_field", "wrong_type", "wrong_type", "absent", "absent"]
    assert [error.path for error in outcome.errors][1:3] == ["count.value", "day.value"]


async def test_an_optional_field_may_be_left_out_a_required_one_not(checker: "Checker") -> None:
    """Leaving out what is required could be forgetfulness; null says the document lacks it."""
    fields = {"a": {}, "b": {"required": False}}
    absent = await checker.check({}, fields)
    null = await checker.check({"a": None}, fields)
    assert [error.path for error in absent.errors] == ["a"]
    assert null.record is not None
    assert [(value.path, value.status) for value in null.record.values] == [
        ("a", "missing"),
        ("b", "missing"),
    ]


async def test_unit_of_a_text_is_ignored(checker: "Checker") -> None:
    """Models fill in `unit: null` or more where it has no meaning; that is no mistake."""
    checked = await checker.value("Grade A", {}, "A", "A", unit="V")
    assert checked.reading is not None
    assert checked.reading.unit is None
