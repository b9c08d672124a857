"""The status of each value: computed from proof, never set by hand."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from docmill.records.checked import CheckedValue

if TYPE_CHECKING:
    from tests.output.conftest import Checker

PAGE = "Input 3.3 V\nOutput 5.0 V\nAgain 3300 mV"
VOLT: dict[str, Any] = {"type": "quantity", "unit": "V"}


def claim(value: Any, quote: str, unit: str | None = "V") -> dict[str, Any]:
    return {"value": value, "unit": unit, "page": 1, "quote": quote}


def rivals(*claims: dict[str, Any], reason: str = "") -> dict[str, Any]:
    return {"u": {"candidates": list(claims), "reason": reason}}


async def one(checker: "Checker", record: dict[str, Any]) -> CheckedValue:
    outcome = await checker.show(PAGE).check(record, {"u": VOLT})
    assert outcome.record is not None
    return outcome.record.values[0]


async def test_values_stand_in_the_order_of_the_fields_with_their_paths(
    checker: "Checker",
) -> None:
    """Rows count from 0, empty lists are remembered, nulls are missing."""
    fields = {
        "rows": {"type": "list", "fields": {"u": VOLT, "note": {"required": False}}},
        "none": {"type": "list", "fields": {"u": VOLT}},
        "last": VOLT,
    }
    record = {
        "last": None,
        "none": [],
        "rows": [{"u": claim("3.3", "3.3 V")}, {"u": None, "note": claim("Input", "Input", None)}],
    }
    outcome = await checker.show(PAGE).check(record, fields)
    assert outcome.record is not None
    assert outcome.errors == ()
    assert outcome.record.rows == {"rows": 2, "none": 0}
    assert [(value.path, value.status, value.required) for value in outcome.record.values] == [
        ("rows[0].u", "verified", True),
        ("rows[0].note", "missing", False),
        ("rows[1].u", "missing", True),
        ("rows[1].note", "verified", False),
        ("last", "missing", True),
    ]
    assert outcome.record.values[0].field == "rows.u"


async def test_a_reading_is_in_normal_form(checker: "Checker") -> None:
    """Decimal, the field's spelling of the unit, confidence as given."""
    value = await one(checker, {"u": {**claim(3.3, "3.3 V"), "confidence": 0.5}})
    assert value.reading is not None
    assert (value.reading.value, value.reading.unit) == (Decimal("3.3"), "V")
    assert value.reading.evidence is not None
    assert value.reading.evidence.confidence == 0.5


async def test_another_unit_is_kept_as_printed(checker: "Checker") -> None:
    """Converting is for checks and reports; the record says what the page says."""
    value = await one(checker, {"u": claim(3300, "3300 mV", "mV")})
    assert value.reading is not None
    assert (value.status, value.reading.unit) == ("verified", "mV")


async def test_rivals_are_all_kept(checker: "Checker") -> None:
    """Two proven candidates are ambiguous, each with its evidence; nothing needs mending."""
    record = rivals(claim("3.3", "3.3 V"), claim("5.0", "5.0 V"), reason="input or\noutput")
    outcome = await checker.show(PAGE).check(record, {"u": VOLT})
    assert outcome.record is not None
    value = outcome.record.values[0]
    assert outcome.errors == ()
    assert (value.status, value.reading, value.reason) == ("ambiguous", None, "input or output")
    assert [reading.value for reading in value.candidates] == [Decimal("3.3"), Decimal("5.0")]
    assert all(reading.evidence and reading.evidence.boxes for reading in value.candidates)


async def test_rivals_that_agree_are_one_value(checker: "Checker") -> None:
    """3.3 V and 3300 mV are the same; there is nothing to choose."""
    value = await one(checker, rivals(claim("3.3", "3.3 V"), claim(3300, "3300 mV", "mV")))
    assert (value.status, value.candidates) == ("verified", ())


async def test_an_unproven_rival_is_dropped_only_beside_two_proven(checker: "Checker") -> None:
    """Dropping one of two would make a choice; dropping one of three leaves the doubt."""
    three = await one(
        checker, rivals(claim("3.3", "3.3 V"), claim("5.0", "5.0 V"), claim("9.9", "9.9 V"))
    )
    two = await one(checker, rivals(claim("3.3", "3.3 V"), claim("9.9", "9.9 V")))
    assert (three.status, len(three.candidates), three.code) == ("ambiguous", 2, "ambiguous")
    assert (two.status, len(two.candidates), two.code) == ("ambiguous", 2, "candidate_unproven")


async def test_an_unproven_rival_is_to_be_mended(checker: "Checker") -> None:
    """The error names the candidate."""
    record = rivals(claim("3.3", "3.3 V"), claim("9.9", "9.9 V"))
    outcome = await checker.show(PAGE).check(record, {"u": VOLT})
    assert [error.path for error in outcome.errors] == ["u.candidates[1]"]


async def test_a_bound_and_a_value_are_rivals(checker: "Checker") -> None:
    """`max. 5 V` and `5 V` are the same number and not the same statement."""
    checker.show("U max. 5 V\nU = 5 V")
    outcome = await checker.check(rivals(claim(5, "max. 5 V"), claim(5, "= 5 V")), {"u": VOLT})
    assert outcome.record is not None
    assert outcome.record.values[0].status == "ambiguous"


async def test_rival_texts_dates_and_ranges_are_compared_by_meaning(checker: "Checker") -> None:
    """Case and spaces make no rivals; another day or another end does."""
    checker.show("Name A B\nName a  b\nDay 2024-01-02\nDay 2. January 2024\nU 1 to 2 V\nU 1 to 3 V")
    fields = {"n": {}, "d": {"type": "date"}, "r": {"type": "range", "unit": "V"}}
    record = {
        "n": {"candidates": [claim("A B", "A B", None), claim("a b", "a b", None)]},
        "d": {
            "candidates": [
                claim("2024-01-02", "2024-01-02", None),
                claim("2024-01-02", "2. January 2024", None),
            ]
        },
        "r": {
            "candidates": [
                claim({"min": 1, "max": 2}, "1 to 2 V"),
                claim({"min": 1, "max": 3}, "1 to 3 V"),
            ]
        },
    }
    outcome = await checker.check(record, fields)
    assert outcome.record is not None
    statuses = [value.status for value in outcome.record.values]
    assert statuses == ["verified", "verified", "ambiguous"]
