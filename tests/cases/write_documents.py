"""Writes the documents of all cases: `python tests/cases/write_documents.py [FOLDER]`.

A document is a handful of lines at places on a page, written as a plain PDF that can be read in an
editor. Needs nothing but the standard library.
"""

import sys
from pathlib import Path
from typing import NamedTuple


class Line(NamedTuple):
    """Text at x, y in points from the top left; `mode` 3 is invisible."""

    x: float
    y: float
    text: str
    mode: int = 0


def pairs(*rows: tuple[str, str], top: float = 120) -> list[Line]:
    """Labels at the left margin with their values beside them."""
    lines: list[Line] = []
    for index, (label, value) in enumerate(rows):
        y = top + 20 * index
        lines += [Line(60, y, label), Line(260, y, value)]
    return lines


def pdf(title: str, lines: list[Line]) -> bytes:
    """One A4 page in Helvetica."""
    draws = ["BT /F1 16 Tf 60 772 Td " + _string(title) + " Tj ET"]
    draws += [
        f"BT /F1 11 Tf {line.mode} Tr {line.x:g} {842 - line.y:g} Td {_string(line.text)} Tj ET"
        for line in lines
    ]
    content = "\n".join(draws)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        f"<< /Length {len(content.encode('cp1252'))} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        "<< /Font << /F1 5 0 R >> >>",
    ]
    text, offsets = "%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, 1):
        offsets.append(len(text.encode("cp1252")))
        text += f"{number} 0 obj\n{body}\nendobj\n"
    start = len(text.encode("cp1252"))
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    text += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    text += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return text.encode("cp1252")


def _string(text: str) -> str:
    for sign in ("\\", "(", ")"):
        text = text.replace(sign, "\\" + sign)
    return f"({text})"


def invoice(number: str, total: str, note: str = "") -> bytes:
    """Two positions of 100.00 and 40.00 EUR, tax 28.00, and a total."""
    head = pairs(("Invoice number", number), ("Supplier no.", "70218"))
    table = [
        Line(60, 200, "Description"), Line(330, 200, "Qty"), Line(400, 200, "Amount"),
        Line(60, 220, "Ball valve DN 25"), Line(330, 220, "4"), Line(400, 220, "100.00"),
        Line(60, 240, "Gasket set"), Line(330, 240, "8"), Line(400, 240, "40.00"),
    ]  # fmt: skip
    foot = pairs(("Net total", "140.00"), ("Tax", "28.00"), ("Grand total", total), top=300)
    return pdf("Invoice", [*head, *table, *foot, *([Line(60, 400, note)] if note else [])])


def report(*rows: tuple[str, str], extra: tuple[Line, ...] = ()) -> bytes:
    """A test report with a serial number and values."""
    return pdf("Test report", [*pairs(("Serial number", "V-2207"), *rows), *extra])


WHOLE = report(("Torque", "12.4 N·m"))
DOCUMENTS: dict[str, bytes] = {
    "ambiguous/documents/pump.pdf": report(
        ("Mass", "18.2 kg"), ("Torque", "12.4 N·m"), ("Packaging", "crate"), ("Mass", "19.6 kg")
    ),
    "unit_mismatch/documents/drive.pdf": report(("Torque", "12.4 N")),
    "unit_mismatch/documents/bare.pdf": report(("Torque", "12.4")),
    "unit_mismatch/documents/valve.pdf": report(("Torque", "12400 N·mm")),
    "invisible_text/documents/relay.pdf": report(
        ("Torque", ""), extra=(Line(260, 140, "12.4 N·m", mode=3),)
    ),
    "broken_file/documents/good.pdf": WHOLE,
    "broken_file/documents/cut.pdf": WHOLE[: len(WHOLE) // 3],
    "broken_file/documents/empty.pdf": b"",
    "broken_file/documents/letter.pdf": b"Dear Sir or Madam,\nplease find the report attached.\n",
    "broken_file/documents/blank.pdf": pdf("", []),
    "totals/documents/right.pdf": invoice("A-100", "168.00"),
    "totals/documents/wrong.pdf": invoice("A-101", "186.00"),
    "duplicate/documents/first.pdf": invoice("A-100", "168.00"),
    "duplicate/documents/again.pdf": invoice("A-100", "168.00", "Reminder"),
    "duplicate/documents/second.pdf": invoice("A-100", "168.00"),
    "duplicate/documents/other.pdf": invoice("A-102", "168.00"),
    "missing/documents/gauge.pdf": report(("Torque", "-"), ("Mass", "0.8 kg")),
    "guard_band/documents/inside.pdf": report(("Torque", "12.0 N·m")),
    "guard_band/documents/close.pdf": report(("Torque", "12.95 N·m")),
    "guard_band/documents/outside.pdf": report(("Torque", "13,1 N·m")),
}


def main(target: Path) -> None:
    """Write every document below `target`."""
    for name, content in DOCUMENTS.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
