"""Reference files as tables of cells: xlsx, csv and yaml, each cell with its place.

Reads what stands there; whether it makes sense is for `reference` to say.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

from docmill.errors import KeyProblem

MAX_BYTES = 50_000_000
MAX_ROWS = 200_000
CELL = re.compile(r"=(?P<sheet>'[^']+'|[^!]+)!\$?(?P<column>[A-Za-z]{1,3})\$?(?P<row>[0-9]{1,7})")
Cell = Decimal | str | bool | None


class TableError(ValueError):
    """A reference file that can't be read as a table; `key` is the key of `reference` at fault."""

    def __init__(self, message: str, *, key: str = "path", remedy: str = "") -> None:
        super().__init__(message)
        self.problem = KeyProblem(("reference", key), message, remedy)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a table."""

    number: int
    """As the file counts: rows of a sheet, lines of a text, entries of a list."""
    cells: dict[str, Cell]
    """By column name; empty cells are None."""


@dataclass(slots=True)
class Sheet:
    """A table with named columns."""

    name: str
    """How messages call it: `standard.xlsx Limits`, `limits.csv`."""
    columns: dict[str, str]
    """Column name → letter or position, for messages."""
    lines: list[Line] = field(default_factory=list["Line"])
    broken: list[KeyProblem] = field(default_factory=list[KeyProblem])
    """Cells that hold no value: formulas never calculated, errors."""
    marks_decimals: bool = False
    """True for text files, whose numbers are still to be read."""

    def place(self, line: int, column: str) -> str:
        """`standard.xlsx Limits!D7`, or `limits.csv line 7, column max`."""
        letter = self.columns.get(column, "")
        if letter.isalpha() and letter.isupper():
            return f"{self.name}!{letter}{line}"
        return f"{self.name} line {line}, column {column}"


def read_sheet(path: Path, sheet: str | None) -> Sheet:
    """The table of a file.

    Raises:
        TableError: no such file or sheet, another format, too large, or damaged.
    """
    readers = {".xlsx": _xlsx, ".xlsm": _xlsx, ".csv": _csv, ".tsv": _csv, ".yaml": _yaml,
               ".yml": _yaml}  # fmt: skip
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TableError(f"`{path.name}` is none of xlsx, csv, yaml")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise TableError(f"`{path.name}` can't be read: {error.strerror}") from error
    if size > MAX_BYTES:
        raise TableError(f"`{path.name}` is larger than {MAX_BYTES // 1_000_000} MB")
    if sheet is not None and reader is not _xlsx:
        raise TableError(f"`{path.name}` has no sheets", key="sheet", remedy="leave out `sheet`")
    return reader(path, sheet)


def read_cell(path: Path, reference: str) -> str:
    """The text of one cell, by a reference such as `=Info!B2`.

    Raises:
        TableError: no such sheet or an empty cell.
    """
    match = CELL.fullmatch(reference.strip())
    if match is None or path.suffix.lower() not in (".xlsx", ".xlsm"):
        raise TableError(f"`{reference}` is no cell of an xlsx file", key="version",
                         remedy="write it as `=Sheet!B2`")  # fmt: skip
    book = _open(path)
    try:
        page = _page(book, match["sheet"].strip("'"), path, key="version")
        value = _value(page[f"{match['column'].upper()}{match['row']}"].value)
    finally:
        book.close()
    if value is None:
        raise TableError(f"{path.name} {reference[1:]} is empty", key="version")
    return str(value)


def _open(path: Path, *, formulas: bool = False) -> Any:
    openpyxl: Any = import_module("openpyxl")
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=not formulas)
    except (BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise TableError(f"`{path.name}` is no readable xlsx file") from error


def _page(book: Any, sheet: str | None, path: Path, *, key: str = "sheet") -> Any:
    if sheet is None:
        return book.worksheets[0]
    if sheet not in book.sheetnames:
        known = ", ".join(book.sheetnames)
        raise TableError(f"`{path.name}` has no sheet `{sheet}`", key=key, remedy=f"known: {known}")
    return book[sheet]


class _Broken(NamedTuple):
    """A cell that holds no value."""

    why: str


def _xlsx(path: Path, sheet: str | None) -> Sheet:
    book, formulas = _open(path), _open(path, formulas=True)
    try:
        page, behind = _page(book, sheet, path), _page(formulas, sheet, path)
        for each in (page, behind):
            each.reset_dimensions()  # files by other programs often carry wrong ones
        rows = zip(page.iter_rows(), behind.iter_rows(), strict=False)
        numbered = (
            (number, [_cell(*pair) for pair in zip(row, raw, strict=False)])
            for number, (row, raw) in enumerate(rows, 1)
        )
        return _from_rows(f"{path.name} {page.title}", numbered, letters=True)
    finally:
        book.close()
        formulas.close()


def _cell(cell: Any, behind: Any) -> Any:
    """A cell's value; a formula has one only if the program that saved the file worked it out."""
    if cell.data_type == "e":
        return _Broken(f"holds the error {cell.value}")
    if behind.data_type == "f" and cell.value is None:
        return _Broken("holds a formula that was never calculated")
    return cell.value


def _csv(path: Path, sheet: str | None) -> Sheet:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"`{path.name}` is no text in UTF-8") from error
    head = text.split("\n", 1)[0]
    mark = max("\t;,", key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise TableError(f"`{path.name}` line {reader.line_num}: {error}") from error
    table = _from_rows(path.name, iter(rows), letters=False)
    table.marks_decimals = True
    return table


def _yaml(path: Path, sheet: str | None) -> Sheet:
    ruamel: Any = import_module("ruamel.yaml")
    try:
        data: object = ruamel.YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ruamel.YAMLError) as error:
        raise TableError(f"`{path.name}` is no readable yaml file") from error
    entries: object = data.get("rows", data) if isinstance(data, dict) else data  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if not isinstance(entries, list):
        raise TableError(f"`{path.name}` is no list of rows", remedy="write `- parameter: ...`")
    table = Sheet(path.name, {})
    for number, entry in enumerate(entries, 1):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        if not isinstance(entry, Mapping):
            raise TableError(f"`{path.name}` entry {number} has no columns")
        cells = {str(name): _value(value) for name, value in entry.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        table.columns.update({name: str(len(table.columns) + 1) for name in cells})
        table.lines.append(Line(number, cells))
    return table


def _from_rows(name: str, rows: Iterator[tuple[int, list[Any]]], *, letters: bool) -> Sheet:
    head: list[str] = []
    table = Sheet(name, {})
    for number, row in rows:
        if len(table.lines) > MAX_ROWS:
            raise TableError(f"`{name}` has more than {MAX_ROWS} rows")
        if not any(value not in (None, "") for value in row):
            continue
        if not head:
            head = [str(value or "").strip() for value in row]
            table.columns = {
                title: _letter(index) if letters else str(index + 1)
                for index, title in enumerate(head)
                if title
            }
            continue
        cells = _cells(table, head, number, row)
        table.lines.append(Line(number, cells))
    if not head:
        raise TableError(f"`{name}` is empty")
    return table


def _cells(table: Sheet, head: list[str], number: int, row: list[Any]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for title, value in zip(head, row, strict=False):
        if not title:
            continue
        if isinstance(value, _Broken):
            message = f"{table.place(number, title)}: {value.why}"
            remedy = "open the file in a spreadsheet program and save it, or type the value"
            table.broken.append(KeyProblem(("reference", "path"), message, remedy))
            value = None  # noqa: PLW2901 - reported, and empty from here on
        cells[title] = _value(value)
    return cells


def _value(value: Any) -> Cell:
    """A cell's value; floats by their shortest form, which is what was typed."""
    match value:
        case bool() | None:
            return value
        case int() | float():
            return Decimal(repr(value))
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case _:
            text = " ".join(str(value).split())
            return text if text not in ("", "-", "–", "—") else None


def _letter(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
