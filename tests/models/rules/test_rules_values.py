"""What stands beside a label is read as the field's type, in the forms documents print it in."""

from collections.abc import Callable
from typing import Any

import pytest

Read = Callable[..., Any]

VOLTAGE = {"voltage": {"type": "quantity", "unit": "V", "aliases": ["supply voltage"]}}


@pytest.mark.parametrize(
    ("line", "value", "unit"),
    [
        ("Supply voltage      3.3 V", "3.3", "V"),
        ("Supply voltage: 3.3 V", "3.3", "V"),
        ("Supply voltage = 3300 mV", "3300", "mV"),
        ("Supply voltage ........ 3.3 V", "3.3", "V"),
        ("Supply voltage VDD      3.3 V ± 5 %", "3.3", "V"),
        ("SUPPLY VOLTAGE [V]      3.3", "3.3", "V"),
        ("Supply voltage    V     3.3", "3.3", "V"),
        ("Supply voltage    3.3    V", "3.3", "V"),
        ("Spannung / Supply voltage    ≥ 3.3 V", "3.3", "V"),
        ("Supply voltage during the test    3.3 V", "3.3", "V"),
    ],
)
def test_quantity_beside_its_label(read: Read, line: str, value: str, unit: str) -> None:
    """Number and unit are found inline, in the next cell, with the unit before, behind or above."""
    claim = read(VOLTAGE, line)["voltage"]
    assert (claim["value"], claim["unit"], claim["page"]) == (value, unit, 1)


@pytest.mark.parametrize(
    "line",
    [
        "Supply voltage      25 °C",
        "Supply voltage ripple      3.3 V",
        "Supply voltage      see page 3",
        "Supply voltage      -",
        "Output at a supply voltage of 3.3 V      12 mA",
        "Supply voltage      0.7 * VDD",
        "Supply voltage      1.3 x 10 6 V",
    ],
)
def test_nothing_is_read_where_nothing_of_the_kind_stands(read: Read, line: str) -> None:
    """Another unit, a longer label, a word, a dash or a formula are no value."""
    assert read(VOLTAGE, line)["voltage"] is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Temperature range    −40 to +85 °C", {"min": "-40", "max": "85"}),
        ("Temperature range    max. 85 °C", {"max": "85"}),
        ("-55 °C ≤ TJ ≤ +150 °C", {"min": "-55", "max": "150"}),
        ("Temperature range    20 °C ± 5 °C", {"min": "15", "typ": "20", "max": "25"}),
    ],
)
def test_range(read: Read, line: str, expected: dict[str, str]) -> None:
    """Intervals, bounds, tolerances, and inequalities around the label become ranges."""
    fields = {
        "temperature": {"type": "range", "unit": "°C", "aliases": ["temperature range", "TJ"]}
    }
    assert read(fields, line)["temperature"]["value"] == expected


def test_an_inequality_gives_no_single_value(read: Read) -> None:
    """Of `-55 °C ≤ TJ ≤ +150 °C` neither end is the value; with `pick` the end asked for is."""
    field = {"type": "quantity", "unit": "°C", "aliases": ["TJ"]}
    drawing = "-55 °C ≤ TJ ≤ +150 °C"
    assert read({"t": field}, drawing)["t"] is None
    assert read({"t": {**field, "pick": "max"}}, drawing)["t"]["value"] == "150"


def test_decimal_comma_of_the_document(read: Read) -> None:
    """Where other numbers prove the comma, `1.250` is a thousand and `1,250` is not."""
    drawing = """
Durchmesser      25,04 mm
Masse            1.250 kg
"""
    record = read({"mass": {"type": "quantity", "unit": "kg", "aliases": ["Masse"]}}, drawing)
    assert record["mass"]["value"] == "1250"
    assert record["mass"]["quote"] == "1.250 kg"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Date of issue      11 April 2024", "2024-04-11"),
        ("Date of issue: 14.02.2024", "2024-02-14"),
        ("Date of issue      2024-02-14 09:41", "2024-02-14"),
    ],
)
def test_date(read: Read, line: str, expected: str) -> None:
    """A date in any form, a time behind it left out."""
    claim = read({"issued": {"type": "date", "aliases": ["date of issue"]}}, line)["issued"]
    assert claim["value"] == expected


def test_a_date_with_two_readings_is_ambiguous(read: Read) -> None:
    """`05/06/2024` alone is 5 June or 6 May; another date of the document may tell."""
    fields = {"issued": {"type": "date", "aliases": ["issued"]}}
    both = read(fields, "Issued    05/06/2024")["issued"]["candidates"]
    assert [claim["value"] for claim in both] == ["2024-05-06", "2024-06-05"]
    told = read(fields, "Issued    05/06/2024\nReceived    25/06/2024")["issued"]
    assert told["value"] == "2024-06-05"


def test_enumeration(read: Read) -> None:
    """The longest spelling counts; the record holds the key."""
    enum = {"passed": ["pass", "bestanden"], "failed": ["fail", "nicht bestanden"]}
    fields = {"result": {"aliases": ["Gesamtergebnis"], "enum": enum}}
    assert read(fields, "Gesamtergebnis    nicht bestanden")["result"]["value"] == "failed"
    assert read(fields, "Gesamtergebnis: bestanden")["result"]["value"] == "passed"


def test_identifier_needs_a_digit(read: Read) -> None:
    """`Order No | Date` is a heading, not an order with the number `Date`."""
    fields = {"order": {"type": "id", "aliases": ["order no"]}}
    assert read(fields, "Order No    Remark")["order"] is None
    assert read(fields, "Order No    4500 071182")["order"]["value"] == "4500 071182"


def test_pattern_cuts_the_value_out(read: Read) -> None:
    """Of the words beside the label only those that match the pattern are the value."""
    fields = {"product": {"type": "id", "pattern": "PS-[0-9]{4}", "aliases": ["product"]}}
    claim = read(fields, "Product    Power supply PS-2405 (new)")["product"]
    assert (claim["value"], claim["quote"]) == ("PS-2405", "PS-2405")


def test_boolean(read: Read) -> None:
    """Yes and no in several languages."""
    fields = {"calibrated": {"type": "boolean", "aliases": ["calibrated"]}}
    assert read(fields, "Calibrated    ja")["calibrated"]["value"] is True
    assert read(fields, "Calibrated    no")["calibrated"]["value"] is False
    assert read(fields, "Calibrated    perhaps")["calibrated"] is None


def test_text_goes_on_below_if_its_line_was_full(read: Read) -> None:
    """A value that fills its column runs on in the next line; a short one doesn't."""
    drawing = """
Address        Steel Trading and Warehouse
               Company of Linz
Remark         none at all
               Signature
"""
    record = read({"address": {"aliases": ["address"]}, "remark": {"aliases": ["remark"]}}, drawing)
    assert record["address"]["value"] == "Steel Trading and Warehouse Company of Linz"
    assert record["remark"]["value"] == "none at all"


def test_only_currency_of_a_document_is_the_unit(read: Read) -> None:
    """An amount without a currency has the only one the document names, none if it names two."""
    fields = {"total": {"type": "quantity", "unit": "EUR", "aliases": ["total"]}}
    assert read(fields, "Prices in EUR\nTotal    1 200,50")["total"]["unit"] == "EUR"
    both = "Prices in EUR\nCustoms value in CHF\nTotal    1 200,50"
    assert "unit" not in read(fields, both)["total"]
