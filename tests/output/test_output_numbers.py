"""Grounding of numbers and quantities: only what the page says in one way is verified."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.output.conftest import Checker

TABLE = "Parameter  Min  Typ  Max  Unit\nSupply     3.0  3.3  3.6  V"


def quantity(unit: str, **more: Any) -> dict[str, Any]:
    return {"type": "quantity", "unit": unit, **more}


@pytest.mark.parametrize(
    ("page", "unit", "value", "quote"),
    [
        ("Supply voltage: 3.3 V", "V", "3.3", "3.3 V"),
        ("Supply voltage: 3.3V.", "V", 3.3, "3.3V"),
        ("Supply voltage: 3300 mV", "V", "3.3", "3300 mV"),
        ("Temp. −40 °C", "°C", -40, "-40 °C"),
        ("Temp. \u00ad40 \uf0b0C", "°C", -40, "−40 °C"),
        ("C = 10 \uf06dF", "µF", 10, "10 μF"),
        ("R = 4.7 k\uf057", "kΩ", "4.7", "4.7 kΩ"),
        ("R = 4.7 \u2126", "Ω", "4.7", "4.7"),
        ("Total 1 200,50 EUR", "EUR", "1200.50", "1 200,50 EUR"),
        ("Total 1\u202f200,50 €", "EUR", "1200.5", "1 200,50 €"),
        ("Total 1.200,50 EUR", "EUR", "1200.5", "1.200,50 EUR"),
        ("Current max. 12 mA", "mA", 12, "max. 12 mA"),
        ("Yield ≥ 235 MPa", "N/mm²", 235, "≥ 235 MPa"),
        ("U = 3.3 V ± 5 %", "V", "3.3", "3.3 V ± 5 %"),
        ("Range -40 to +85 °C", "°C", 85, "-40 to +85 °C"),
        ("5 000 h", "h", 5000, "5000 h"),
    ],
)
async def test_what_the_page_says_is_verified(
    checker: "Checker", page: str, unit: str, value: object, quote: str
) -> None:
    """Signs, spellings, symbol fonts and spaces of the page don't hide its value."""
    checked = await checker.value(page, quantity(unit), value, quote, unit=unit)
    assert (checked.status, checked.code) == ("verified", "")


@pytest.mark.parametrize(
    ("page", "unit", "value", "quote", "code"),
    [
        ("Supply 3.3 V", "V", "3.4", "3.3 V", "number_differs"),
        ("Temp. −40 °C", "°C", 40, "40 °C", "number_differs"),
        ("Temp. − 40 °C", "°C", 40, "40 °C", "number_differs"),
        ("Supply 13.3 V", "V", "3.3", "3.3 V", "number_differs"),
        ("Supply 3.3 mV", "V", "3.3", "3.3 mV", "unit_differs"),
        ("Supply 3.3 mV", "V", "3.3", "3.3", "unit_differs"),
        ("Supply 3.3", "V", "3.3", "3.3", "unit_not_found"),
        ("Supply 3.3 V", "V", "3.3", "5.0 V", "quote_not_found"),
        ("Supply voltage 3.3 V", "V", "3.3", "Supply voltage", "number_not_in_quote"),
        ("Total 1.200 EUR", "EUR", 1200, "1.200 EUR", "number_ambiguous"),
        ("Cells 5  200 V", "V", 5200, "5 200 V", "number_differs"),
        ("100 °F", "°C", "37.78", "100 °F", "number_differs"),
    ],
)
async def test_what_the_page_does_not_say_is_not(
    checker: "Checker", *, page: str, unit: str, value: object, quote: str, code: str
) -> None:
    """Another number, sign, unit, or two readings: unverified, and the code says why."""
    checked = await checker.value(page, quantity(unit), value, quote, unit=unit)
    assert (checked.status, checked.code) == ("unverified", code)
    assert checked.reason


async def test_the_decimal_mark_of_the_document_settles_a_number(checker: "Checker") -> None:
    """`1.200` alone has two readings; a document that writes `0,5` has only one of them."""
    page = "Weight 0,5 kg\nTotal 1.200 EUR"
    verified = await checker.value(page, quantity("EUR"), 1200, "1.200 EUR", unit="EUR")
    wrong = await checker.value(page, quantity("EUR"), "1.2", "1.200 EUR", unit="EUR")
    assert verified.status == "verified"
    assert wrong.code == "number_differs"


@pytest.mark.parametrize(
    ("page", "label"),
    [
        (TABLE, None),
        ("Supply [V]\n3.3", None),
        ("Supply in V  3.3", None),
        ("Supply (V)  VCC  3.3", None),
        ("Supply / V\nremark\n3.3", "Supply / V"),
        ("Name  Value  Max Unit\nSupply  3.3   3.6 V", None),
        ("Name  Value  Max Unit\nSupply  3.3   - V", None),
        ("Measured values (no load, V)\nName  Result\nSupply  3.3", None),
        ("All values in V\nSupply  3.3", None),
    ],
)
async def test_the_unit_may_stand_in_label_row_or_header(
    checker: "Checker", page: str, label: str | None
) -> None:
    """A bare number takes its unit from where a reader would look."""
    checked = await checker.value(page, quantity("V"), "3.3", "3.3", unit="V", label=label)
    assert checked.status == "verified"


@pytest.mark.parametrize(
    "page",
    [
        "Supply [mV]\n3.3",
        "Supply  3.3\nOther [V]  5",
        "5 V\n3.3",
        "Voltage  2  V  Current  3.3  A",
        "Category V of all\nSupply  3.3",
    ],
)
async def test_a_unit_elsewhere_on_the_page_proves_nothing(checker: "Checker", page: str) -> None:
    """Neither another column's unit nor another number's own is the unit of this number."""
    checked = await checker.value(page, quantity("V"), "3.3", "3.3", unit="V")
    assert checked.code == "unit_not_found"


async def test_a_currency_may_be_stated_once_for_the_document(checker: "Checker") -> None:
    """One currency in the whole document is that of its amounts; with two, nothing is proven."""
    page = "Total  12.50\nCurrency: EUR"
    field = quantity("EUR")
    once = await checker.value(page, field, "12.5", "12.50", unit="EUR", label="Total")
    twice = await checker.value(page + "\nUSD", field, "12.5", "12.50", unit="EUR", label="Total")
    assert (once.status, twice.code) == ("verified", "unit_not_found")


async def test_a_share_by_mass_may_be_said_in_the_caption(checker: "Checker") -> None:
    """`% by mass` above a table is the unit of all its columns."""
    page = "Chemical composition (ladle analysis, % by mass)\nHeat  C  Si\n7K22  0.14  0.18"
    checked = await checker.value(page, quantity("%"), "0.14", "0.14", unit="%", label="C")
    assert checked.status == "verified"


async def test_a_unit_on_the_page_has_to_be_claimed(checker: "Checker") -> None:
    """Leaving out the printed unit is an error, for 3.3 of what can't be checked."""
    checked = await checker.value("3.3 V", quantity("V"), "3.3", "3.3 V")
    assert checked.code == "unit_differs"


async def test_a_bound_keeps_its_sign(checker: "Checker") -> None:
    """`< 0.5` is no measured 0.5, even if only the number was quoted."""
    checked = await checker.value("Sulphur < 0.5 %", quantity("%"), "0.5", "0.5 %", unit="%")
    assert checked.reading is not None
    assert (checked.status, checked.reading.qualifier) == ("verified", "<")


@pytest.mark.parametrize(("value", "code"), [("3.6", ""), ("3.3", "wrong_column")])
async def test_a_column_of_another_kind_is_refused(
    checker: "Checker", value: str, code: str
) -> None:
    """A field that picks the maximum isn't proven by the number under `Typ`."""
    field = quantity("V", pick="max")
    checked = await checker.value(TABLE, field, value, value, unit="V", label="Supply")
    assert checked.code == code


@pytest.mark.parametrize(
    ("page", "value", "quote", "kind", "code"),
    [
        ("Pieces: 12", 12, "12", "integer", ""),
        ("Pos. 3.", 3, "3", "integer", ""),
        ("Pieces: 12 pcs", "12", "12 pcs", "number", ""),
        ("Pieces: 120", 12, "12", "integer", "number_differs"),
        ("Ratio 1,5", "1.5", "1,5", "number", ""),
        ("Ratio ten", "10", "ten", "number", "number_not_in_quote"),
        ("Net 1 552,00", "552", "1 552,00", "number", "number_differs"),
        ("Net 1 552,00", "552", "552,00", "number", "number_differs"),
        ("Net 1 552 000", "552", "552", "number", "number_differs"),
        ("Net 1 552 000", "1552000", "552", "number", ""),
    ],
)
async def test_plain_numbers_have_no_unit_to_prove(
    checker: "Checker", *, page: str, value: object, quote: str, kind: str, code: str
) -> None:
    """Integers and numbers are compared by value alone, as whole words."""
    checked = await checker.value(page, {"type": kind}, value, quote)
    assert checked.code == code


async def test_a_quote_of_half_the_page_proves_nothing(checker: "Checker") -> None:
    """Among fifty numbers any is found; the model has to point."""
    page = "  ".join(str(number) for number in range(100, 150))
    checked = await checker.value(page, {"type": "number"}, 120, page)
    assert checked.code == "quote_too_wide"


@pytest.mark.parametrize("value", ["5", "0.165"])
async def test_a_tolerance_can_be_a_value_of_its_own(checker: "Checker", value: str) -> None:
    """`± 5 %` beside its nominal value proves a field that asks for the tolerance, as printed."""
    checked = await checker.value("3.3 V ± 5 %", quantity("%"), value, "3.3 V ± 5 %", unit="%")
    assert (checked.status == "verified") == (value == "5")
