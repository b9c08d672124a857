"""Labels are found across cells, lines, languages and codes; a longer phrase is another label."""

from collections.abc import Callable
from typing import Any

from docmill.documents.layout import Page
from docmill.models.rules.extract import extract
from docmill.models.rules.wanted import read_wanted
from docmill.output.schema import record_schema
from docmill.spec.fields import Field

Read = Callable[..., Any]

MASS = {"mass": {"type": "quantity", "unit": "kg", "aliases": ["actual mass", "Ist-Masse", "B13"]}}


def test_code_language_and_name(read: Read) -> None:
    """A code, a translation, or the field's own name lead to the value."""
    for line in ("B13 Poids réel    5 kg", "Poids / Ist-Masse    5 kg", "Mass    5 kg"):
        assert read(MASS, line)["mass"]["value"] == "5"


def test_code_in_a_cell_of_its_own(read: Read) -> None:
    """Beside the code stands the label, beside that the value; the code below is no value."""
    drawing = """
A07    Order number    4500071182
A08    Works number    77-40218
"""
    fields = {"order": {"type": "id", "aliases": ["A07", "order number"]}}
    assert read(fields, drawing)["order"]["value"] == "4500071182"


def test_label_over_two_lines_with_its_value_between(read: Read) -> None:
    """A wrapped label belongs to the value on its first or second line, or in the middle."""
    fields = {"v": {"type": "quantity", "unit": "V", "aliases": ["power on reset release"]}}
    drawings = (
        "Power on reset       V    2.5\nrelease",
        "Power on reset\nrelease              V    2.5",
        "Power on reset\n^                    V    2.5\nrelease",
    )
    for drawing in drawings:
        assert read(fields, drawing)["v"]["value"] == "2.5"


def test_label_above_its_value(read: Read) -> None:
    """In a form the label heads the box; a neighbour's label is no value."""
    drawing = """
Certificate no           Type of document         Date of issue
FG 24/0388               EN 10204 - 3.1           22/04/2024
"""
    record = read(
        {
            "number": {"type": "id", "aliases": ["certificate no"]},
            "kind": {"aliases": ["type of document"]},
        },
        drawing,
    )
    assert record["number"]["value"] == "FG 24/0388"
    assert record["kind"]["value"] == "EN 10204 - 3.1"


def test_codes_side_by_side_head_boxes(read: Read) -> None:
    """`A01 … | A06 …` are headings although a text stands right of A01."""
    drawing = """
A01 Manufacturer's plant      A06 Purchaser
Steel Mill SE                 Steel Trading AG
"""
    assert read({"mill": {"aliases": ["A01"]}}, drawing)["mill"]["value"] == "Steel Mill SE"


def test_footnote_mark_stuck_to_a_label(read: Read) -> None:
    """`Linearity error2` is the linearity error with a footnote."""
    fields = {"e": {"type": "quantity", "unit": "%", "aliases": ["linearity error"]}}
    assert read(fields, "Linearity error2    0.08 %")["e"]["value"] == "0.08"


def test_number_in_the_middle_of_a_label(read: Read) -> None:
    """`plus 19 % VAT` gives the rate to one field and the amount beside it to the other."""
    fields = {
        "rate": {"type": "quantity", "unit": "%", "aliases": ["plus VAT"]},
        "tax": {"type": "number", "aliases": ["plus VAT"]},
    }
    record = read(fields, "plus 19 % VAT      90.68")
    assert (record["rate"]["value"], record["tax"]["value"]) == ("19", "90.68")


def test_value_under_its_heading_only(read: Read) -> None:
    """With `section` the same label elsewhere doesn't count."""
    drawing = """
3.1. Absolute maximum ratings
vccd      V      2.3
3.2. Operating conditions
vccd      V      1.8
4. Package
vccd      V      9.9
"""
    field = {"type": "quantity", "unit": "V", "aliases": ["vccd"]}
    assert len(read({"v": field}, drawing)["v"]["candidates"]) == 3
    under = {**field, "section": ["Operating conditions"]}
    assert read({"v": under}, drawing)["v"]["value"] == "1.8"


def test_distinctive_spelling_needs_no_label(read: Read) -> None:
    """`EN 10204 3.1` stands for itself; `pass` doesn't."""
    enum = {"3.1": ["EN 10204 3.1"], "other": ["pass"]}
    fields = {"document": {"aliases": ["kind of document"], "enum": enum}}
    assert read(fields, "Inspection certificate EN 10204 3.1")["document"]["value"] == "3.1"
    assert read(fields, "Let it pass")["document"] is None


def test_boxes_with_headings_in_another_font(draw: Callable[..., Page]) -> None:
    """Two boxes side by side: what stands below is the value, not the neighbour's heading."""
    small, large = draw("Product          Applicant"), draw("\nPS-2405          ACME Ltd.")
    lower = tuple(word._replace(y1=word.y1 + 2) for word in large.words)
    page = Page(
        1, 595, 842, (*small.words, *(w._replace(y0=w.y0 + 14, y1=w.y1 + 14) for w in lower))
    )
    fields = {"product": Field(aliases=("product",))}
    record = extract(read_wanted(record_schema(fields)), [page]).record
    assert record["product"]["value"] == "PS-2405"


def test_a_ratio_is_no_label_of_its_parts(read: Read) -> None:
    """`Re/Rm` is a symbol of its own; `Streckgrenze/Yield strength` are two labels."""
    fields = {"rm": {"type": "quantity", "unit": "MPa", "aliases": ["Rm"]}}
    assert read(fields, "Re/Rm    0.83")["rm"] is None
    other = {"re": {"type": "quantity", "unit": "MPa", "aliases": ["yield strength"]}}
    assert read(other, "Streckgrenze/Yield strength    235 MPa")["re"]["value"] == "235"


def test_a_phrase_of_the_label_holds_no_value(read: Read) -> None:
    """A number behind `at` belongs to the label, one behind `Numéro de document` doesn't."""
    fields = {
        "r": {"type": "quantity", "unit": "V", "aliases": ["output voltage"]},
        "n": {"type": "id", "aliases": ["numéro de document", "document number"]},
    }
    drawing = (
        "Output voltage at 24 V input    5 V\nDocument number / Numéro de document 1866645/001"
    )
    record = read(fields, drawing)
    assert (record["r"]["value"], record["n"]["value"]) == ("5", "1866645/001")
