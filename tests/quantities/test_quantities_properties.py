"""Properties that hold for every number, unit and text, not only for the examples."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.quantities import (
    DecimalMark,
    QuantityError,
    convert,
    detect_decimal,
    find_dates,
    find_quantities,
    numbers_equal,
    parse_number,
    parse_quantity,
)

DECIMALS = st.decimals(-9_999_999, 9_999_999, places=4).map(lambda value: value + 0)
CONVENTIONS: list[tuple[str, DecimalMark]] = [
    (",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("\u202f", ","), ("", "."),
    ("", ","),
]  # fmt: skip
UNITS = ["mm", "V", "MPa", "°C", "%", "EUR", "kΩ", "µA", "N/mm²", "°C/W", "kg/m³"]
MARKS = "0123456789.,-+±<>≤%°CVmMAµ()[]/ x·⁻³€$'\"~\n…toismax"


def printed(value: Decimal, group: str, mark: DecimalMark) -> str:
    """The number as a document of that convention prints it."""
    text = f"{value:,.4f}" if group else f"{value:.4f}"
    return text.replace(",", "\0").replace(".", mark).replace("\0", group)


@given(DECIMALS, st.sampled_from(CONVENTIONS))
def test_every_convention_is_read_back(value: Decimal, convention: tuple[str, DecimalMark]) -> None:
    """With the decimal mark known, what was printed is what is read."""
    group, mark = convention
    assert parse_number(printed(value, group, mark), mark) == value


@given(DECIMALS, st.sampled_from(CONVENTIONS), st.integers(0, 4))
def test_never_a_wrong_reading(
    value: Decimal, convention: tuple[str, DecimalMark], places: int
) -> None:
    """Without the decimal mark a number is read as it was meant, or refused."""
    group, mark = convention
    value = round(value, places)
    text = f"{value:,.{places}f}" if group else f"{value:.{places}f}"
    text = text.replace(",", "\0").replace(".", mark).replace("\0", group)
    try:
        read = parse_number(text)
    except QuantityError as error:
        assert error.code == "ambiguous_separator"  # noqa: PT017 - refusing is allowed
    else:
        assert read == value


@given(DECIMALS, st.sampled_from(UNITS), st.sampled_from(["", " ", "\u00a0"]))
def test_value_and_unit_are_read_back(value: Decimal, unit: str, gap: str) -> None:
    """Number and unit survive printing with any gap, alone and in a sentence."""
    text = f"{value:.4f}{gap}{unit}"
    parsed = parse_quantity(text, decimal=".")
    assert (parsed.value, parsed.unit) == (value, unit)
    found = find_quantities(f"value: {text}, next", decimal=".")
    assert [(span.parsed.value, span.parsed.unit) for span in found] == [(value, unit)]


@given(DECIMALS, DECIMALS, st.sampled_from([" to ", "...", " - ", " bis ", "…"]))
def test_intervals_are_read_back(a: Decimal, b: Decimal, joint: str) -> None:
    """Two ends in ascending order come back; in descending order they are refused."""
    text = f"{a:.4f}{joint}{b:.4f} V"
    if a <= b:
        parsed = parse_quantity(text, decimal=".")
        assert (parsed.low, parsed.high, parsed.unit) == (a, b, "V")
    else:
        with pytest.raises(QuantityError):
            parse_quantity(text, decimal=".")


@given(DECIMALS, st.decimals(0, 1000, places=3))
def test_tolerances_enclose_their_nominal(nominal: Decimal, deviation: Decimal) -> None:
    """Limits lie around the nominal value, and relative ones scale with its size."""
    absolute = parse_quantity(f"{nominal:.4f} V ± {deviation:.3f} V", decimal=".")
    assert (absolute.low, absolute.high) == (nominal - deviation, nominal + deviation)
    share = parse_quantity(f"{nominal:.4f} V ± {deviation:.3f} %", decimal=".")
    assert share.low is not None
    assert share.high is not None
    assert share.low <= nominal <= share.high


@given(st.text(st.sampled_from(MARKS), max_size=60))
@settings(max_examples=400)
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever a document holds, nothing but a refusal comes out, and spans are in order."""
    position = 0
    for span in find_quantities(text):
        assert span.start >= position
        assert text[span.start : span.end] == span.parsed.raw
        position = span.end
    try:
        parse_quantity(text)
    except QuantityError as error:
        assert error.code  # noqa: PT017 - refusing is allowed


@pytest.mark.parametrize(
    "piece",
    ["1", "1,", "1 ", "1 222 ", "max ", "-", "(", "5 V ± ", "a-", "[%]", "1.5 x 10", "m·", "< ",
     '5"', "1/", " ", "jan ", "1 jan ", "€ ", "5<a<", "± 5 ", "12.12.", "5 m·", "1'", "10⁻"],
)  # fmt: skip
def test_hostile_text_costs_linear_time(piece: str) -> None:
    """Four times the text takes about four times as long, not sixteen times."""

    def cost(size: int) -> float:
        text = piece * (size // len(piece))
        start = time.process_time()
        find_quantities(text)
        find_dates(text)
        detect_decimal([text])
        return time.process_time() - start

    cost(2_000)
    assert cost(20_000) < 10 * cost(5_000) + 0.1


@given(DECIMALS, st.sampled_from([("mm", "in"), ("°C", "°F"), ("K", "°C"), ("psi", "bar"),
                                  ("%", "ppm"), ("km/h", "m/s"), ("kWh", "MJ"),
                                  ("°", "rad")]))  # fmt: skip
def test_conversion_there_and_back(value: Decimal, pair: tuple[str, str]) -> None:
    """Converting there and back returns the value up to the 20th digit."""
    back = convert(convert(value, *pair), pair[1], pair[0])
    assert abs(back - value) <= Decimal("1E-12")


def test_numbers_equal_ignores_conversion_noise_only() -> None:
    """Trailing zeros and the last digits of a conversion don't matter; a real digit does."""
    assert numbers_equal(Decimal("0.1500"), Decimal("0.15"))
    assert numbers_equal(Decimal("1.00000000000001"), Decimal(1))
    assert not numbers_equal(Decimal("1.000001"), Decimal(1))
    assert not numbers_equal(Decimal("NaN"), Decimal("NaN"))
