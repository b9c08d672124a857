"""The grammar of quantities, as a table of what documents print and what it means."""

from decimal import Decimal

import pytest

from docmill.quantities import Parsed, QuantityError, find_quantities, parse_quantity


def show(parsed: Parsed) -> str:
    """A short form for tables: kind, qualifier and numbers."""
    unit = f" {parsed.unit}" if parsed.unit else ""
    match parsed.kind:
        case "exact":
            return f"{'' if parsed.qualifier == '=' else '~'}{parsed.value}{unit}"
        case "bounded":
            return f"{parsed.qualifier}{parsed.value}{unit}"
        case "interval":
            left = "[" if parsed.low_inclusive else "]"
            right = "]" if parsed.high_inclusive else "["
            return f"{left}{parsed.low} {parsed.high}{right}{unit}"
        case "toleranced":
            return f"{parsed.nominal} {parsed.lower}/{parsed.upper}{unit}"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("12 mA", "12 mA"), ("12mA", "12 mA"), ("[%]0.1500", "0.1500 %"), ("[%] 0.15", "0.15 %"),
        ("(MPa) 510", "510 MPa"), ("−5 V", "-5 V"), ("\u2212 5 V", "-5 V"), ("–40 °C", "-40 °C"),
        ("+5", "5"), ("1 200,50 EUR", "1200.50 EUR"), ("€ 1.200,50", "1200.50 EUR"),
        ("€-5", "-5 EUR"), ("1'200.50 CHF", "1200.50 CHF"), ("1’200.50 CHF", "1200.50 CHF"),
        ("1\u202f200,50 EUR", "1200.50 EUR"), ("1,234,567", "1234567"), ("US$ 5", "5 USD"),
        ("$5", "5 $"), ("27 ppm", "27 ppm"), ("1.5 x 10^-3", "0.0015"), ("1.5E-3", "0.0015"),
        ("1.5·10⁻³", "0.0015"), ("10⁻³ Pa", "0.001 Pa"), ("~5", "~5"), ("ca. 5 mm", "~5 mm"),
        ("5 mA typ.", "5 mA"), ("12 V DC", "12 V"), ("-20 Celsius", "-20 °C"), ('5"', "5 in"),
        ("210 HV10", "210 HV10"), ("1500 min-1", "1500 1/min"), ("1.5 °C/W", "1.5 °C/W"),
        ("0,05 mm.", "0.05 mm"), ("3 Stk.", "3 pcs"), ("5\uf06dm", "5 µm"), ("47 kOhm", "47 kΩ"),
    ],
)  # fmt: skip
def test_exact(text: str, meaning: str) -> None:
    """One number with or without a unit, whichever way it is spelt."""
    assert show(parse_quantity(text)) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("max. 12 mA", "<=12 mA"), ("12 mA max.", "<=12 mA"), ("12 mA (max)", "<=12 mA"),
        ("≤ 12 mA max.", "<=12 mA"), ("min. 3", ">=3"), ("≥ 235 MPa", ">=235 MPa"),
        ("< 0.001 %", "<0.001 %"), (">= 5", ">=5"), ("mind. 5 mm", ">=5 mm"),
        ("höchstens 3 %", "<=3 %"), ("up to 5 V", "<=5 V"), ("au moins 5 mm", ">=5 mm"),
        ("nie więcej niż 5 mm", "<=5 mm"), ("ab 5 V", ">=5 V"), ("bis 5 V", "<=5 V"),
        ("do 5 V", "<=5 V"), ("od 5 V", ">=5 V"), ("max. 5 min", "<=5 min"), ("= 5 V max", None),
        ("≤ - 5 °C", "<=-5 °C"),
    ],
)  # fmt: skip
def test_bounded(text: str, meaning: str | None) -> None:
    """A limit says which side it is on, in six languages."""
    if meaning is None:
        with pytest.raises(QuantityError):
            parse_quantity(text)
    else:
        assert show(parse_quantity(text)) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("−40 to +85 °C", "[-40 85] °C"), ("-40...85°C", "[-40 85] °C"),
        ("-40-85 °C", "[-40 85] °C"),
        ("-55 °C ≤ TJ ≤ +150 °C", "[-55 150] °C"), ("0 < x < 5", "]0 5["),
        ("10–20 mm", "[10 20] mm"),
        ("10 - 20 mm", "[10 20] mm"), ("2.7V~5.5V", "[2.7 5.5] V"), ("von 3 bis 5 V", "[3 5] V"),
        ("between 3 and 5 V", "[3 5] V"), ("3 à 5 mm", "[3 5] mm"), ("od 3 do 5 mm", "[3 5] mm"),
        ("> 16 ≤ 40 mm", "]16 40] mm"), ("> 5 to 10 mm", "]5 10] mm"),
        ("min. 4.5 V, max. 5.5 V", "[4.5 5.5] V"), ("4.5 V min 5.5 V max", "[4.5 5.5] V"),
        ("500 mA to 1 A", "[500 1E+3] mA"), ("10 … 20 %", "[10 20] %"), ("10-20", "[10 20]"),
    ],
)  # fmt: skip
def test_interval(text: str, meaning: str) -> None:
    """Two ends, in one unit, with or without the ends themselves."""
    assert show(parse_quantity(text)) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("3.3 V ± 5 %", "3.3 -0.165/0.165 V"), ("5.0 ± 0.1 V", "5.0 -0.1/0.1 V"),
        ("5 V +0.2/-0.1 V", "5 -0.1/0.2 V"), ("5 V -0.1/+0.2 V", "5 -0.1/0.2 V"),
        ("5 V +0.2 -0.1 V", "5 -0.1/0.2 V"), ("230 V +10 %/-15 %", "230 -34.50/23.00 V"),
        ("25 +0.021/0 mm", "25 0/0.021 mm"), ("25 0/-0.021 mm", "25 -0.021/0 mm"),
        ("(5.0 ± 0.1) V", "5.0 -0.1/0.1 V"), ("5 V (±5 %)", "5 -0.25/0.25 V"),
        ("20 °C ± 5 K", "20 -5/5 °C"), ("20 °C ± 5 °C", "20 -5/5 °C"),
        ("5 V ± 100 mV", "5 -0.100/0.100 V"),
        ("(50 ± 5) %", "50 -5/5 %"), ("±5 %", "None -5/5 %"), ("5 V +/- 0.1 V", "5 -0.1/0.1 V"),
        ("Ø 25 h7", "25 -0.021/0 mm"), ("25 H7", "25 0/0.021 mm"),
        ("25 mm js9", "25 -0.026/0.026 mm"),
        ("-5 V ± 10 %", "-5 -0.50/0.50 V"),
    ],
)  # fmt: skip
def test_toleranced(text: str, meaning: str) -> None:
    """A nominal value with deviations: absolute, per cent, one-sided, or by ISO 286 class."""
    assert show(parse_quantity(text)) == meaning


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1,234", "ambiguous_separator"), ("5.000 kg", "ambiguous_separator"),
        ("1.2.3", "bad_number"), ("23.10.2018", "bad_number"), ("12,34,567", "bad_number"),
        ("M8", "identifier"), ("8x", "identifier"), ("1/2", "identifier"),
        ("2018-10-23", "identifier"),
        ("200x150x6", "identifier"), ("1.25(5) V", "identifier"), ("5 x 103", "ambiguous_power"),
        ("10²", "superscript"), ("50 ± 5 %", "ambiguous_percent"),
        ("50 % ± 5 %", "ambiguous_percent"),
        ("5 min", "ambiguous_min"), ("- 5 V", "ambiguous_sign"), ("20 to 10 V", "reversed"),
        ("5 V to 10", "unit_missing"), ("5 V to 10 A", "unit_conflict"), ("", "empty"),
        ("10- 20 mm", "ambiguous_range"), ("5 V 6 V", "extra_text"), ("abc", "no_number"),
        ("5 V < VCC", "ambiguous_bound"), ("3 V max 5 V", "ambiguous_bound"),
        ("9" * 99, "too_long"),
        ("600 h7", "fit_unknown"), ("5 V ± 5 A", "unit_conflict"), ("x" * 300, "too_long"),
        ("5 °C h7", "extra_text"), ("5 h7 V", "unit_conflict"), ("１２ V", "identifier"),
    ],
)  # fmt: skip
def test_refused(text: str, code: str) -> None:
    """What has two readings, or none, is refused with a code."""
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "hint", "meaning"),
    [
        ("5 min", "s", "5 min"), ("$5", "USD", "5 USD"), ("$5", "EUR", "5 $"),
        ("50 ± 5 %", "%", "50 -5/5 %"), ("50 ± 10 %", "V", "50 -5.00/5.00"), ("5", "V", "5"),
    ],
)  # fmt: skip
def test_hint_resolves_but_never_supplies(text: str, hint: str, meaning: str) -> None:
    """The wanted unit decides between readings; it never stands in for one that isn't printed."""
    assert show(parse_quantity(text, unit_hint=hint)) == meaning


def test_known_decimal_mark_settles_the_separator() -> None:
    """With the document's decimal mark `1,234` has one reading, and a contradiction is refused."""
    assert parse_quantity("1,234", decimal=".").value == Decimal(1234)
    assert parse_quantity("1,234", decimal=",").value == Decimal("1.234")
    with pytest.raises(QuantityError, match="decimal mark"):
        parse_quantity("1,5", decimal=".")


def test_digits_joined_over_a_space_are_marked() -> None:
    """`1 200` may be two numbers of a row: the reader is told."""
    assert parse_quantity("1 200").spaced
    assert not parse_quantity("1\u202f200").spaced


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("VCC = 5V, ICC max. 12 mA at 25 °C", ["5V", "max. 12 mA", "25 °C"]),
        ("W25Q128JV S355J2H TR-12456 1866645/001 2018-10-23 12:30", []),
        ("Actual [%]0.1500 0.0050", ["[%]0.1500", "0.0050"]),
        ("note 12 V 2) and 1) (3)", ["12 V", "3"]),
        ("- 5 V as a bullet, -5 V as a value", ["-5 V"]),
        ("T≤150°C; Rm (MPa) 510", ["≤150°C", "(MPa) 510"]),
        ("Net EUR 1,200.50 VAT 20 % 240.10 EUR", ["EUR 1,200.50", "20 %", "240.10 EUR"]),
        ("3.3 V ± 5 % or 10-20 mm", ["3.3 V ± 5 %", "10-20 mm"]),
        ("100 200 300 40 mV", ["100", "200", "300", "40 mV"]),
        ('say "5" and 5" pipe', ["5", '5"']),
        ("min-40 Rmax 5", ["5"]), ("5 in total, 6-pin, 8bits", ["5", "8bits"]),
        ("1,234 V and 2.345 V", []), ("from 3 V supply", ["from 3 V"]),
    ],
)  # fmt: skip
def test_found_in_running_text(text: str, found: list[str]) -> None:
    """Quantities are found longest first; identifiers, dates, bullets and footnotes are not."""
    spans = find_quantities(text)
    assert [span.parsed.raw for span in spans] == found
    assert all(text[span.start : span.end] == span.parsed.raw for span in spans)
