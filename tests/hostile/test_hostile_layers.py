"""Words on layers of a PDF that are switched off: in the text layer, and nowhere on the page."""

from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas

from docmill.documents.layout import load_pages
from docmill.sandboxes.toolbox import reading


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places inside a sandbox, in a folder of the test."""
    for name in ("SOURCE", "LAYOUT", "PICTURES"):
        monkeypatch.setattr(reading, name, str(tmp_path / name.lower()))
    return tmp_path


def layered(workspace: Path, state: str) -> list[str]:
    """Kinds of flags of a page with a line on a layer that is `/ON` or `/OFF`."""
    canvas: Any = Canvas(str(workspace / "plain"), pagesize=(400, 300), invariant=1)
    canvas.drawString(40, 250, "Gauge report")
    canvas._code.append("/OC /Layer BDC")
    canvas.drawString(40, 200, "Bore 99.9 mm")
    canvas._code.append("EMC")
    canvas.save()
    writer = PdfWriter(clone_from=workspace / "plain")
    names = {"/Type": NameObject("/OCG"), "/Name": TextStringObject("Layer")}
    group: Any = writer._add_object(  # pyright: ignore[reportPrivateUsage]
        DictionaryObject({NameObject(name): value for name, value in names.items()})
    )
    resources: Any = writer.pages[0]["/Resources"].get_object()
    resources[NameObject("/Properties")] = DictionaryObject({NameObject("/Layer"): group})
    default = DictionaryObject({NameObject(state): ArrayObject([group])})
    writer.root_object[NameObject("/OCProperties")] = DictionaryObject(
        {NameObject("/OCGs"): ArrayObject([group]), NameObject("/D"): default}
    )
    writer.write(workspace / "source")
    return [flag["kind"] for flag in reading.Reader().prepare({"max_pages": 10})["flags"]]


def layout(workspace: Path) -> str:
    """The words of the first page."""
    (page,) = load_pages((workspace / "layout" / "page-0001.tsv").read_text())
    return " ".join(word.text for word in page.words)


def test_a_layer_that_is_off_hides_its_words(workspace: Path) -> None:
    """No reader sees them unless they switch it on."""
    assert layered(workspace, "/OFF") == ["switched_off"]
    assert layout(workspace) == "Gauge report"


def test_a_layer_that_is_on_is_part_of_the_page(workspace: Path) -> None:
    """Drawings are full of them."""
    assert layered(workspace, "/ON") == []
    assert layout(workspace) == "Gauge report Bore 99.9 mm"
