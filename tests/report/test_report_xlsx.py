"""report.xlsx, opened again as a spreadsheet program would."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from openpyxl import Workbook, load_workbook

from docmill.records.values import Range
from docmill.report import sheets
from docmill.report.sheets import Column, Sheet

if TYPE_CHECKING:
    from tests.report.conftest import Workshop

    from docmill.records.results import DocumentResult


def opened(workshop: "Workshop", *results: "DocumentResult") -> Any:
    """The workbook of a report."""
    files = workshop.write(*results, formats=("xlsx",))
    assert files.xlsx is not None
    return cast("Any", load_workbook(files.xlsx))


def rows(sheet: Any) -> list[dict[str, Any]]:
    """Rows below the header, by heading."""
    head, *body = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=False)) for row in body]


def test_every_finding_has_a_row_the_failures_included(workshop: "Workshop") -> None:
    """Verdicts, values without proof, documents that didn't finish: one list to work through."""
    book = opened(workshop, *workshop.batch())
    assert book.sheetnames == ["Summary", "Findings", "Values", "Documents", "Costs"]
    found = [(row["Document"], row["Finding"], row["Field"]) for row in rows(book["Findings"])]
    assert found == [
        ("a.pdf", "pass", "supply_voltage"),
        ("b.pdf", "fail", "supply_voltage"),
        ("b.pdf", "marginal", "ripple"),
        ("b.pdf", "not comparable", "current"),
        ("b.pdf", "missing", "mass"),
        ("b.pdf", "ambiguous", "current"),
        ("b.pdf", "unverified", "noise"),
        ("c.pdf", "unfinished", None),
    ]


def test_numbers_are_numbers_with_their_decimals_and_their_unit(workshop: "Workshop") -> None:
    """`5.10 V` can be summed, and still shows as 5.10."""
    result = workshop.document("a.pdf", "ok", workshop.value("supply", found="5.10"))
    sheet = opened(workshop, result)["Values"]
    cell = sheet["E2"]
    assert (cell.value, cell.number_format, sheet["F2"].value) == (5.1, "0.00", "V")


@pytest.mark.parametrize(
    ("found", "cell"),
    [
        (date(2026, 1, 2), "2026-01-02 00:00:00"),
        (date(1815, 6, 18), "1815-06-18"),
        (True, "yes"),
        ("0012", "0012"),
        (Decimal("12345678901234567.5"), "12345678901234567.5"),
        (Decimal("1E+400"), "1E+400"),
        (Range(min=Decimal(-40), max=Decimal(85)), "−40 … 85"),
        (None, "—"),
    ],
)
def test_every_kind_of_value_has_a_cell(workshop: "Workshop", found: Any, cell: str) -> None:
    """What Excel can't hold exactly is kept as text."""
    held = workshop.value("x").model_copy(update={"reading": workshop.reading(found)})
    sheet = opened(workshop, workshop.document("a.pdf", "ok", held))["Values"]
    assert str(sheet["E2"].value or "—") == cell


def test_bounds_of_a_range_stand_in_columns_of_their_own(workshop: "Workshop") -> None:
    """So that they can be compared."""
    held = workshop.reading(Range(min=Decimal(-40), max=Decimal("85.5")), "°C")
    one = workshop.value("x").model_copy(update={"reading": held})
    (row,) = rows(opened(workshop, workshop.document("a.pdf", "ok", one))["Values"])
    assert (row["Min"], row["Typ"], row["Max"], row["Unit"]) == (-40, None, 85.5, "°C")


def test_no_text_of_a_document_becomes_a_formula(workshop: "Workshop") -> None:
    """Also after somebody has edited the cell: such texts carry the quote prefix."""
    texts = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "#REF!")
    values = [workshop.value(f"f{n}", "unverified", reason=t) for n, t in enumerate(texts)]
    book = opened(workshop, workshop.document("=x.pdf", "flagged", *values))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type in ("f", "e")]
    begins = [cell for cell in cells if str(cell.value).startswith(("=", "+", "-", "@", "\t", "#"))]
    assert len(begins) > len(texts)
    assert all(cell.quotePrefix for cell in begins)


def test_what_a_spreadsheet_refuses_is_removed_and_what_is_too_long_cut(
    workshop: "Workshop",
) -> None:
    """Control characters, lone surrogates and U+FFFE would make Excel call the file damaged."""
    assert sheets.clean("a\x00b\x0bc\ufffed\ud800e\r\nf") == "abcde\nf"
    assert len(sheets.clean("x" * 40_000)) == sheets.MAX_TEXT
    book = opened(workshop, workshop.hostile())
    assert len(rows(book["Values"])) == len(workshop.nasty)


def test_links_lead_to_our_own_report_only(workshop: "Workshop") -> None:
    """Text that looks like an address stays text."""
    result = workshop.document("https://evil.example/a.pdf", "ok", workshop.value("x"))
    book = opened(workshop, result)
    links = [c.hyperlink for s in book for row in s.iter_rows() for c in row if c.hyperlink]
    targets = {f"{link.target or ''}#{link.location or ''}" for link in links}
    assert targets
    assert all(target.startswith("report.html#") for target in targets)


def test_sheets_filter_and_keep_their_header_in_view(workshop: "Workshop") -> None:
    """The header is frozen, has filters, and statuses are coloured beside their word."""
    book = opened(workshop, *workshop.batch())
    for name in ("Findings", "Values", "Documents"):
        assert book[name].freeze_panes == "B2"
        assert book[name].auto_filter.ref.startswith("A1:")
        assert len(list(book[name].conditional_formatting)) == 1
        assert book[name].column_dimensions["A"].width > 30


def test_costs_end_with_their_total(workshop: "Workshop") -> None:
    """The sum is computed in Decimal, not by the sheet."""
    body = rows(opened(workshop, *workshop.batch())["Costs"])
    assert (body[-1]["Document"], body[-1]["USD"], body[-1]["Model calls"]) == ("Total", 0.06, 6)


def test_a_full_sheet_says_how_many_rows_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Excel ends at 1,048,576 rows; the report doesn't hide it."""
    monkeypatch.setattr(sheets, "MAX_ROWS", 4)
    monkeypatch.setattr(sheets, "MAX_LINKS", 1)
    book = Workbook(write_only=True)
    sheet = Sheet(book, "Rows", [Column("Name", 10)])
    for number in range(10):
        sheet.add([f"row {number}"], link="report.html#d=x")
    sheet.close()
    book.save(tmp_path / "x.xlsx")
    page: Any = cast("Any", load_workbook(tmp_path / "x.xlsx"))["Rows"]
    texts = [row[0] for row in page.iter_rows(values_only=True)]
    assert texts == ["Name", "row 0", "row 1", "8 more rows stand in report.json"]
    assert [bool(page[f"A{n}"].hyperlink) for n in (2, 3)] == [True, False]
