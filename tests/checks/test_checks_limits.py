"""Decision rules: acceptance, guard bands, bounds and ranges."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.checks.limits import Guard, Limits, judge_number, judge_range, parse_guard
from docmill.quantities import QuantityError
from docmill.records.checked import Qualifier
from docmill.records.values import Range

NUMBERS = st.decimals(-1000, 1000, places=3)
WIDTHS = st.decimals(0, 100, places=3)


def limits(text: str, guard: str = "0") -> Limits:
    """`4.75..5.25`, `..0.003`, `235..` in some unit."""
    low, high = (Decimal(end) if end else None for end in text.split(".."))
    return Limits(low, high, "V", Decimal(guard))


@pytest.mark.parametrize(
    ("value", "qualifier", "demand", "verdict"),
    [
        ("5", "=", "4.75..5.25", "pass"), ("5.25", "=", "4.75..5.25", "pass"),
        ("5.26", "=", "4.75..5.25", "fail"), ("4.74", "=", "4.75..5.25", "fail"),
        ("235", "=", "235..", "pass"), ("234.9", "=", "235..", "fail"),
        ("5", "~", "4..6", "not_comparable"),
        ("0.001", "<", "..0.003", "pass"), ("0.003", "<", "..0.003", "pass"),
        ("5", "<", "..3", "not_comparable"), ("5", "<=", "..5", "pass"),
        ("235", ">=", "235..", "pass"),
        ("234", ">=", "235..", "not_comparable"), ("3", "<", "4..6", "fail"),
        ("4", "<", "4..6", "fail"),
        ("4", "<=", "4..6", "not_comparable"), ("5", "<", "4..6", "not_comparable"),
        ("7", ">", "4..6", "fail"), ("6", ">", "4..6", "fail"),
        ("6", ">=", "4..6", "not_comparable"),
        ("5", ">", "4..6", "not_comparable"), ("9", ">", "4..", "pass"),
    ],
)  # fmt: skip
def test_stated_value(value: str, qualifier: Qualifier, demand: str, verdict: str) -> None:
    """A limit itself is allowed; a bound passes only where all it allows lies inside."""
    assert judge_number(Decimal(value), qualifier, limits(demand)).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "demand", "verdict"),
    [
        ("-40", "85", "-40..85", "pass"), ("-41", "85", "-40..85", "fail"),
        (None, "12", "..25", "pass"),
        (None, "12", "..10", "fail"), (None, "12", "0..25", "not_comparable"),
        ("5", None, "4..", "pass"),
        ("5", None, "4..9", "not_comparable"), ("3", None, "4..9", "fail"),
        (None, None, "4..", "not_comparable"),
    ],
)  # fmt: skip
def test_stated_range(low: str | None, high: str | None, demand: str, verdict: str) -> None:
    """All of a range lies within the limits; an end that isn't stated proves nothing."""
    stated = Range(
        min=Decimal(low) if low else None, typ=Decimal(1), max=Decimal(high) if high else None
    )
    assert judge_range(stated, limits(demand)).verdict == verdict


@pytest.mark.parametrize(
    ("value", "demand", "guard", "verdict"),
    [
        ("5.24", "4.75..5.25", "0.05", "marginal"), ("5.2", "4.75..5.25", "0.05", "pass"),
        ("5.25", "4.75..5.25", "0.05", "marginal"), ("5.26", "4.75..5.25", "0.05", "fail"),
        ("4.76", "4.75..5.25", "0.05", "marginal"), ("0.0098", "..0.010", "0.0005", "marginal"),
        ("0.0095", "..0.010", "0.0005", "pass"), ("236", "235..", "2", "marginal"),
    ],
)  # fmt: skip
def test_guard_band(value: str, demand: str, guard: str, verdict: str) -> None:
    """Inside, but closer to a limit than the guard band: marginal. Outside stays a fail."""
    finding = judge_number(Decimal(value), "=", limits(demand, guard))
    assert finding.verdict == verdict
    assert finding.message.endswith(".")


@pytest.mark.parametrize(
    ("text", "demand", "unit", "width"),
    [
        ("10 %", "4..6", "V", "0.2"), ("10 %", "..6", "V", "0.6"), ("10 %", "-6..", "V", "0.6"),
        ("20 mV", "4..6", "V", "0.02"), ("2 K", "4..", "°C", "2"), ("0.5", "4..", None, "0.5"),
    ],
)  # fmt: skip
def test_width_of_the_guard_band(text: str, demand: str, unit: str | None, width: str) -> None:
    """A share is one of the tolerance zone,
    of the limit where there is only one; amounts convert."""
    low, high = limits(demand).low, limits(demand).high
    assert Limits(low, high, unit).guarded(parse_guard(text)).guard == Decimal(width)


@pytest.mark.parametrize("text", ["60 %", "-5 %", "-0.1 V", "some", "< 5 %", "±5 %"])
def test_no_guard_band(text: str) -> None:
    """Half of the tolerance or more, negative, or no number at all."""
    with pytest.raises(QuantityError):
        parse_guard(text)


def test_guard_band_that_does_not_fit() -> None:
    """A share of one limit in °C, or an amount in another kind of unit."""
    for guard, unit in ((Guard(Decimal("0.1"), share=True), "°C"), (Guard(Decimal(1), "A"), "V")):
        with pytest.raises(QuantityError):
            Limits(None, Decimal(5), unit).guarded(guard)
    with pytest.raises(QuantityError):
        Limits(None, Decimal(5), "V").guarded(Guard(Decimal(1)))


@pytest.mark.parametrize(
    ("demand", "text"), [("4..6", "4 … 6 V"), ("..6", "≤ 6 V"), ("4..", "≥ 4 V"), ("5..5", "= 5 V")]
)
def test_limits_as_text(demand: str, text: str) -> None:
    """Limits read as on paper."""
    assert str(limits(demand)) == text


@given(NUMBERS, NUMBERS, WIDTHS, WIDTHS)
def test_exactly_one_verdict(value: Decimal, low: Decimal, width: Decimal, guard: Decimal) -> None:
    """Fail outside, marginal near a limit,
    pass elsewhere; a guard band never turns fail into pass."""
    zone = Limits(low, low + width, "V", guard)
    verdict = judge_number(value, "=", zone).verdict
    if not low <= value <= low + width:
        assert verdict == "fail"
    elif min(value - low, low + width - value) < guard:
        assert verdict == "marginal"
    else:
        assert verdict == "pass"


@given(NUMBERS, NUMBERS, WIDTHS, st.sampled_from(["<", "<=", ">", ">="]))
def test_a_bound_is_never_kinder_than_its_worst_case(
    bound: Decimal, low: Decimal, width: Decimal, qualifier: Qualifier
) -> None:
    """If a bound passes, the bound itself would pass; if it fails,
    so would every value it allows."""
    for zone in (Limits(low, None, "V"), Limits(None, low, "V"), Limits(low, low + width, "V")):
        verdict = judge_number(bound, qualifier, zone).verdict
        if verdict == "pass":
            assert judge_number(bound, "=", zone).verdict == "pass"
        if verdict == "fail":
            step = Decimal("0.001") * (-1 if qualifier[0] == "<" else 1)
            assert judge_number(bound + step, "=", zone).verdict == "fail"


@given(NUMBERS, WIDTHS, NUMBERS, WIDTHS)
def test_a_range_passes_where_both_ends_do(
    low: Decimal, width: Decimal, start: Decimal, length: Decimal
) -> None:
    """Containment is both ends inside."""
    zone = Limits(low, low + width, "V")
    verdict = judge_range(Range(min=start, max=start + length), zone).verdict
    ends = {judge_number(end, "=", zone).verdict for end in (start, start + length)}
    assert verdict == ("fail" if "fail" in ends else "pass")
