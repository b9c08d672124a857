"""Results as CSV: RFC 4180, UTF-8, a header; numbers with all their digits and no exponent.

A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers don't.
"""

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from docmill.handover.columns import Cell, Sheet

LIKE_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula, full-width forms too."""
LONGEST = 100
"""Digits beyond which a number is written with its exponent."""


def write_csv(sheet: Sheet, path: Path) -> int:
    """Write the file; returns the number of rows below its header."""
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in sheet.columns])
        for row in sheet.rows():
            writer.writerow([cell_text(cell) for cell in row])
            written += 1
    return written


def cell_text(cell: Cell) -> str:
    """A cell as it stands in the file; nothing is empty."""
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return format(cell, "f") if abs(cell.adjusted()) <= LONGEST else str(cell)
        case datetime():
            return cell.isoformat().replace("+00:00", "Z")
        case date():
            return cell.isoformat()
        case int():
            return str(cell)
        case _:
            text = cell.replace("\x00", "\ufffd")
            return f"'{text}" if text.startswith(LIKE_FORMULA) else text
