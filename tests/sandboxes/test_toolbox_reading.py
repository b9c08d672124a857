"""Preparing a document: its pages as words, or the reason why there are none.

Runs the reader's code in this process on small PDFs made here; limits are tested in a sandbox.
"""

from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from docmill.documents.layout import Page, Word, dump_page, load_pages
from docmill.sandboxes.toolbox import fallback, pdfium, reading
from docmill.sandboxes.toolbox.errors import OpError


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places inside a sandbox, in a folder of the test."""
    for name in ("SOURCE", "LAYOUT", "PICTURES"):
        monkeypatch.setattr(reading, name, str(tmp_path / name.lower()))
    return tmp_path


def write(workspace: Path, pages: int = 2, text: str = "Bore 12.5 mm") -> bytes:
    """A document with this text on each page, as the sandbox's source."""
    canvas = Canvas(str(workspace / "source"), pagesize=(300, 200), invariant=1)
    canvas.setTitle("Gauge report")
    for _ in range(pages):
        canvas.drawString(50, 100, text)
        canvas.rect(200, 20, 40, 20, fill=1)
        canvas.showPage()
    canvas.save()
    return (workspace / "source").read_bytes()


def prepare(**args: Any) -> dict[str, Any]:
    """Prepare with a fresh reader."""
    return reading.Reader().prepare({"max_pages": 10, **args})


def refusal(**args: Any) -> str:
    """The message of a document that can't be used."""
    with pytest.raises(OpError) as caught:
        prepare(**args)
    return caught.value.message


def test_every_page_becomes_a_layout_file(workspace: Path) -> None:
    """Words with boxes, in exactly the form the host reads."""
    write(workspace)
    result = prepare()
    assert (result["pages"], result["words"], result["reader"]) == (2, 6, "pdfium")
    assert result["title"] == "Gauge report"
    assert result["sizes"] == [[300.0, 200.0]] * 2
    text = (workspace / "layout" / "page-0002.tsv").read_text()
    (page,) = load_pages(text)
    assert [word.text for word in page.words] == ["Bore", "12.5", "mm"]
    assert page.words[0].x0 == 50
    assert dump_page(page) == text


def test_the_form_is_that_of_the_documents_module() -> None:
    """The toolbox can't import it, so the two are held equal here."""
    words = [("a b", 1.0, 2.125, 3.0, 4.0), ("é", 0.0, 0.0, 1e3, 2.0)]
    ours = reading.page_text(3, reading.ReadPage(10.0, 20.5, list(words), 4))
    assert ours == dump_page(Page(3, 10.0, 20.5, tuple(Word(*word) for word in words)))


def test_too_many_pages_are_refused(workspace: Path) -> None:
    """Before any of them is read."""
    write(workspace, pages=4)
    assert refusal(max_pages=3) == "document_too_many_pages: 4 pages, the limit is 3"
    assert not (workspace / "layout").exists()


def test_a_document_without_text_says_what_it_needs(workspace: Path) -> None:
    """A scan has pages but no words."""
    write(workspace, text="")
    assert refusal().startswith("document_no_text: ")


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_an_encrypted_document_needs_its_password(workspace: Path, algorithm: str) -> None:
    """Without it, and with a wrong one, the document is refused; with it, it is read."""
    encrypt(workspace, write(workspace), "open", algorithm)
    assert refusal() == "document_encrypted: the PDF needs a password"
    assert "doesn't open" in refusal(password="close")
    assert prepare(password="open")["pages"] == 2


def test_an_empty_user_password_simply_opens(workspace: Path) -> None:
    """Such a document is only protected against changes."""
    encrypt(workspace, write(workspace), "", "AES-256")
    assert prepare()["pages"] == 2


def encrypt(workspace: Path, data: bytes, password: str, algorithm: str) -> None:
    """Replace the source by an encrypted copy."""
    (workspace / "plain").write_bytes(data)
    writer = PdfWriter(clone_from=workspace / "plain")
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    writer.write(workspace / "source")


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7\nnothing", b"PK\x03\x04"])
def test_what_is_no_document_is_corrupt(workspace: Path, data: bytes) -> None:
    """Empty files, text and archives under the name of a PDF."""
    (workspace / "source").write_bytes(data)
    assert refusal().startswith("document_corrupt: ")


def test_a_damaged_table_is_repaired_with_a_note(workspace: Path) -> None:
    """A file whose end points nowhere still gives its text."""
    data = write(workspace)
    (workspace / "source").write_bytes(data.replace(b"startxref\n", b"startxref\n9"))
    result = prepare()
    assert result["words"] == 6
    assert any(note.startswith("repaired") for note in result["notes"])


def test_a_truncated_document_is_refused(workspace: Path) -> None:
    """Its last pages are missing, and nobody could tell which values with them."""
    data = write(workspace, pages=5)
    (workspace / "source").write_bytes(data[: len(data) * 2 // 3])
    assert refusal().startswith("document_corrupt: ")


def test_junk_before_the_header_is_no_damage(workspace: Path) -> None:
    """Mail gateways put lines in front; offsets then count from the header."""
    data = write(workspace)
    (workspace / "source").write_bytes(b"junk\n" * 5 + data)
    assert prepare()["notes"] == []


def test_what_pdfium_refuses_is_read_with_pypdf(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words come with approximate boxes, and a note says so."""
    write(workspace)
    exact = first_page(workspace)

    def refuse(*_: object) -> None:
        raise pdfium.UnreadableError(3)

    monkeypatch.setattr(pdfium.Document, "__init__", refuse)
    result = prepare()
    assert (result["reader"], result["title"], result["pages"]) == ("pypdf", "Gauge report", 2)
    assert any("approximate" in note for note in result["notes"])
    rough = first_page(workspace)
    assert [word.text for word in rough] == [word.text for word in exact]
    for guess, truth in zip(rough, exact, strict=True):
        assert guess.y0 == pytest.approx(truth.y0, abs=3)
        assert guess.x0 == pytest.approx(truth.x0, abs=15)
    with pytest.raises(OpError, match="page_not_rendered"):
        reading.Reader().render({"page": 1})


def first_page(workspace: Path) -> tuple[Word, ...]:
    """The words of the first page, read by this or that."""
    if not (workspace / "layout").exists():
        prepare()
    (page,) = load_pages((workspace / "layout" / "page-0001.tsv").read_text())
    return page.words


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_pypdf_pages_are_turned_as_displayed(workspace: Path, rotate: int) -> None:
    """The approximate boxes follow /Rotate like the exact ones."""
    write(workspace, pages=1)
    writer = PdfWriter(clone_from=workspace / "source")
    writer.pages[0].rotate(rotate)
    writer.write(workspace / "source")
    prepare()
    (truth,) = load_pages((workspace / "layout" / "page-0001.tsv").read_text())
    width, height, found, _ = next(fallback.read_pages(PdfReader(workspace / "source"), 1000))
    assert (width, height) == (truth.width, truth.height)
    for guess, word in zip(found, truth.words, strict=True):
        assert guess[1] == pytest.approx(word.x0, abs=30)
        assert guess[2] == pytest.approx(word.y0, abs=30)


def test_pictures_and_ink(workspace: Path) -> None:
    """A page is drawn small and gray; ink is where something is drawn."""
    write(workspace)
    reader = reading.Reader()
    drawn = reader.render({"page": 2, "dpi": 72})
    assert (drawn["width"], drawn["height"]) == (300, 200)
    picture = (workspace / "pictures" / "page-0002.png").read_bytes()
    assert len(picture) == drawn["bytes"] < 3000
    text, empty, half = reader.ink(
        {"page": 1, "boxes": [[50, 88, 120, 103], [0, 0, 40, 40], [190, 160, 210, 180]]}
    )
    assert text > 0.05
    assert empty == 0
    assert half == pytest.approx(0.5, abs=0.1)


def test_few_pages_are_kept_drawn(workspace: Path) -> None:
    """Memory doesn't grow with the number of pages looked at."""
    write(workspace, pages=8)
    reader = reading.Reader()
    for page in range(1, 9):
        reader.ink({"page": page, "boxes": []})
    assert len(reader._pixels) == reading.KEPT_PAGES  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("page", [0, 3, -1])
def test_a_page_that_is_not_there_is_not_drawn(workspace: Path, page: int) -> None:
    """It is an error of the call."""
    write(workspace)
    with pytest.raises(OpError, match="page_not_rendered"):
        reading.Reader().render({"page": page})


def test_an_overwritten_document_is_noticed(workspace: Path) -> None:
    """Proof by ink must come from the document that was read, whatever a command has done to it."""
    write(workspace)
    digest = prepare()["digest"]
    write(workspace, text="Bore 99.9 mm")
    with pytest.raises(OpError, match="document_changed"):
        reading.Reader().ink({"page": 1, "boxes": [], "digest": digest})


def test_answers_carry_refusals(workspace: Path) -> None:
    """The child answers every request; a missing document is a problem like any other."""
    reader = reading.Reader()
    assert "source" in reading.answer(reader, "prepare", {"max_pages": 1})["problem"]
    write(workspace)
    assert reading.answer(reader, "render", {"page": 9})["code"] == "tool"
    assert reading.answer(reader, "prepare", {"max_pages": 5})["result"]["pages"] == 2
