"""report.xlsx: Summary, Findings, Values, Documents and Costs, for filtering and working on.

Numbers are numbers with their unit beside them. How cells are kept safe stands in `sheets`.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from openpyxl import Workbook

from docmill.records.checked import CheckedValue, Reading
from docmill.records.forecast import Dollars
from docmill.records.reader import RunReader
from docmill.records.results import DocumentResult, RunInfo, Usage
from docmill.records.values import Range
from docmill.report.cascade import CascadeSummary
from docmill.report.display import plain_text, value_text, visible
from docmill.report.findings import Finding, findings, value_page
from docmill.report.marks import MARKS
from docmill.report.outputs import output_link, output_path
from docmill.report.rows import link, remarks
from docmill.report.sheets import Cell, Column, Sheet, Styled, number_format
from docmill.report.summary import Summary

_USD = "[$$-409]#,##0.00000"
_COUNT = "#,##0"
_SECONDS = "#,##0.00"
_FINDINGS = (
    Column("Document", 34),
    Column("Finding", 16),
    Column("Field", 28),
    Column("Found", 24),
    Column("Wanted", 24),
    Column("Clause", 16),
    Column("Check", 26),
    Column("Severity", 11),
    Column("Page", 7),
    Column("What it means", 70),
    Column("Next step", 44),
    Column("Other documents", 34),
)
_VALUES = (
    Column("Document", 34),
    Column("Field", 28),
    Column("Path", 30),
    Column("Status", 14),
    Column("Value", 20),
    Column("Unit", 10),
    Column("Qualifier", 10),
    Column("Min", 12),
    Column("Typ", 12),
    Column("Max", 12),
    Column("Page", 7),
    Column("Quote", 60),
    Column("OCR", 7),
    Column("Flags", 20),
    Column("Reason", 60),
    Column("Code", 20),
)
_BY = Column("Model", 26)
_DOCUMENTS = (
    Column("Document", 40),
    Column("Status", 13),
    Column("Code", 24),
    Column("What happened", 60),
    Column("Next step", 44),
    Column("Pages", 8),
    Column("Bytes", 13),
    Column("Type", 18),
    Column("Attempts", 10),
    Column("From an earlier run", 19),
    Column("Same content as", 24),
    Column("Values", 9),
    Column("Verified", 9),
    Column("Failed checks", 13),
    Column("Notes", 50),
    Column("Session", 28),
    Column("sha256", 66),
)
_OUTPUTS = (
    Column("Document", 40),
    Column("File", 44),
    Column("Bytes", 13),
    Column("Lies in", 60),
    Column("Not kept because", 40),
    Column("sha256", 66),
)
_COSTS = (
    Column("Document", 40),
    Column("Model calls", 12),
    Column("Failed calls", 12),
    Column("Lost calls", 11),
    Column("Batched calls", 13),
    Column("Input tokens", 13),
    Column("Output tokens", 14),
    Column("Cache write tokens", 18),
    Column("Cache write tokens (1 h)", 23),
    Column("Cache read tokens", 17),
    Column("Tool calls", 11),
    Column("Wall seconds", 13),
    Column("Sandbox seconds", 16),
    Column("USD", 13),
    Column("Unpriced calls", 14),
)


class _Sheets(NamedTuple):
    findings: Sheet
    values: Sheet
    documents: Sheet
    costs: Sheet
    outputs: Sheet | None
    """Only where agents have left files."""


def write_xlsx(reader: RunReader, *, title: str, summary: Summary, path: Path) -> None:
    """Write report.xlsx in one pass over the documents."""
    book = Workbook(write_only=True)
    book.properties.creator = f"docmill {reader.info.docmill_version}"
    book.properties.title = title
    first = Sheet(book, "Summary", [Column("", 26), Column("", 30), Column("", 16), Column("", 66)])
    for row in _summary_rows(reader.info, title, summary):
        first.add(row)
    first.close()
    sheets = _Sheets(
        Sheet(book, "Findings", _FINDINGS, status="Finding"),
        Sheet(book, "Values", (*_VALUES, *([_BY] if summary.cascade else [])), status="Status"),
        Sheet(book, "Documents", _DOCUMENTS, status="Status"),
        Sheet(book, "Costs", _COSTS),
        Sheet(book, "Files", _OUTPUTS) if summary.outputs else None,
    )
    for result in reader.documents():
        _add_document(sheets, result)
    sheets.costs.add([Styled("Total", bold=True), *_usage_cells(summary.usage, bold=True)])
    for sheet in sheets:
        if sheet is not None:
            sheet.close()
    book.save(path)


def _add_document(sheets: _Sheets, result: DocumentResult) -> None:
    document = result.document
    name = visible(document.name)
    here = f"report.html{link(document.id)}"
    sheets.documents.add(_document_cells(name, result), link=here)
    sheets.costs.add([name, *_usage_cells(result.usage)])
    for found in findings(result):
        cells: list[Cell | Styled] = [name, MARKS[found.kind].word, found.path, found.found]
        cells += [found.limit, found.clause, found.check or found.code, found.severity, found.page]
        cells += [found.message, found.remedy, _related(found)]
        sheets.findings.add(cells, link=f"report.html{link(document.id, found.path)}")
    if sheets.outputs is not None:
        _add_outputs(sheets.outputs, name, result)
    for value in result.record.values if result.record else ():
        address = f"report.html{link(document.id, value.path)}"
        sheets.values.add(_value_cells(name, value), link=address)


def _add_outputs(sheet: Sheet, name: str, result: DocumentResult) -> None:
    for output in result.outputs:
        place = output_path(result.document, output)
        cells = [visible(output.name), Styled(output.size, _COUNT), place, None, output.sha256]
        sheet.add([name, *cells], link=output_link(result.document, output))
    for refused in result.refused_outputs:
        sheet.add([name, visible(refused.name), None, None, visible(refused.reason), None])


def _document_cells(name: str, result: DocumentResult) -> list[Cell | Styled]:
    document = result.document
    values = result.record.values if result.record else ()
    return [
        name,
        result.status,
        result.code,
        result.message,
        result.remedy,
        document.pages,
        Styled(document.size, _COUNT),
        document.media_type,
        result.attempts,
        "yes" if result.cached else "no",
        document.duplicate_of,
        len(values),
        sum(value.status == "verified" for value in values),
        sum(verdict.shown_as == "fail" for verdict in result.verdicts),
        "; ".join(remarks(result)),
        result.session_id,
        document.sha256,
    ]


def _value_cells(name: str, value: CheckedValue) -> list[Cell | Styled]:
    reading = value.reading
    proof = reading.evidence if reading else None
    return [
        name,
        value.field,
        value.path,
        value.status,
        _typed(reading) if reading else value_text(value) if value.candidates else None,
        reading.unit if reading else None,
        reading.qualifier if reading and reading.qualifier != "=" else None,
        *_bounds(reading),
        value_page(value),
        proof.quote if proof else None,
        "yes" if proof and proof.ocr else None,
        ", ".join(value.flags).replace("_", " ") or None,
        value.reason,
        value.code,
        *([value.by] if value.by else []),
    ]


def _related(found: Finding) -> str:
    more = [f"and {found.unnamed:,} more"] if found.unnamed else []
    return ", ".join([*map(visible, found.related), *more])


def _typed(reading: Reading) -> Cell | Styled:
    value = reading.value
    if isinstance(value, Decimal):
        return Styled(value, number_format(value))
    return plain_text(reading) if isinstance(value, (Range, bool)) else value


def _bounds(reading: Reading | None) -> tuple[Cell | Styled, ...]:
    interval = reading.value if reading else None
    if not isinstance(interval, Range):
        return (None, None, None)
    bounds = (interval.min, interval.typ, interval.max)
    return tuple(
        Styled(bound, number_format(bound)) if bound is not None else None for bound in bounds
    )


def _usage_cells(usage: Usage, *, bold: bool = False) -> list[Cell | Styled]:
    counts = (
        usage.model_calls,
        usage.failed_calls,
        usage.lost_calls,
        usage.batched_calls,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.cache_read_tokens,
        usage.tool_calls,
    )
    return [
        *(Styled(number, _COUNT, bold) for number in counts),
        Styled(round(usage.wall_seconds, 3), _SECONDS, bold),
        Styled(round(usage.sandbox_seconds, 3), _SECONDS, bold),
        Styled(usage.usd, _USD, bold),
        Styled(usage.unpriced_calls, _COUNT, bold),
    ]


def _summary_rows(info: RunInfo, title: str, summary: Summary) -> Iterator[Sequence[Cell | Styled]]:
    yield [Styled(title, bold=True)]
    yield [summary.headline]
    yield []
    counts: tuple[tuple[str, dict[str, int]], ...] = (
        ("Documents", {str(key): number for key, number in summary.by_status.items()}),
        ("Values", {str(key): number for key, number in summary.values.items()}),
        ("Verdicts", {str(key): number for key, number in summary.verdicts.items()}),
    )
    for heading, numbers in counts:
        yield [Styled(heading, bold=True), None, Styled(sum(numbers.values()), _COUNT, bold=True)]
        for key, number in numbers.items():
            yield [None, MARKS[key].word, Styled(number, _COUNT)]
    yield []
    yield [Styled("Spent", bold=True), "USD", Styled(summary.usage.usd, _USD)]
    yield [None, "model calls without a price", Styled(summary.usage.unpriced_calls, _COUNT)]
    yield [None, "model calls", Styled(summary.usage.model_calls, _COUNT)]
    if summary.costs.cache_share is not None:
        yield [None, "share of input tokens from cache", Styled(summary.costs.cache_share, "0.0%")]
    if summary.costs.usd_per_document is not None:
        yield [None, "USD per document read", Styled(summary.costs.usd_per_document, _USD)]
    if info.forecast and info.forecast.usd:
        yield from _forecast_rows(info.forecast.usd, summary)
    yield [None, "wall seconds of the run", Styled(summary.seconds, _SECONDS)]
    yield []
    if summary.cascade:
        yield from _cascade_rows(summary.cascade)
    yield [Styled("Expectations over the batch", bold=True)]
    for expectation in info.expectations:
        outcome = "pass" if expectation.success else "fail"
        yield [None, expectation.type, outcome, expectation.message]
    yield []
    yield from _provenance_rows(info)


def _forecast_rows(usd: Dollars, summary: Summary) -> Iterator[Sequence[Cell | Styled]]:
    met = f"the costs are {summary.costs.forecast_met} it" if summary.costs.forecast_met else ""
    yield [None, "USD forecast", Styled(usd.expected, _USD)]
    yield [None, "USD forecast, low", Styled(usd.low, _USD)]
    yield [None, "USD forecast, high", Styled(usd.high, _USD), met]


def _cascade_rows(cascade: CascadeSummary) -> Iterator[Sequence[Cell | Styled]]:
    yield [Styled("What each model did", bold=True), None, None, cascade.sentence]
    for stage in cascade.stages:
        counts = (
            ("documents asked", Styled(stage.asked, _COUNT)),
            ("documents it was enough for", Styled(stage.enough, _COUNT)),
            ("values delivered", Styled(stage.values, _COUNT)),
            ("model calls", Styled(stage.usage.model_calls, _COUNT)),
            ("USD", Styled(stage.usage.usd, _USD)),
        )
        yield from ([stage.model, name, number] for name, number in counts)
    yield [None, "USD saved, about", Styled(cascade.saved_usd, _USD)]
    yield []


def _provenance_rows(info: RunInfo) -> Iterator[Sequence[Cell | Styled]]:
    yield [Styled("Where this comes from", bold=True)]
    facts: tuple[tuple[str, Cell], ...] = (
        ("Run", info.id),
        ("Pipeline", info.pipeline),
        ("Status", info.status),
        ("Started (UTC)", info.started),
        ("Ended (UTC)", info.ended),
        ("Model", info.model),
        ("Agent", info.agent),
        ("Environment", info.environment),
        ("Sandbox", info.sandbox),
        ("Specification", info.spec_digest),
        ("Prices as of", info.prices_as_of),
        ("docmill", info.docmill_version),
        ("Seal", info.seal),
    )
    yield from ([None, name, fact] for name, fact in facts)
    yield from ([None, f"Limit {name}", limit] for name, limit in info.limits.items())
    for reference in info.references:
        text = f"version {reference.version}, {reference.rows:,} rows, sha256 {reference.sha256}"
        yield [None, "Reference", reference.path, text]
