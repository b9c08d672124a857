"""Sheets of an Excel file that are written row by row and never hold more than the current one.

Texts are stored as texts whatever they begin with, so no spreadsheet runs them as a formula.
Knows nothing of runs; `xlsx` says what stands in the cells.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter

from docmill.report.marks import MARKS, Tone

MAX_TEXT = 32_767
"""Characters Excel keeps in a cell."""
MAX_ROWS = 1_048_576
MAX_LINKS = 1_000
"""Linked rows of a sheet: Excel refuses files with more than 65,530, and each is held in memory."""
MAX_DIGITS = 15
"""Significant digits Excel keeps of a number; a longer one is stored as text."""
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LIKE_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "#")
_HEADER = {"font": Font(bold=True, color="FFFFFF"), "fill": PatternFill("solid", fgColor="3B4A54")}
_BOLD = Font(bold=True)
_LINK = Font(color="1F5C8B", underline="single")
_TONES: dict[Tone, tuple[str, str]] = {
    "good": ("E3F1E7", "1E6B3C"),
    "bad": ("FBE3E0", "A3281C"),
    "warn": ("FBEFD5", "8A5A00"),
    "unsure": ("ECE6F7", "5B3E9B"),
    "mute": ("ECEEF0", "4C5860"),
}
Cell = str | bool | int | float | Decimal | date | datetime | None


class Styled(NamedTuple):
    """A cell with a number format, or in bold."""

    value: Cell
    format: str = ""
    bold: bool = False


class Column(NamedTuple):
    """Heading and width in characters."""

    title: str
    width: int


class Sheet:
    """One sheet with a frozen header, filters and coloured status words."""

    def __init__(
        self, book: Workbook, name: str, columns: Sequence[Column], *, status: str = ""
    ) -> None:
        self._sheet: Any = book.create_sheet(name)
        self._rows = 0
        self._links = 0
        self._dropped = 0
        last = get_column_letter(len(columns))
        for index, column in enumerate(columns, start=1):
            self._sheet.column_dimensions[get_column_letter(index)].width = column.width
        titles = [column.title for column in columns]
        if any(titles):
            self._sheet.freeze_panes = "B2"
            self._sheet.print_title_rows = "1:1"
            self._append([self._header(title) for title in titles])
        self._filter = f"A1:{last}" if status else ""
        if status:
            self._colour(get_column_letter(titles.index(status) + 1))

    def add(self, cells: Sequence[Cell | Styled], *, link: str = "") -> None:
        """Append a row; `link` makes its first cell open that address."""
        if self._rows >= MAX_ROWS - 1:
            self._dropped += 1
            return
        made = [self._cell(cell) for cell in cells]
        if link and self._links < MAX_LINKS:
            self._links += 1
            made[0] = self._linked(cells[0], link)
        self._append(made)

    def close(self) -> None:
        """Say how many rows didn't fit; set the range of the filters."""
        if self._dropped:
            self._append([f"{self._dropped:,} more rows stand in report.json"])
        if self._filter:
            self._sheet.auto_filter.ref = f"{self._filter}{max(self._rows, 1)}"

    def _append(self, row: list[Any]) -> None:
        self._sheet.append(row)
        self._rows += 1

    def _header(self, title: str) -> Any:
        cell = self._text(title)
        cell.font, cell.fill = _HEADER["font"], _HEADER["fill"]
        return cell

    def _cell(self, cell: Cell | Styled) -> Any:
        styled = cell if isinstance(cell, Styled) else Styled(cell)
        value: Any = styled.value
        if isinstance(value, Decimal) and not _fits(value):
            value = str(value)
        if isinstance(value, str):
            text = clean(value)
            if not text:
                return None
            if not (styled.bold or text.startswith(_LIKE_FORMULA)):
                return text
            made = self._text(text)
        elif isinstance(value, datetime):
            made = self._made(_naive(value), "yyyy-mm-dd hh:mm:ss")
        elif isinstance(value, date):
            made = self._date(value)
        elif not (styled.format or styled.bold):
            return value
        else:
            made = self._made(value, styled.format or "General")
        if styled.bold:
            made.font = _BOLD
        return made

    def _made(self, value: object, number_format: str) -> Any:
        cell: Any = WriteOnlyCell(self._sheet)
        cell.value = value
        cell.number_format = number_format
        return cell

    def _text(self, text: str) -> Any:
        """A cell that is text, and stays one when it is edited in Excel."""
        cell: Any = WriteOnlyCell(self._sheet)
        cell.value = text
        cell.data_type = "s"
        if text.startswith(_LIKE_FORMULA):
            cell.quotePrefix = True
        return cell

    def _date(self, day: date) -> Any:
        if day.year < 1900:  # before Excel's calendar begins
            return self._text(day.isoformat())
        return self._made(day, "yyyy-mm-dd")

    def _linked(self, first: Cell | Styled, address: str) -> Any:
        value = first.value if isinstance(first, Styled) else first
        cell = self._text(clean(str(value)))
        cell.hyperlink = address
        cell.font = _LINK
        return cell

    def _colour(self, letter: str) -> None:
        for tone, (fill, ink) in _TONES.items():
            words = sorted({mark.word for mark in MARKS.values() if mark.tone == tone})
            tests = ",".join(f'${letter}2="{word}"' for word in words)
            style = DifferentialStyle(
                font=Font(color=ink, bold=tone == "bad"), fill=PatternFill("solid", bgColor=fill)
            )
            rule = Rule(type="expression", dxf=style, formula=[f"OR({tests})"])
            self._sheet.conditional_formatting.add(f"{letter}2:{letter}{MAX_ROWS}", rule)


def clean(text: str) -> str:
    """Text as an xlsx file can hold it: without refused characters, cut at Excel's limit."""
    kept = _REFUSED.sub("", text).replace("\r\n", "\n")
    return kept if len(kept) <= MAX_TEXT else kept[: MAX_TEXT - 1] + "…"


def number_format(number: Decimal) -> str:
    """Shows as many decimals as are stored: `5.10` stays `5.10`."""
    exponent = number.as_tuple().exponent
    decimals = min(-exponent, MAX_DIGITS) if isinstance(exponent, int) and exponent < 0 else 0
    return "0." + "0" * decimals if decimals else "0"


def _fits(number: Decimal) -> bool:
    return len(number.normalize().as_tuple().digits) <= MAX_DIGITS and abs(number.adjusted()) <= 300


def _naive(moment: datetime) -> datetime:
    """Excel knows no zones; all times are UTC."""
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)
