"""The batch as a table for expectations: one row per document, one column per field.

Holds proven values only, in the fields' own units; everything else is an empty cell. Streams: a row
is made of one document and forgotten.
"""

import csv
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Literal

from docmill.checks.view import RecordView, Unproven
from docmill.quantities import IncompatibleUnits, convert
from docmill.records.checked import Reading
from docmill.records.results import DocumentResult
from docmill.records.values import Range
from docmill.spec.fields import Field

ColumnKind = Literal["text", "number", "boolean"]
FIRST: tuple[str, ...] = ("document", "status")


class Table:
    """Columns of a record's fields, and rows of documents.

    `document` and `status` come first. A range gives `NAME.min` and `NAME.max`, a list field the
    number of its rows as `NAME` and, for each number in it, the sum over all rows as `NAME.PART`
    (empty unless every row has a proven value).
    """

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields
        self.kinds: dict[str, ColumnKind] = dict.fromkeys(FIRST, "text")
        for name, field in fields.items():
            self.kinds |= _columns(name, field)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.kinds)

    def row(self, result: DocumentResult) -> list[str]:
        """Cells of one document, in the order of the columns."""
        cells = {"document": result.document.name, "status": result.status}
        if result.record is not None:
            view = RecordView(result.record, self._fields)
            for name, field in self._fields.items():
                cells |= _cells(view, name, field)
        return [cells.get(column, "") for column in self.columns]


def write_table(path: Path, fields: Mapping[str, Field], results: Iterable[DocumentResult]) -> int:
    """Write the table of all documents that have a record as csv; returns their number."""
    table = Table(fields)
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(table.columns)
        for result in results:
            if result.record is not None:
                rows.writerow(table.row(result))
                count += 1
    return count


def _columns(name: str, field: Field) -> dict[str, ColumnKind]:
    match field.type:
        case "range":
            return {f"{name}.min": "number", f"{name}.max": "number"}
        case "list":
            parts = (field.fields or {}).items()
            sums = {f"{name}.{part}" for part, inner in parts if _is_number(inner)}
            return {name: "number", **dict.fromkeys(sorted(sums), "number")}
        case "boolean":
            return {name: "boolean"}
        case _:
            return {name: "number" if _is_number(field) else "text"}


def _is_number(field: Field) -> bool:
    return field.type in ("quantity", "number", "integer")


def _cells(view: RecordView, name: str, field: Field) -> dict[str, str]:
    if field.type == "list":
        return _list_cells(view, name, field)
    try:
        reading = view.reading(name)
        if isinstance(reading.value, Range):
            ends = {"min": reading.value.min, "max": reading.value.max}
            return {
                f"{name}.{end}": _number(value, reading, field)
                for end, value in ends.items()
                if value is not None
            }
        if isinstance(reading.value, Decimal):
            exact = reading.qualifier == "="
            return {name: _number(reading.value, reading, field) if exact else ""}
        return {name: str(reading.value)}
    except Unproven:
        return {}


def _list_cells(view: RecordView, name: str, field: Field) -> dict[str, str]:
    rows = view.rows(name)
    cells = {name: str(rows)}
    for part, inner in (field.fields or {}).items():
        if not _is_number(inner):
            continue
        try:
            readings = [view.reading(f"{name}[{index}].{part}") for index in range(rows)]
            values = [_number(each.value, each, inner) for each in readings]
        except Unproven:
            continue
        if values and all(values):
            cells[f"{name}.{part}"] = f"{sum(map(Decimal, values)):f}"
    return cells


def _number(value: object, reading: Reading, field: Field) -> str:
    """Digits in the field's unit; empty where the reading has none that fits."""
    if not isinstance(value, Decimal):
        return ""
    if field.unit is None:
        return f"{value:f}"
    if reading.unit is None:
        return ""
    try:
        return f"{convert(value, reading.unit, field.unit):f}"
    except IncompatibleUnits:
        return ""
