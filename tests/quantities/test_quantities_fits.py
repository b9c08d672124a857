"""ISO 286 classes against values published in every handbook."""

from decimal import Decimal

import pytest

from docmill.quantities import QuantityError, fit_deviations, parse_tolerance


@pytest.mark.parametrize(
    ("size", "fit", "lower", "upper"),
    [
        ("25", "H7", "0", "0.021"), ("25", "h7", "-0.021", "0"), ("20", "g6", "-0.020", "-0.007"),
        ("50", "f7", "-0.050", "-0.025"), ("25", "k6", "0.002", "0.015"),
        ("40", "p6", "0.026", "0.042"),
        ("25", "K7", "-0.015", "0.006"), ("60", "N9", "-0.074", "0"),
        ("10", "js9", "-0.018", "0.018"),
        ("25", "N7", "-0.028", "-0.007"), ("25", "P7", "-0.035", "-0.014"),
        ("25", "M7", "-0.021", "0"),
        ("3", "H8", "0", "0.014"), ("3.001", "H8", "0", "0.018"), ("500", "h9", "-0.155", "0"),
        ("50", "r6", "0.034", "0.050"), ("65", "s6", "0.053", "0.072"),
        ("25", "D10", "0.065", "0.149"),
        ("25", "P9", "-0.074", "-0.022"), ("25", "k8", "0", "0.033"),
        ("300", "M6", "-0.041", "-0.009"),
        ("3", "K7", "-0.010", "0"), ("25", "JS7", "-0.0105", "0.0105"),
    ],
)  # fmt: skip
def test_known_deviations(size: str, fit: str, lower: str, upper: str) -> None:
    """Limits of common classes over the whole range of sizes."""
    assert fit_deviations(Decimal(size), fit) == (Decimal(lower), Decimal(upper))


@pytest.mark.parametrize(
    ("size", "fit"), [("25", "z6"), ("501", "h7"), ("0", "h7"), ("25", "h15"), ("25", "K9")]
)
def test_outside_the_tables_is_refused(size: str, fit: str) -> None:
    """A class or size the tables don't hold is an error, not a zero."""
    with pytest.raises(QuantityError) as caught:
        fit_deviations(Decimal(size), fit)
    assert caught.value.code == "fit_unknown"


@pytest.mark.parametrize(
    ("text", "nominal", "unit", "limits"),
    [
        ("±5 %", "200", "V", ("-10", "10")), ("5 %", "200", "V", ("-10", "10")),
        ("± 0.1", "5", "V", ("-0.1", "0.1")), ("±100 mV", "5", "V", ("-0.1", "0.1")),
        ("+0.2/-0.1", "5", "V", ("-0.1", "0.2")), ("0/-0.021", "25", "mm", ("-0.021", "0")),
        ("h7", "25", "mm", ("-0.021", "0")), ("h7", "2.5", "cm", ("-0.0021", "0")),
        ("±5 K", "20", "°C", ("-5", "5")), ("+0,2/-0,1", "5", "V", ("-0.1", "0.2")),
    ],
)  # fmt: skip
def test_tolerance_without_its_nominal(
    text: str, nominal: str, unit: str, limits: tuple[str, str]
) -> None:
    """A tolerance column is read by itself and laid around the nominal value."""
    lower, upper = parse_tolerance(text).around(Decimal(nominal), unit)
    assert (lower, upper) == tuple(map(Decimal, limits))


@pytest.mark.parametrize("text", ["", "five", "±", "±5 % extra", "+0.2/-0.1 V/W X"])
def test_what_is_no_tolerance(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(QuantityError):
        parse_tolerance(text)


def test_tolerance_in_another_unit_is_refused() -> None:
    """A tolerance in ampere has no meaning around volts."""
    with pytest.raises(QuantityError) as caught:
        parse_tolerance("±5 A").around(Decimal(5), "V")
    assert caught.value.code == "unit_conflict"
