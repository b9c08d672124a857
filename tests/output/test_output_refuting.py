"""Complaints held against the document: what code can refute doesn't count."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.documents.layout import Page, Word
from docmill.events import CriterionVerdict
from docmill.output.pagetext import DocumentText
from docmill.output.refuting import Ruling, rule_on
from docmill.records.checked import CheckedRecord, CheckedValue, Reading
from docmill.spec.fields import Field

if TYPE_CHECKING:
    from conftest import Checker  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

PAGE = """\
Report 17 of 31.03.2024
Output voltage  3.30 V
Limit  5 V
Load  250 mA
Result  passed
Serial number  AB-12
Item  Amount
Bolt  1.50
Nut  2.50
Washer  3.50"""
FIELDS: dict[str, Any] = {
    "voltage": {"type": "quantity", "unit": "V", "aliases": ["Output voltage"]},
    "current": {"type": "quantity", "unit": "A", "required": False},
    "issued": {"type": "date"},
    "result": {"type": "text", "enum": {"passed": [], "failed": []}},
    "serial": {"type": "id", "aliases": ["Serial number"]},
    "batch": {"type": "id", "required": False, "aliases": ["Batch"]},
    "lines": {"type": "list", "fields": {"item": {}, "amount": {"type": "number"}}},
}
RECORD: dict[str, Any] = {
    "voltage": {"value": "3.30", "unit": "V", "page": 1, "quote": "3.30 V"},
    "current": None,
    "issued": {"value": "2024-03-31", "page": 1, "quote": "31.03.2024"},
    "result": {"value": "passed", "page": 1, "quote": "passed"},
    "serial": {"value": "AB-12", "page": 1, "quote": "AB-12"},
    "batch": None,
    "lines": [
        {
            "item": {"value": name, "page": 1, "quote": name},
            "amount": {"value": amount, "page": 1, "quote": amount},
        }
        for name, amount in (("Bolt", "1.50"), ("Nut", "2.50"))
    ],
}


async def ruled(checker: "Checker", path: str, quote: str, page: int = 1) -> Ruling:
    """The ruling on a complaint about the record."""
    checker.show(PAGE)
    outcome = await checker.check(RECORD, FIELDS)
    assert outcome.record is not None
    assert not outcome.errors
    complaint = CriterionVerdict(criterion="c", met=False, path=path, page=page, quote=quote)
    fields = {name: Field.model_validate(each) for name, each in FIELDS.items()}
    return rule_on(complaint, outcome.record, fields, DocumentText(checker.pages))


@pytest.mark.parametrize(
    ("path", "quote"),
    [
        ("voltage", "5 V"),
        ("voltage", "Limit 5 V"),
        ("current", "250 mA"),
        ("serial", "Report 17"),
        ("batch", "Report 17"),
        ("lines[2]", "Washer 3.50"),
        ("lines", "Washer"),
        ("lines[2].amount", "3.50"),
    ],
)
async def test_a_quote_that_states_something_else_counts(
    checker: "Checker", path: str, quote: str
) -> None:
    """Another value, one where the record has none, or a row that nobody took."""
    ruling = await ruled(checker, path, quote)
    assert ruling.upheld, ruling.reason
    assert ruling.boxes


@pytest.mark.parametrize(
    ("path", "quote", "reason"),
    [
        ("voltage", "3.30 V", "says what the record says"),
        ("voltage", "Output voltage 3.30 V", "says what the record says"),
        ("voltage", "Output voltage", "states no other"),
        ("voltage", "250 mA", "states no other"),
        ("voltage", "Result", "states no other"),
        ("current", "5 V", "states no value"),
        ("issued", "Report 17 of 31.03.2024", "says what the record says"),
        ("issued", "Report 17", "states no other"),
        ("result", "passed", "says what the record says"),
        ("result", "Limit", "states no other"),
        ("serial", "Serial number AB-12", "says what the record says"),
        ("serial", "AB", "says what the record says"),
        ("serial", "Serial number", "states no other"),
        ("lines[0].amount", "Bolt 1.50", "says what the record says"),
        ("lines[5]", "Nut 2.50", "stands at its quote"),
        ("lines", "Bolt", "stands at its quote"),
        ("colour", "Limit", "no value of the record"),
        ("", "Limit", "names no value"),
        ("voltage", "", "quotes nothing"),
        ("voltage", " | ", "quotes nothing"),
        ("voltage", "9 V", "not on page 1"),
    ],
)
async def test_a_quote_that_proves_nothing_new_does_not_count(
    checker: "Checker", path: str, quote: str, reason: str
) -> None:
    """The ruling says why."""
    ruling = await ruled(checker, path, quote)
    assert not ruling.upheld
    assert reason in ruling.reason


async def test_a_quote_counts_on_the_page_it_names_only(checker: "Checker") -> None:
    """There is no page 2."""
    assert "not on page 2" in (await ruled(checker, "voltage", "5 V", page=2)).reason


async def test_a_quote_of_half_a_page_says_too_much(checker: "Checker") -> None:
    """Nothing follows from it."""
    words = " ".join(f"w{number}" for number in range(100))
    checker.show(words)
    outcome = await checker.check({"x": None}, {"x": {"required": False}})
    assert outcome.record is not None
    complaint = CriterionVerdict(criterion="c", met=False, path="x", page=1, quote=words)
    ruling = rule_on(complaint, outcome.record, {"x": Field()}, DocumentText(checker.pages))
    assert not ruling.upheld
    assert "too much" in ruling.reason


WORDS = tuple(
    Word(text, 50.0 * number, 20, 50.0 * number + 40, 30)
    for number, text in enumerate(("Output", "voltage", "3.30", "V", "5", "V", "AB-12"))
)
PATHS = st.sampled_from([*FIELDS, "lines[0].amount", "lines[9]", ".", "[", "a.b[0]"])


@given(
    st.text(max_size=20) | PATHS,
    st.text(max_size=30) | st.sampled_from([word.text for word in WORDS]),
    st.integers(-1, 2) | st.integers(),
    st.sampled_from(["verified", "missing"]),
)
def test_whatever_a_grader_says_gets_a_ruling(
    path: str, quote: str, page: int, status: Any
) -> None:
    """Its words are untrusted: no page, path or quote breaks anything, and a reason is given."""
    fields = {name: Field.model_validate(each) for name, each in FIELDS.items()}
    held = Reading(value=Decimal("3.30"), unit="V") if status == "verified" else None
    values = tuple(
        CheckedValue(path=name, status=status, reading=held)
        for name in ("voltage", "current", "lines[0].amount")
    )
    document = DocumentText([Page(1, 595, 842, WORDS)])
    complaint = CriterionVerdict(criterion="c", met=False, path=path, page=page, quote=quote)
    ruling = rule_on(complaint, CheckedRecord(values=values, rows={"lines": 1}), fields, document)
    assert ruling.reason
    assert not ruling.upheld or ruling.boxes


async def test_one_of_the_rivals_of_an_ambiguous_value_is_nothing_new(checker: "Checker") -> None:
    """The record says already that the page says both; a third value would be new."""
    checker.show("Mass 5 kg\nWeight 7 kg\nGross 9 kg")
    claims = [
        {"value": amount, "unit": "kg", "page": 1, "quote": f"{amount} kg"} for amount in ("5", "7")
    ]
    fields = {"mass": {"type": "quantity", "unit": "kg"}}
    outcome = await checker.check({"mass": {"candidates": claims}}, fields)
    assert outcome.record is not None
    parsed = {"mass": Field.model_validate(fields["mass"])}
    for quote, upheld in (("7 kg", False), ("9 kg", True)):
        complaint = CriterionVerdict(criterion="c", met=False, path="mass", page=1, quote=quote)
        document = DocumentText(checker.pages)
        assert rule_on(complaint, outcome.record, parsed, document).upheld is upheld
