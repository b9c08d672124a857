"""The expression language: what it says, what it refuses when compiling, what it leaves open."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.checks.expressions import Expression, ExpressionError
from docmill.checks.view import RecordView, Unproven
from docmill.records.checked import CheckedRecord, CheckedValue, Reading
from docmill.spec.fields import Field

MakeRecord = Callable[..., CheckedRecord]

INVOICE: dict[str, object] = {
    "net": "100 EUR", "tax_rate": "19 %", "total": "119.00 EUR", "pieces": 7,
    "grade": "text:S235JR",
    "number": "text:RE 2024-0815", "product": "text:Steel  plate", "passed": True,
    "issued": date(2024, 6, 3), "due": date(2024, 7, 3), "ambient": "25 °C", "thickness": "0.5 in",
    "operating": "-40..85 °C", "voltage": None, "weight": "12 kg",
    "lines": [
        {"quantity": 3, "price": "20 EUR", "amount": "60 EUR"},
        {"quantity": 2, "price": "20.005 EUR", "amount": "40.01 EUR"},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("abs(sum(lines.amount) - net) <= 0.01 EUR", True), ("sum(lines.amount) == net", False),
        ("net * (1 + tax_rate) == total", True), ("net + net * tax_rate == total", True),
        ("total / net > 1.18 and total / net < 1.2", True), ("total / net == 119 %", None),
        ("all(lines, quantity * price == amount)", True), ("any(lines, amount > 50 EUR)", True),
        ("sum(lines, quantity * price) == 100.01 EUR", True), ("count(lines) == 2", True),
        ("count(lines, amount > 50 EUR) == 1", True), ("count(lines.amount) == 2", True),
        ("max(lines.amount) == 60 EUR", True), ("min(lines.price, ) == 20 EUR", True),
        ("mean(lines.quantity) == 2.5", True), ("max(net, total, 5 EUR) == total", True),
        ("round(net / 3, 2) == 33.33 EUR", True), ("round(2.5) == 3", True),
        ("due - issued == 30 days", True), ("days(due - issued) <= 30", True),
        ("due <= issued + 30 d", True), ("issued == due - 30 d", True),
        ("issued >= date('2024-01-01')", True), ("due == days(30) + issued", True),
        ("abs(ambient - 23 °C) <= 5 K", True), ("ambient + 5 K == 30 °C", True),
        ("ambient - 5 K == 20 °C", True), ("ambient == 77 °F", True), ("ambient <= -20 °C", False),
        ("5 K + ambient == 30 °C", True), ("thickness < 16 mm", True),
        ("thickness == 12.7 mm", True),
        ("thickness > 0 and thickness > 0.1 in", True), ("thickness * thickness < 200 mm²", True),
        ("operating.min <= -25 °C and operating.max >= 60 °C", True), ("pieces == 7", True),
        ("-pieces < +pieces", True), ("pieces != 7 or passed", True), ("not passed", False),
        ("passed == true", True), ('grade == "S235JR"', True),
        ('grade in ("S235JR", "S355J2")', True),
        ('grade not in ["S355J2"]', True), ('number == "re2024-0815"', True),
        ('product == "Steel plate"', True), ("present(net) and missing(voltage)", True),
        ("0 < pieces <= 7", True), ("pieces ≤ 7 and pieces ≥ 7 and pieces ≠ 8", True),
        ("pieces == (7 if passed else 8)", True), ("weight < 20 kg", True),
        ("12 pcs * 3 EUR == 36 EUR", True), ("36 EUR / 12 pcs == 3 EUR/pcs", True),
        ("1 / 50 Hz == 0.02 1/Hz", True), ("100 EUR / 25 % == 400 EUR", True),
        ("20 % + 1 == 1.2", True), ("5 V * 2 A == 10 W", True), ("5 V * 2 A > 3 VA", None),
        ("net > 0", True),
    ],
)  # fmt: skip
def test_truth(text: str, truth: bool | None, record: MakeRecord, fields: dict[str, Field]) -> None:
    """Arithmetic keeps units, dates give days, rows are entered by name."""
    view = RecordView(record(**INVOICE), fields)
    if truth is None:
        with pytest.raises(ExpressionError):
            Expression(text, fields)
    else:
        assert Expression(text, fields).test(view) is truth


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("thicknes > 5 mm", 1, "did you mean `thickness`"),
        ("1 < 2 and tota > 1 EUR", 11, "`total`"),
        ("lines.amont > 1", 1, "did you mean `amount`"), ("foo(1) > 1", 1, "is no function"),
        ("thickness > 5", 1, "5 has no unit beside mm"), ("thickness > 5 kg", 1, "kg and mm"),
        ("ambient > 0", 1, "no unit beside °C"), ("ambient + ambient > 5 °C", 1, "can't be added"),
        ("abs(ambient - 23 °C) <= 5 °C", 1, "with K"), ("net + ambient > 0", 1, "EUR and °C"),
        ('grade == "S235"', 1, "none of the field's values"), ("grade == 5", 1, "never equal"),
        ("issued > 5", 1, "no order"), ("issued + net > issued", 1, "different things"),
        ("issued + 1.5 d > issued", 1, "whole number of days"), ("net", 1, "true or false"),
        ("net and passed", 1, "neither true nor false"), ("-grade == 1", 1, "negate"),
        ("lines.amount > 5 EUR", 1, "stands for many values"),
        ("sum(lines) > 5 EUR", 1, "each row"),
        ("operating > 5 °C", 1, "has ends"), ("operating.mean > 5 °C", 1, "no .mean"),
        ("net.min > 5 EUR", 1, "only ranges"), ("all(net, true)", 1, "takes a list field"),
        ("count(net) > 1", 1, "takes a list field"), ("abs() > 1", 1, "doesn't take 0 arguments"),
        ("round(net, 1 EUR) > 1 EUR", 1, "places"), ("round(grade) == 1", 1, "round()"),
        ("date('soon') > issued", 1, "no date"), ("date(5) > issued", 1, "write a date"),
        ("days(issued) > 5", 1, "days()"), ("sum(heats.heat) > 5", 1, "can't add"),
        ("sum(heats.sample) > 5 mm", 5, "holds ranges"), ("net in 5 EUR", 1, "in brackets"),
        ("(net, 5 EUR) == net", 1, "behind `in`"), ("1 +", 1, "no expression"),
        ("", 1, "no expression"),
        ("net ** 2 > 1", 1, "isn't part"), ("net @ 2 > 1", 5, "no meaning"),
        ("'a", 1, "no meaning"),
        ("lambda: 1", 7, "no meaning"), ("__import__('os')", 1, "no name of a field"),
        ("net.__class__ == 1", 5, "no name"), ("lines[0].amount > 1 EUR", 1, "isn't part"),
        ("abs(x=1) > 1", 6, "no meaning"), ("net.foo(1) > 1", 1, "only the functions"),
        ("(" * 40 + "1" + ")" * 40, 26, "nested too deeply"), ("-" * 400 + "1 > 0", 1, "too long"),
        ("1 > 0 " * 500, 1, "2000 characters"), ("5 mm/s² / 3 EUR > 2 m", 1, ""),
        ("pieces == 5 if passed else net == 3 kg", 28, "kg and EUR"), ("due + issued > due", 1, ""),
    ],
)  # fmt: skip
def test_mistakes_are_found_when_compiling(
    text: str, column: int, part: str, fields: dict[str, Field]
) -> None:
    """Names, types, units and forms outside of the language: told with the column."""
    with pytest.raises(ExpressionError) as caught:
        Expression(text, fields)
    assert part in caught.value.message + caught.value.remedy
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("voltage > 5 V", "missing", "`voltage` is missing"),
        ("thickness > 5 mm", "not_comparable", "not proven: the quote"),
        ("yield_strength > 5 MPa", "not_comparable", "ambiguous: 5 MPa, 6 MPa"),
        ("net > 5 EUR", "not_comparable", "≤ 9 EUR only"),
        ("weight > 5 kg", "not_comparable", "kg"),
        ("total > 5 EUR", "not_comparable", "without a unit"),
        ("operating.max > 5 °C", "missing", "max"),
        ("sum(lines.amount) > 5 EUR", "missing", "`lines[1].amount` is missing"),
        ("all(lines, amount > 5 EUR)", "missing", "lines[1]"),
        ("sum(heats.c) < 1 %", "missing", "no rows"),
        ("all(heats, c < 1 %)", "missing", "no rows"),
        ("sum(heats, c) < 1 %", "missing", "no rows"),
        ("10 / (pieces - pieces) > 1", "not_comparable", "division by zero"),
        ("passed and voltage > 5 V", "missing", "voltage"),
        ("count(lines.price) > 0", "not_comparable", ""),
        ("tax_rate < 5 %", "not_comparable", "unknown unit"),
        ("present(thickness)", "not_comparable", ""),
    ],
)  # fmt: skip
def test_unproven_values_leave_it_open(
    text: str, verdict: str, reason: str, record: MakeRecord, fields: dict[str, Field]
) -> None:
    """What isn't proven, or is in the wrong unit, never makes a statement true."""
    view = RecordView(
        record(
            voltage=None, thickness="?6 mm", yield_strength=["5 MPa", "6 MPa"], net="<= 9 EUR",
            weight="5 V", total="6", operating="1.. °C", pieces=1, passed=True, tax_rate="1 foo",
            lines=[{"amount": "6 EUR", "price": ["1 EUR", "2 EUR"]}, {"amount": None}], heats=[],
        ),
        fields,
    )  # fmt: skip
    with pytest.raises(Unproven) as caught:
        Expression(text, fields).test(view)
    assert caught.value.verdict == verdict
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("pieces == 2 and voltage > 5 V", False), ("voltage > 5 V or pieces == 1", True),
        ("all(lines, amount < 5 EUR)", False), ("any(lines, amount > 5 EUR)", True),
        ("pieces == 1 if pieces == 1 else voltage > 1 V", True), ("missing(voltage)", True),
        ("count(lines) == 2 and count(lines.amount) == 1", True), ("count(heats) == 0", True),
    ],
)  # fmt: skip
def test_one_side_can_decide(
    text: str, truth: bool, record: MakeRecord, fields: dict[str, Field]
) -> None:
    """`false and unknown` is false; a row that fails fails the whole."""
    rows = [{"amount": "6 EUR"}, {"amount": None}]
    view = RecordView(record(pieces=1, voltage=None, lines=rows, heats=[]), fields)
    assert Expression(text, fields).test(view) is truth


def test_fields_may_have_the_names_of_python_words() -> None:
    """A field called `class` or `from` is a field."""
    fields = {"class": Field(), "from": Field(type="date")}
    expression = Expression("class == 'A' and from > date('2024-01-01')", fields)
    readings = {"class": Reading(value="A"), "from": Reading(value=date(2024, 2, 1))}
    values = (CheckedValue(path=p, status="verified", reading=r) for p, r in readings.items())
    assert expression.test(RecordView(CheckedRecord(values=tuple(values)), fields)) is True


@given(
    st.text(
        st.sampled_from("abcnetlines.()+-*/<>=! ,0159%€°Cmµ\"'and or not\n[]{}:;\\_"), max_size=60
    )
)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    """Whatever stands in the YAML, nothing but a refusal comes out."""
    kinds: dict[str, Any] = {"net": {"type": "quantity", "unit": "EUR"}}
    fields = {name: Field.model_validate(kind) for name, kind in kinds.items()}
    try:
        Expression(text, fields)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017 - refusing is allowed
