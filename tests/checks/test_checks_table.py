"""The batch's table: one row per document, proven values in the fields' own units."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from docmill.checks.table import Table, write_table
from docmill.records.checked import CheckedRecord
from docmill.records.results import DocumentInfo, DocumentResult
from docmill.spec.fields import Field

MakeRecord = Callable[..., CheckedRecord]
MakeDocument = Callable[..., DocumentInfo]


def test_columns_and_cells(
    record: MakeRecord, fields: dict[str, Field], document: MakeDocument
) -> None:
    """Units are converted; ranges have two columns; lists have their length and sums."""
    made = record(
        number="text:001", voltage="5300 mV", operating="..85 °C", ambient="77 °F", passed=True,
        issued=date(2024, 6, 3), total="5", net="5 USD", tax_rate="?19 %", weight="3 kg",
        thickness="< 5 mm", yield_strength=["1 MPa", "2 MPa"],
        lines=[{"quantity": 2, "price": "1.10 EUR", "amount": "1 EUR"},
               {"quantity": 3, "price": "2.20 EUR", "amount": None}],
        heats=[],
    )  # fmt: skip
    table = Table(fields)
    result = DocumentResult(document=document("a"), status="ok", record=made)
    cells = dict(zip(table.columns, table.row(result), strict=True))
    assert {name: text for name, text in cells.items() if text} == {
        "document": "a.pdf", "status": "ok", "number": "001", "voltage": "5.300",
        "operating.max": "85", "ambient": "25.00", "weight": "3", "passed": "True",
        "issued": "2024-06-03", "lines": "2", "lines.quantity": "5", "lines.price": "3.30",
        "heats": "0",
    }  # fmt: skip
    kinds = {name: table.kinds[name] for name in ("number", "net", "passed", "lines", "issued")}
    assert kinds == {
        "number": "text", "net": "number", "passed": "boolean", "lines": "number", "issued": "text",
    }  # fmt: skip


def test_documents_without_a_record_have_no_row(
    record: MakeRecord, fields: dict[str, Field], document: MakeDocument, tmp_path: Path
) -> None:
    """The table streams: it can be written from an iterator."""
    results = iter([
        DocumentResult(document=document("a"), status="failed"),
        DocumentResult(document=document("b"), status="ok", record=record(number="text:1")),
    ])  # fmt: skip
    path = tmp_path / "t.csv"
    assert write_table(path, fields, results) == 1
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["document", "b.pdf"]
    without = DocumentResult(document=document("a"), status="failed")
    assert Table(fields).row(without)[:2] == ["a.pdf", "failed"]
