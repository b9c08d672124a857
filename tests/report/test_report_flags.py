"""Hostile documents in every format of the report: flags of the document and of its values."""

import json
from typing import TYPE_CHECKING

from openpyxl import load_workbook

from docmill.records.flags import Flag

if TYPE_CHECKING:
    from tests.report.conftest import Workshop

NASTY = "</script><script>alert(1)</script>=1+1"
HIDDEN = Flag(kind="covered", page=2, boxes=((1, 2, 3, 4),), excerpt=NASTY, count=3)
REMARK = Flag(kind="ocr", page=1, count=12, severity="info")


def test_warnings_are_findings_and_remarks_are_notes(workshop: "Workshop") -> None:
    """A person is asked to look at the first; both stand with the document."""
    result = workshop.document("r.pdf", "flagged", flags=(REMARK, HIDDEN))
    files = workshop.write(result)
    assert files.html is not None
    assert files.md is not None
    text = files.html.read_text()
    (block,) = workshop.blocks(text)
    assert [note[:30] for note in block["notes"]] == [
        "page 2: text under a picture o",
        "page 1: words read by OCR (12×",
    ]
    assert "<script>alert(1)" not in text
    assert "1 suspicious document" in files.md.read_text()
    assert "### Suspicious: 1" in files.md.read_text()
    assert "words read by OCR" not in files.md.read_text()


def test_a_values_flags_stand_beside_it(workshop: "Workshop") -> None:
    """In the page's rows, in the workbook and in JSON."""
    value = workshop.value("torque", flags=("instructions", "no_contrast"))
    files = workshop.write(workshop.document("r.pdf", "flagged", value, flags=(HIDDEN,)))
    assert files.html is not None
    assert files.xlsx is not None
    assert files.json is not None
    (block,) = workshop.blocks(files.html.read_text())
    assert block["values"][0]["flags"] == ["instructions", "no contrast"]
    book = load_workbook(files.xlsx)
    head, row = list(book["Values"].iter_rows(values_only=True))[:2]
    assert dict(zip(head, row, strict=True))["Flags"] == "instructions, no contrast"
    finding = list(book["Findings"].iter_rows(values_only=True))[1]
    assert "suspicious" in finding
    (told,) = json.loads(files.json.read_text())["documents"]
    assert told["record"]["values"][0]["flags"] == ["instructions", "no_contrast"]
    assert told["flags"][0]["kind"] == "covered"
    assert told["flags"][0]["boxes"] == [[1, 2, 3, 4]]
