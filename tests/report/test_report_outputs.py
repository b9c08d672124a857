"""Files agents have left, in every format of the report: downloads, never shown."""

import json
from typing import TYPE_CHECKING

from openpyxl import load_workbook

from docmill.records.outputs import OutputFile, RefusedOutput

if TYPE_CHECKING:
    from conftest import Workshop  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

FILE = OutputFile(name="d/a b.csv", file="d__a_b.csv", size=4, sha256="a" * 64)
GONE = OutputFile(name="gone.txt", file="gone.txt", size=9, sha256="b" * 64)
LINK = RefusedOutput(name="</script><x", reason="a link")
BLOBS = {FILE.sha256: b"a,b\n"}


def test_files_lie_beside_the_report(workshop: "Workshop") -> None:
    """By document; what has been pruned is left out, and nothing else is made."""
    result = workshop.document("r 1.pdf", outputs=(FILE, GONE), refused_outputs=(LINK,))
    files = workshop.write(result, blobs=BLOBS)
    made = [path for path in (files.folder / "outputs").rglob("*") if path.is_file()]
    assert [path.relative_to(files.folder).as_posix() for path in made] == [
        "outputs/r-1.pdf/d__a_b.csv"
    ]
    assert made[0].read_bytes() == b"a,b\n"


def test_a_report_without_files_says_nothing_of_them(workshop: "Workshop") -> None:
    """No folder, no sheet, no line."""
    files = workshop.write(workshop.document("r.pdf"))
    assert not (files.folder / "outputs").exists()
    assert files.xlsx is not None
    assert files.md is not None
    assert "Files" not in load_workbook(files.xlsx).sheetnames
    assert "outputs" not in files.md.read_text()


def test_every_format_names_them(workshop: "Workshop") -> None:
    """HTML with a link for saving, the workbook with a row each, JSON with their hash."""
    result = workshop.document("r 1.pdf", outputs=(FILE,), refused_outputs=(LINK,))
    files = workshop.write(result, blobs=BLOBS)
    assert files.html is not None
    assert files.xlsx is not None
    assert files.json is not None
    assert files.md is not None
    (block,) = workshop.blocks(files.html.read_text())
    (entry,) = block["outputs"]
    assert (entry["name"], entry["href"]) == ("d/a b.csv", "outputs/r-1.pdf/d__a_b.csv")
    assert block["unkept"] == [{"name": "</script><x", "reason": "a link"}]
    rows = list(load_workbook(files.xlsx)["Files"].iter_rows(values_only=True))
    assert rows[1][:4] == ("r 1.pdf", "d/a b.csv", 4, "outputs/r-1.pdf/d__a_b.csv")
    assert rows[2][4] == "a link"
    (told,) = json.loads(files.json.read_text())["documents"]
    assert told["outputs"][0]["sha256"] == "a" * 64
    assert "Agents left 1 file beside their records" in files.md.read_text()
