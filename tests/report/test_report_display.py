"""How values, money, time and sizes read."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.records.checked import Reading
from docmill.records.values import Range
from docmill.report import display


@pytest.mark.parametrize(
    ("value", "unit", "qualifier", "expected"),
    [
        (Decimal("5.10"), "V", "=", "5.10\u00a0V"),
        (Decimal("-40"), "°C", "<=", "≤ −40\u00a0°C"),
        (Decimal("1E+3"), None, "~", "≈ 1000"),
        (Decimal("1E+300"), None, "=", "1E+300"),
        (Range(min=Decimal(-40), max=Decimal(85)), "°C", "=", "−40 … 85\u00a0°C"),
        (Range(min=Decimal(1)), None, "=", "≥ 1"),
        (Range(max=Decimal(12)), "mA", "=", "≤ 12\u00a0mA"),
        (Range(min=Decimal(1), typ=Decimal(2)), None, "=", "min 1 · typ 2"),
        (Range(), None, "=", "—"),
        (True, None, "=", "yes"),
        (False, None, "=", "no"),
        (date(2026, 1, 2), None, "=", "2026-01-02"),
        ("0012", None, "=", "0012"),
        (None, None, "=", "—"),
    ],
)
def test_a_value_reads_as_a_person_writes_it(
    value: Any, unit: str | None, qualifier: Any, expected: str
) -> None:
    """All digits stay, the minus is a minus, the unit never stands alone on the next line."""
    reading = Reading(value=value, unit=unit, qualifier=qualifier)
    assert display.reading_text(reading) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_of_a_number_is_lost(number: Decimal) -> None:
    """The text is the number again."""
    assert Decimal(display.number_text(number).replace("\u2212", "-")) == number


@pytest.mark.parametrize(
    ("usd", "unpriced", "expected"),
    [
        ("0", 0, "$0.00"),
        ("0", 3, "unpriced"),
        ("0.00042", 0, "$0.00042"),
        ("0.4123", 0, "$0.412"),
        ("1234.5", 2, "$1,234.50 + unpriced"),
    ],
)
def test_an_unknown_price_is_never_nothing(usd: str, unpriced: int, expected: str) -> None:
    """Free and unpriced are different things."""
    assert display.usd_text(Decimal(usd), unpriced) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.421, "0.42 s"), (59.96, "1 min 00 s"), (12.34, "12.3 s"), (7805, "2 h 10 min")],
)
def test_durations(seconds: float, expected: str) -> None:
    """Three digits are enough."""
    assert display.duration_text(seconds) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (48_000, "48 kB"), (3_200_000_000, "3.2 GB")],
)
def test_sizes(size: int, expected: str) -> None:
    """Decimal units, as file managers show them."""
    assert display.size_text(size) == expected


def test_moments_name_their_zone() -> None:
    """A time without a zone is worth little in a report."""
    assert display.time_text(datetime(2026, 11, 2, 9, 5, tzinfo=UTC)) == "2 Nov 2026, 09:05:00 UTC"
    assert display.time_text(None) == "—"


def test_names_can_hide_nothing() -> None:
    """A file name with a line break or a change of direction shows it."""
    assert display.visible("a\nb\x7f\u202egpj.exe") == "a␊b␡\ufffdgpj.exe"
