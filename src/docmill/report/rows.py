"""Rows of the HTML report: one document with its values and verdicts as plain data.

The template prints the first rows from these, the script all of them; empty keys are left out.
"""

from collections.abc import Sized
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote

from docmill.records.checked import CheckedValue, Evidence, Reading
from docmill.records.outputs import OutputFile, RefusedOutput
from docmill.records.reader import RunReader
from docmill.records.results import DocumentInfo, DocumentResult, Verdict
from docmill.report import display
from docmill.report.findings import value_page
from docmill.report.outputs import output_link

MAX_TEXT = 4000
"""Characters of one text in the HTML file; report.json has them all."""
_SAFE = "!'()*"  # as JavaScript's encodeURIComponent has it
Row = dict[str, Any]


def link(document: str, path: str = "") -> str:
    """Address inside report.html that opens a value, or a document."""
    place = quote(document, safe=_SAFE)
    return f"#v={place}/{quote(path, safe=_SAFE)}" if path else f"#d={place}"


def document_row(result: DocumentResult, pictures: dict[int, str | None]) -> Row:
    """A document with its values and verdicts; `pictures` as `Shelf.names` gives them."""
    document, usage = result.document, result.usage
    values = result.record.values if result.record else ()
    wanted = result.demanded
    numbers = {value.path: _number(value) for value in values}
    return _lean(
        id=document.id,
        name=display.visible(document.name),
        status=result.status,
        code=result.code,
        message=display.clip(result.message, MAX_TEXT),
        remedy=display.clip(result.remedy, MAX_TEXT),
        notes=[display.clip(note, MAX_TEXT) for note in remarks(result)],
        pages=document.pages,
        size=document.size,
        media=document.media_type,
        twin=document.duplicate_of,
        attempts=result.attempts,
        cached=result.cached,
        session=result.session_id,
        calls=usage.model_calls,
        tokens=usage.prompt_tokens + usage.output_tokens,
        usd=float(usage.usd),
        cost=display.usd_text(usage.usd, usage.unpriced_calls),
        wall=round(usage.wall_seconds, 3),
        sandbox=round(usage.sandbox_seconds, 3),
        outputs=[_output_row(document, output) for output in result.outputs],
        unkept=[_refused_row(refused) for refused in result.refused_outputs],
        sizes={page: [round(side, 1) for side in size] for page, size in result.page_sizes.items()},
        pictures=pictures,
        values=[value_row(value, wanted=wanted) for value in values],
        verdicts=[verdict_row(v, number=numbers.get(v.path)) for v in result.verdicts],
    )


def _output_row(document: DocumentInfo, output: OutputFile) -> Row:
    size = display.size_text(output.size)
    return {
        "name": display.visible(output.name),
        "href": output_link(document, output),
        "file": output.file,
        "size": size,
    }


def _refused_row(refused: RefusedOutput) -> Row:
    return {"name": display.visible(refused.name), "reason": display.visible(refused.reason)}


def remarks(result: DocumentResult) -> list[str]:
    """What preparation noticed about a document: notes, then flags, the grave ones first."""
    flags = sorted(result.flags, key=lambda flag: flag.severity == "info")
    return [*result.notes, *(display.visible(flag.sentence) for flag in flags)]


def value_row(value: CheckedValue, *, wanted: frozenset[str] = frozenset()) -> Row:
    """One value; `readings` holds its proof, or all rivals if it is ambiguous.

    `wanted`: what checks demand, as `DocumentResult.demanded` gives it.
    """
    readings = value.candidates or ((value.reading,) if value.reading else ())
    return _lean(
        path=value.path,
        status=value.status,
        text=display.clip(display.value_text(value), MAX_TEXT),
        number=_number(value),
        page=value_page(value),
        code=value.code,
        reason=display.clip(value.reason, MAX_TEXT),
        optional=not (value.required or value.path in wanted),
        by=value.by,
        since=value.session,
        flags=[flag.replace("_", " ") for flag in value.flags],
        readings=[_reading_row(reading) for reading in readings],
    )


def verdict_row(verdict: Verdict, *, number: float | None = None) -> Row:
    """One verdict; `number` is the value judged, to sort by."""
    return _lean(
        verdict=verdict.shown_as,
        path=verdict.path,
        found=display.clip(verdict.value, MAX_TEXT),
        number=number,
        limit=display.clip(verdict.limit, MAX_TEXT),
        clause=display.clip(verdict.clause, MAX_TEXT),
        check=verdict.check,
        severity=verdict.severity if verdict.severity != "critical" else "",
        message=display.clip(verdict.message, MAX_TEXT),
        related=[display.visible(name) for name in verdict.related],
    )


class FirstRows(NamedTuple):
    """What the tables show before, or without, the script."""

    documents: list[Row]
    values: list[tuple[Row, Row]]
    """Document and value."""
    verdicts: list[tuple[Row, Row]]
    """Document and verdict."""


def first_rows(reader: RunReader, number: int) -> FirstRows:
    """The first rows of each table, from the first `number` documents only."""
    documents = [document_row(result, {}) for result in islice(reader.documents(), number)]
    values = ((row, value) for row in documents for value in row.get("values", ()))
    verdicts = ((row, verdict) for row in documents for verdict in row.get("verdicts", ()))
    return FirstRows(documents, list(islice(values, number)), list(islice(verdicts, number)))


def _reading_row(reading: Reading) -> Row:
    proof = _evidence_row(reading.evidence) if reading.evidence else {}
    return {"text": display.clip(display.reading_text(reading), MAX_TEXT), **proof}


def _evidence_row(evidence: Evidence) -> Row:
    return _lean(
        page=evidence.page,
        quote=display.clip(evidence.quote, MAX_TEXT),
        boxes=[_rounded(box) for box in evidence.boxes],
        label=_rounded(evidence.label_box) if evidence.label_box else None,
        ocr=evidence.ocr,
        confidence=evidence.confidence,
    )


def _rounded(box: tuple[float, ...]) -> list[float]:
    return [round(side, 1) for side in box]


def _number(value: CheckedValue) -> float | None:
    found = value.reading.value if value.reading else None
    return float(found) if isinstance(found, Decimal) else None


def _lean(**items: object) -> Row:
    """Leaves out None, False and what is empty; a 0 stays."""
    return {
        key: item
        for key, item in items.items()
        if not (item is None or item is False or (isinstance(item, Sized) and not len(item)))
    }
