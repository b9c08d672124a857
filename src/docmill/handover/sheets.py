"""A stored run as rows: one for each value with its proof, or one for each document.

Both begin with what tells runs, documents and their states apart. Texts are as they were found;
what a spreadsheet would make of them is the writers' business.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date
from decimal import Decimal
from typing import Literal

from docmill.handover.columns import Cell, Column, Kind, Row, Sheet, laid_out
from docmill.records.checked import ROW_NUMBER, CheckedValue, Reading
from docmill.records.deliveries import run_key
from docmill.records.reader import RunReader
from docmill.records.results import DocumentResult, Verdict
from docmill.records.values import Range
from docmill.report.display import reading_text
from docmill.spec.fields import Field, FieldType

RUN_KEY = "run_key"
_HEAD = (
    Column(RUN_KEY),
    Column("pipeline"),
    Column("run"),
    Column("started", "time"),
    Column("document_id"),
    Column("document"),
    Column("sha256"),
    Column("document_status"),
)
_VALUES = (
    *_HEAD,
    Column("path"),
    Column("field"),
    Column("row"),
    Column("status"),
    Column("verdict"),
    Column("failed_checks"),
    Column("text"),
    Column("number", "number"),
    Column("date", "date"),
    Column("boolean", "boolean"),
    Column("min", "number"),
    Column("typ", "number"),
    Column("max", "number"),
    Column("unit"),
    Column("qualifier"),
    Column("candidates"),
    Column("page", "whole"),
    Column("quote"),
    Column("ocr", "boolean"),
    Column("code"),
    Column("reason"),
    Column("model"),
    Column("flags"),
)
_DOCUMENTS = (
    *_HEAD,
    Column("code"),
    Column("message"),
    Column("pages", "whole"),
    Column("attempts", "whole"),
    Column("cached", "boolean"),
    Column("usd", "number"),
    Column("failed_checks"),
)
_KINDS: dict[FieldType, Kind] = {
    "integer": "number",
    "number": "number",
    "quantity": "number",
    "date": "date",
    "boolean": "boolean",
}
_GRAVITY = ("fail", "missing", "not_comparable", "marginal", "pass")
Cells = dict[str, Cell]


def make_sheet(
    reader: RunReader, fields: Mapping[str, Field], rows: Literal["values", "documents"]
) -> Sheet:
    """The run's results in one of the two forms."""
    run = run_key(reader.info)
    if rows == "values":
        key = (RUN_KEY, "document_id", "path")
        return Sheet(rows, _VALUES, key, run, _lines(reader, _values))
    columns = (*_DOCUMENTS, *_field_columns(fields))

    def wide(result: DocumentResult) -> Iterator[Cells]:
        yield _document(result, fields)

    return Sheet(rows, columns, (RUN_KEY, "document_id"), run, _lines(reader, wide, columns))


def _lines(
    reader: RunReader,
    cells_of: Callable[[DocumentResult], Iterator[Cells]],
    columns: tuple[Column, ...] = _VALUES,
) -> Callable[[], Iterator[Row]]:
    info = reader.info
    run: Cells = {
        RUN_KEY: run_key(info),
        "pipeline": info.pipeline,
        "run": info.id,
        "started": info.started.astimezone(UTC),
    }

    def rows() -> Iterator[Row]:
        for result in reader.documents():
            head: Cells = run | {
                "document_id": result.document.id,
                "document": result.document.name,
                "sha256": result.document.sha256,
                "document_status": result.status,
            }
            for cells in cells_of(result):
                yield laid_out(columns, head | cells)

    return rows


def _values(result: DocumentResult) -> Iterator[Cells]:
    for value in result.record.values if result.record else ():
        reading = value.reading
        evidence = reading.evidence if reading else None
        yield {
            "path": value.path,
            "field": value.field,
            "row": ".".join(found[1:-1] for found in ROW_NUMBER.findall(value.path)) or None,
            "status": value.status,
            **_judged(result, value.path),
            **(_cells_of(reading) if reading else {}),
            "candidates": " | ".join(map(reading_text, value.candidates)) or None,
            "page": evidence.page if evidence else None,
            "quote": evidence.quote if evidence else None,
            "ocr": evidence.ocr if evidence else None,
            "code": value.code or None,
            "reason": value.reason or None,
            "model": value.by or None,
            "flags": ", ".join(value.flags) or None,
        }


def _cells_of(reading: Reading) -> Cells:
    cells: Cells = {"unit": reading.unit, "qualifier": reading.qualifier}
    match reading.value:
        case bool():
            cells["boolean"] = reading.value
        case Decimal():
            cells["number"] = reading.value
        case date():
            cells["date"] = reading.value
        case Range():
            cells |= {"min": reading.value.min, "typ": reading.value.typ, "max": reading.value.max}
        case text:
            cells["text"] = text
    return cells


def _judged(result: DocumentResult, path: str) -> Cells:
    """The gravest verdict on a value, and which checks it failed."""
    verdicts = [each for each in result.verdicts if each.path == path and not each.informative]
    worst = min(verdicts, key=lambda each: _GRAVITY.index(each.verdict), default=None)
    return {"verdict": worst.verdict if worst else None, "failed_checks": _failed(verdicts)}


def _failed(verdicts: list[Verdict]) -> str | None:
    return ", ".join(dict.fromkeys(v.check for v in verdicts if v.verdict == "fail")) or None


def _field_columns(fields: Mapping[str, Field]) -> Iterator[Column]:
    for name, field in fields.items():
        if field.type == "range":
            yield from (Column(f"{name}__{end}", "number") for end in ("min", "typ", "max"))
        else:
            yield Column(name, _KINDS.get(field.type, "text"))
        if field.type in ("quantity", "range"):
            yield Column(f"{name}__unit")
        if field.type in ("quantity", "number", "integer"):
            yield Column(f"{name}__qualifier")
        yield Column(f"{name}__status")
        yield Column(f"{name}__verdict")


def _document(result: DocumentResult, fields: Mapping[str, Field]) -> Cells:
    cells: Cells = {
        "code": result.code or None,
        "message": result.message or None,
        "pages": result.document.pages,
        "attempts": result.attempts,
        "cached": result.cached,
        "usd": result.usage.usd,
        "failed_checks": _failed([each for each in result.verdicts if not each.informative]),
    }
    by_field: dict[str, list[CheckedValue]] = {}
    for value in result.record.values if result.record else ():
        by_field.setdefault(re.split(r"[.\[]", value.path, maxsplit=1)[0], []).append(value)
    for name, field in fields.items():
        found = by_field.get(name, [])
        if field.type == "list":
            cells |= _list_cells(name, found)
        elif found:
            cells |= _field_cells(result, name, found[0])
    return cells


def _field_cells(result: DocumentResult, name: str, value: CheckedValue) -> Cells:
    """A field of a document; what isn't proven has a status and no value."""
    cells: Cells = {
        f"{name}__status": value.status,
        f"{name}__verdict": _judged(result, value.path)["verdict"],
    }
    if value.status != "verified" or value.reading is None:
        return cells
    reading = _cells_of(value.reading)
    for part in ("unit", "qualifier", "min", "typ", "max"):
        cells[f"{name}__{part}"] = reading.pop(part, None)
    cells[name] = next(iter(reading.values()), None)
    return cells


def _list_cells(name: str, values: list[CheckedValue]) -> Cells:
    """A list as JSON: its proven values by their paths; as bad as the worst of them."""
    found = {
        value.path: reading_text(value.reading)
        for value in values
        if value.status == "verified" and value.reading
    }
    statuses = {value.status for value in values}
    order = ("ambiguous", "unverified", "missing", "verified")
    return {
        name: json.dumps(found, ensure_ascii=False) if found else None,
        f"{name}__status": next((status for status in order if status in statuses), None),
    }
