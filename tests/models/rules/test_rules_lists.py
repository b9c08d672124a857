"""Repeated groups: rows of tables, over pages, transposed, and lists of a single row."""

from collections.abc import Callable
from typing import Any

Read = Callable[..., Any]

LINES = {
    "lines": {
        "type": "list",
        "fields": {
            "description": {"aliases": ["description"]},
            "quantity": {"type": "number", "aliases": ["qty"]},
            "amount": {"type": "number", "aliases": ["amount"]},
        },
    }
}
HEATS = {
    "heats": {
        "type": "list",
        "fields": {
            "heat": {"type": "id", "aliases": ["heat", "heat no"]},
            "c": {"type": "quantity", "unit": "%", "required": False, "aliases": ["C"]},
            "mn": {"type": "quantity", "unit": "%", "required": False, "aliases": ["Mn"]},
            "n": {"type": "quantity", "unit": "%", "required": False, "aliases": ["N"]},
        },
    }
}


def values(rows: list[dict[str, Any]], *names: str) -> list[list[Any]]:
    """The values of some columns."""
    return [[row[name] and row[name]["value"] for name in names] for row in rows]


def test_rows_until_the_total(read: Read) -> None:
    """A description may take two lines; subtotals and totals are no rows."""
    drawing = """
Pos   Description               Qty    Amount
1     Deep groove bearing       120    381.60
      sealed on both sides
2     Network cable               2     20.00
Subtotal                               401.60
VAT                                     80.32
Total                                  481.92
"""
    rows = read(LINES, drawing)["lines"]
    assert values(rows, "description", "quantity", "amount") == [
        ["Deep groove bearing sealed on both sides", "120", "381.60"],
        ["Network cable", "2", "20.00"],
    ]


def test_table_over_pages(read: Read) -> None:
    """A repeated heading goes on with the table; sums carried over are no rows."""
    first = """
Description               Qty    Amount
Bearing                   120    381.60
Carried forward                  381.60
Page 1
"""
    second = """
Description               Qty    Amount
Brought forward                  381.60
Carriage                    1     28.00
Total                            409.60
"""
    rows = read(LINES, first, second)["lines"]
    assert values(rows, "description") == [["Bearing"], ["Carriage"]]
    assert rows[1]["description"]["page"] == 2


def test_heading_of_two_lines_with_units_below(read: Read) -> None:
    """Codes above symbols, then a line of units, then a line of limits, then the rows."""
    drawing = """
Heat no      C71      C73
             C        Mn
             %        %
max          0.22     1.60
7K2214       0.142    0.86
7K2215       0.191    0.91
"""
    rows = read(HEATS, drawing)["heats"]
    assert values(rows, "heat", "c", "mn") == [
        ["7K2214", "0.142", "0.86"],
        ["7K2215", "0.191", "0.91"],
    ]
    assert rows[0]["c"]["unit"] == "%"


def test_unit_in_the_caption(read: Read) -> None:
    """`Heat analysis [%]` above the table is the unit of its numbers, and their label."""
    drawing = """
Heat analysis [%]
Heat no      C        Mn
7K2214       0.142    -
"""
    row = read(HEATS, drawing)["heats"][0]
    assert (row["c"]["unit"], row["c"]["label"], row["mn"]) == ("%", "Heat analysis [%]", None)


def test_table_continued_beside(read: Read) -> None:
    """A second block with other columns of the same heats goes on with their rows."""
    drawing = """
Heat no      C        Mn
7K2214       0.142    0.86

Heat no      N
7K2214       0.007
"""
    rows = read(HEATS, drawing)["heats"]
    assert values(rows, "heat", "c", "mn", "n") == [["7K2214", "0.142", "0.86", "0.007"]]
    other = drawing.replace("7K2214       0.007", "7K2215       0.007")
    assert len(read(HEATS, other)["heats"]) == 2


def test_fields_down_rows_across(read: Read) -> None:
    """Heats side by side, elements below each other, the heat number in the heading."""
    drawing = """
Chemistry, weight percent
Element      Heat L40417      Heat L40418
C                   0.17             0.16
Mn                  1.38             1.40
"""
    rows = read(HEATS, drawing)["heats"]
    assert values(rows, "heat", "c", "mn") == [
        ["L40417", "0.17", "1.38"],
        ["L40418", "0.16", "1.40"],
    ]


def test_symbols_and_values_in_lines(read: Read) -> None:
    """`Symbol | C | Si` above `Actual | 0.15 | 0.01`: each column is a row, in every block."""
    fields = {
        "chemistry": {
            "type": "list",
            "fields": {
                "symbol": {"aliases": ["Symbol"]},
                "content": {"type": "number", "aliases": ["Actual"]},
            },
        }
    }
    drawing = """
Symbol     C       Si      Mn
Actual     0.15    0.01    1.00

Symbol     N       B
Actual     0.047   0.001
"""
    rows = read(fields, drawing)["chemistry"]
    assert values(rows, "symbol", "content") == [
        ["C", "0.15"],
        ["Si", "0.01"],
        ["Mn", "1.00"],
        ["N", "0.047"],
        ["B", "0.001"],
    ]


def test_single_row_in_running_lines(read: Read) -> None:
    """One heat whose values stand by labels makes a list of one row."""
    drawing = """
Heat:     91147
C         0.128 %     Mn     0.79 %
N         0.0064 %
"""
    rows = read(HEATS, drawing)["heats"]
    assert values(rows, "heat", "c", "mn", "n") == [["91147", "0.128", "0.79", "0.0064"]]


def test_no_table_no_rows(read: Read) -> None:
    """Text without such a table gives an empty list."""
    assert read(HEATS, "The heat was mild.")["heats"] == []


def test_sidebar_beside_the_table(read: Read) -> None:
    """Lines beside the table neither end it nor become rows."""
    drawing = """
Invoice date                 Description               Qty    Amount
3 April 2024                 Bearing                   120    381.60
Due date
3 May 2024                   Carriage                    1     28.00
"""
    assert values(read(LINES, drawing)["lines"], "description") == [["Bearing"], ["Carriage"]]


def test_a_heading_without_any_required_field_heads_nothing(read: Read) -> None:
    """Another table that shares an optional column is not taken for the list."""
    drawing = """
Element      C        Mn
Limit        0.22     1.60
Result       0.15     1.00
"""
    assert read(HEATS, drawing)["heats"] == []
    assert read(LINES, "Description\nA text about something\nand more of it")["lines"] == []
