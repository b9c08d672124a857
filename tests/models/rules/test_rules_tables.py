"""Tables: the header says which column is the value, and where several could be, none is chosen."""

from collections.abc import Callable
from typing import Any

Read = Callable[..., Any]

CURRENT = {"type": "quantity", "unit": "mA", "aliases": ["supply current"]}
TABLE = """
Parameter          Symbol    Min    Typ    Max    Unit    Conditions
Supply current     ICC        10     12     15    mA      Ta = 25 °C
Leakage            IL         --     --      2    mA      Ta = 25 °C
"""


def test_pick_names_the_column(read: Read) -> None:
    """`pick` takes min, typ or max; the unit comes from its own column."""
    for pick, value in (("min", "10"), ("typ", "12"), ("max", "15")):
        claim = read({"i": {**CURRENT, "pick": pick}}, TABLE)["i"]
        assert (claim["value"], claim["unit"]) == (value, "mA")


def test_without_pick_several_columns_are_ambiguous(read: Read) -> None:
    """Nothing says which of three is meant; where only one is filled it is taken."""
    assert len(read({"i": CURRENT}, TABLE)["i"]["candidates"]) == 3
    leakage = {**CURRENT, "aliases": ["leakage"]}
    assert read({"i": leakage}, TABLE)["i"]["value"] == "2"


def test_range_takes_all_columns(read: Read) -> None:
    """A range has the ends the row gives; the quote leaves out nothing between them."""
    claim = read({"i": {**CURRENT, "type": "range"}}, TABLE)["i"]
    assert claim["value"] == {"min": "10", "typ": "12", "max": "15"}
    assert claim["quote"] == "10 12 15"


def test_measured_value_beside_limits(read: Read) -> None:
    """Of requirement and result the result is the value, wherever the limits stand."""
    drawing = """
Test               Min     Measured    Max     Unit
Supply current     10      12          15      mA
"""
    assert read({"i": CURRENT}, drawing)["i"]["value"] == "12"


def test_inline_value_wins_over_the_header(read: Read) -> None:
    """A value in the label's own cell is meant, whatever the columns hold."""
    drawing = """
Parameter                   Min    Max    Unit
Supply current 12 mA        10     15     mA
"""
    assert read({"i": CURRENT}, drawing)["i"]["value"] == "12"


def test_transposed_table(read: Read) -> None:
    """Fields across, one row of values; rows of units and limits are told apart."""
    drawing = """
Symbol    C        Si       Mn
Unit      %        %        %
Max       0.22     0.05     1.60
Actual    0.15     0.01     1.00
"""
    fields = {
        "carbon": {"type": "quantity", "unit": "%", "aliases": ["C"]},
        "carbon_max": {"type": "quantity", "unit": "%", "aliases": ["C"], "pick": "max"},
        "manganese": {"type": "quantity", "unit": "%", "aliases": ["Mn"]},
    }
    record = read(fields, drawing)
    assert [record[name]["value"] for name in fields] == ["0.15", "0.22", "1.00"]
    assert record["carbon"]["unit"] == "%"


def test_rows_of_part_variants_are_ambiguous(read: Read) -> None:
    """One column with a row per variant gives no single value."""
    drawing = """
Part      Supply current
X-1       12 mA
X-2       14 mA
"""
    values = [claim["value"] for claim in read({"i": CURRENT}, drawing)["i"]["candidates"]]
    assert values == ["12", "14"]


def test_several_readings_in_a_row_are_ambiguous(read: Read) -> None:
    """Three specimens without a mean: all are handed in, none is chosen."""
    assert (
        len(read({"i": CURRENT}, "Supply current    12 mA    13 mA    14 mA")["i"]["candidates"])
        == 3
    )


def test_the_same_value_twice_is_one_value(read: Read) -> None:
    """Repeating a value, in another unit even, leaves no doubt."""
    drawing = "Supply current    12 mA\nSupply current    0.012 A"
    assert read({"i": CURRENT}, drawing)["i"]["value"] == "12"


def test_different_values_in_two_places_are_ambiguous(read: Read) -> None:
    """Rivals are handed in with their pages."""
    both = read({"i": CURRENT}, "Supply current    12 mA", "Supply current    13 mA")["i"]
    assert [claim["page"] for claim in both["candidates"]] == [1, 2]


def test_axis_labels_are_no_values(read: Read) -> None:
    """The numbers along an axis are no single value."""
    below = "0    20    40    60    80\n   Supply current (mA)"
    above = "Supply current (mA)\n0    20    40    60    80"
    assert read({"i": CURRENT}, below)["i"] is None
    assert read({"i": CURRENT}, above)["i"] is None


def test_rate_and_amount_share_a_label(read: Read) -> None:
    """A field with a unit takes what prints it; the plain number is the other's."""
    fields = {
        "rate": {"type": "quantity", "unit": "%", "aliases": ["VAT"]},
        "tax": {"type": "number", "aliases": ["VAT"]},
    }
    record = read(fields, "VAT 20 %      227.28")
    assert (record["rate"]["value"], record["tax"]["value"]) == ("20", "227.28")
    assert "unit" not in record["tax"]


def test_a_bare_value_is_no_maximum(read: Read) -> None:
    """`pick: max` wants a bound; the label may say so, a plain value doesn't."""
    field = {**CURRENT, "pick": "max"}
    assert read({"i": field}, "Supply current    12 mA")["i"] is None
    assert read({"i": field}, "Supply current, max.    12 mA")["i"]["value"] == "12"
    assert read({"i": field}, "Supply current    10 to 12 mA")["i"]["value"] == "12"
    assert read({"i": field}, "Supply current    ≥ 10 mA")["i"] is None


def test_a_number_without_unit_yields_to_one_with(read: Read) -> None:
    """A bare number elsewhere is no rival of a value with its unit; in the same row it is."""
    elsewhere = "Supply current    12 mA\nSupply current    7"
    assert read({"i": CURRENT}, elsewhere)["i"]["value"] == "12"
    assert len(read({"i": CURRENT}, "Supply current    12 mA    7")["i"]["candidates"]) == 2


def test_a_range_in_columns_and_in_words_is_one(read: Read) -> None:
    """`10 to 15 mA` on the first page and the columns of the table say the same."""
    field = {**CURRENT, "type": "range"}
    drawing = """
Supply current     10 to 15 mA

Parameter          Min    Max    Unit
Supply current     10.0   15.0   mA
"""
    assert "candidates" not in read({"i": field}, drawing)["i"]
