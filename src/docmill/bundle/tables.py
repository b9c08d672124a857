"""The report's files, cell by cell against those made of what was derived again."""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from docmill.bundle.cells import MISSING, compare_cells, same
from docmill.bundle.findings import Check
from docmill.bundle.opening import BundleError, check_inner

BROKEN = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, SyntaxError, TypeError,
    ValueError, BadZipFile, InvalidFileException, zlib.error,
)  # fmt: skip
"""What openpyxl raises at a file that is no table."""
_DATA = re.compile(r'<script type="application/json" class="document">(.*?)</script>', re.DOTALL)
_PICTURE = re.compile(r'<script type="text/plain" id="p-[^"]*">[^<]*</script>\n?')


def compare_json(check: Check, found: Path, wanted: Path) -> None:
    """report.json: its head, then document by document."""
    lines = zip_longest(_documents(found), _documents(wanted))
    for place, (left, right) in enumerate(lines):
        if left is None or right is None:
            check.compare(f"documents[{place}]", left and "there", right and "there")
            continue
        name = _name(right) if place else ""
        compare_cells(check, name, left, right)


def _name(document: Any) -> str:
    return str(document["document"]["name"])


def _documents(path: Path) -> Iterator[Any]:
    """First everything but the documents, then each of them."""
    with path.open("rb") as file:
        try:
            head = b"".join(next(file) for _ in range(5))
            yield json.loads(head + b"]}")
            for text in file:
                if text.startswith(b"{"):
                    yield json.loads(text.rstrip(b",\n"))
                elif text.strip() != b"]}":
                    raise BundleError(f"{path.name} has a line that no report has.")
        except (ValueError, RecursionError, StopIteration) as error:
            raise BundleError(f"{path.name} is no report.json: {error}.") from error


def compare_xlsx(check: Check, found: Path, wanted: Path) -> None:
    """report.xlsx: every cell of every sheet, formulas as such."""
    check_inner(found)
    try:
        _compare_books(check, found, wanted)
    except BROKEN as error:
        raise BundleError(f"{found.name} is no table: {error}.") from error


def _compare_books(check: Check, found: Path, wanted: Path) -> None:
    with ExitStack() as opened:
        old, new = (load_workbook(path, read_only=True) for path in (found, wanted))
        opened.callback(old.close)
        opened.callback(new.close)
        check.compare("sheets", old.sheetnames, new.sheetnames)
        for name in new.sheetnames:
            if name in old.sheetnames:
                _compare_sheet(check, name, old[name], new[name])


def _compare_sheet(check: Check, name: str, old: Any, new: Any) -> None:
    rows = zip_longest(old.iter_rows(), new.iter_rows(), fillvalue=())
    for number, (left, right) in enumerate(rows, 1):
        for column, (one, other) in enumerate(zip_longest(left, right), 1):
            found, wanted = _cell(one), _cell(other)
            if found is None and wanted is None:
                continue
            check.cells += 1
            if not same(found, wanted):
                check.wrong(f"{name} row {number} column {column}", found, wanted)


def _cell(cell: Any) -> object:
    value = getattr(cell, "value", None)
    if isinstance(value, str) and getattr(cell, "data_type", "s") == "f":
        return f"formula {value}"
    return value.isoformat() if isinstance(value, datetime) else value


def compare_html(check: Check, found: Path, wanted: Path, *, whole: bool) -> None:
    """report.html: the data of every document, and with `whole` all the rest, line by line."""
    old, new = _text(found), _text(wanted)
    left, right = _DATA.findall(old), _DATA.findall(new)
    for place, (one, other) in enumerate(zip_longest(left, right, fillvalue="null")):
        try:
            compare_cells(check, f"document {place + 1}", json.loads(one), json.loads(other))
        except (ValueError, RecursionError):
            check.compare(f"document {place + 1}", "no data", "data")
    if whole:
        _compare_lines(
            check, _PICTURE.sub("", _DATA.sub("", old)), _PICTURE.sub("", _DATA.sub("", new))
        )
        pictures: Callable[[str], list[str]] = _PICTURE.findall
        check.compare("pictures", len(pictures(old)), len(pictures(new)))


def compare_text(check: Check, found: Path, wanted: Path) -> None:
    """report.md: every line."""
    _compare_lines(check, _text(found), _text(wanted))


def _compare_lines(check: Check, old: str, new: str) -> None:
    lines = zip_longest(old.split("\n"), new.split("\n"), fillvalue=MISSING)
    for number, (left, right) in enumerate(lines, 1):
        check.compare(f"line {number}", left, right)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
