"""Words become rows and cells as a reader sees them; text columns are never joined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.documents.layout import Page, Word
from docmill.documents.rows import page_rows, row_text


def page(*texts: tuple[str, float, float], height: float = 10.0) -> Page:
    """Words at places: text, left edge, top; five points a character."""
    found = (Word(text, x, y, x + 5 * len(text), y + height) for text, x, y in texts)
    return Page(1, 595, 842, tuple(found))


def lines(*drawing: str) -> Page:
    """A drawing: five points a character, fourteen a line."""
    found: list[tuple[str, float, float]] = []
    for number, line in enumerate(drawing):
        place = 0
        for word in line.split():
            place = line.index(word, place)
            found.append((word, 30 + 5.0 * place, 20 + 14.0 * number))
            place += len(word)
    return page(*found)


def test_cells_part_at_gaps() -> None:
    """A space goes on with the cell, a wider gap ends it."""
    assert row_text(lines("Output voltage     3.3 V     typical value")) == (
        "Output voltage | 3.3 V | typical value"
    )


def test_a_line_is_what_overlaps_vertically() -> None:
    """Words of slightly different height stand on one line; reading order doesn't matter."""
    found = page(("V", 230, 31), ("Output", 30, 30), ("24.02", 200, 29.5))
    assert row_text(found) == "Output | 24.02 V"


def test_an_index_belongs_to_its_symbol() -> None:
    """`V` and a lowered `OH` are one symbol; a cell half a line below is another row."""
    symbol = Page(1, 595, 842, (Word("V", 30, 30, 36, 43), Word("OH", 36.5, 35, 46, 48)))
    assert row_text(symbol) == "V OH"
    assert row_text(page(("Reset", 30, 30), ("release", 30, 40), ("2.5", 200, 35))) == (
        "Reset\n2.5\nrelease"
    )


def test_a_unit_stuck_to_a_number_is_taken_off() -> None:
    """`[%]0.15` is a heading and a value; the words stay verbatim otherwise."""
    assert row_text(page(("Actual", 30, 30), ("[%]0.15", 65, 30))) == "Actual [%] | 0.15"


def test_a_value_at_the_edge_of_its_column_is_a_cell() -> None:
    """A label that fills its column doesn't swallow the value behind it."""
    drawing = lines(
        "Tensile strength          456 MPa",
        "Yield or proof strength A 377 MPa",
        "Elongation                 29 %",
        "Hardness                  180 HB",
    )
    assert "Yield or proof strength A | 377 MPa" in row_text(drawing)


PROSE = "the machine was mounted on a plate of steel"


def test_prose_beside_a_list_is_a_column_of_its_own() -> None:
    """Lines of two text columns at the same height are not joined."""
    left = [PROSE] * 9
    right = [f"Reading {number} at full load of the machine   {number} V" for number in range(9)]
    drawing = [f"{one:<50}{other}" for one, other in zip(left, right, strict=True)]
    rows = page_rows(lines(*drawing))
    assert [row.text for row in rows[:9]] == left
    assert {row.block for row in rows} == {0, 1}


def test_two_lists_side_by_side_are_two_columns() -> None:
    """Label and value on the left, label and value on the right: read one after the other."""
    drawing = [f"Left {n}        {n} V          Right {n}       {n} A" for n in range(5)]
    text = row_text(lines(*drawing))
    assert text.startswith("Left 0 | 0 V\nLeft 1 | 1 V")
    assert text.endswith("Right 4 | 4 A")


def test_bullets_on_both_sides_are_two_columns() -> None:
    """Feature lists of a datasheet."""
    drawing = [f"• feature {n}                           • other {n}" for n in range(4)]
    assert row_text(lines(*drawing)).split("\n\n")[0].count("feature") == 4


def test_a_table_is_not_torn_apart() -> None:
    """Labels and their values stay on one row, however regular the gutter between them is."""
    drawing = [f"Document number {n} of the certificate      1866645/{n}" for n in range(9)]
    assert all(len(row.cells) == 2 for row in page_rows(lines(*drawing)))


@pytest.mark.parametrize("found", [(), (("x", 1.0, 1.0),)])
def test_small_pages(found: tuple[tuple[str, float, float], ...]) -> None:
    """A page of no words has no rows, one of one word has one."""
    assert len(page_rows(page(*found))) == len(found)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "42", "[%]1", "•", "Word"]),
            st.floats(0, 500, width=32),
            st.floats(0, 700, width=32),
        ),
        max_size=40,
    )
)
def test_no_word_is_lost_or_doubled(found: list[tuple[str, float, float]]) -> None:
    """Whatever stands on a page stands in exactly one cell."""
    made = "".join(sorted("".join(row.text for row in page_rows(page(*found))).replace(" ", "")))
    assert made == "".join(sorted("".join(text for text, _, _ in found)))
