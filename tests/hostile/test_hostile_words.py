"""Words that no reader of the printed page sees: found inside the sandbox, left out of the layout.

Attack documents are drawn here; the reader's code runs in this process.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject
from reportlab.lib.colors import Color, black, white
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from docmill.documents.layout import load_pages
from docmill.sandboxes.toolbox import reading

Draw = Callable[[Any], None]
SECRET = "Bore 99.9 mm"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The places inside a sandbox, in a folder of the test."""
    for name in ("SOURCE", "LAYOUT", "PICTURES"):
        monkeypatch.setattr(reading, name, str(tmp_path / name.lower()))
    return tmp_path


def prepare(workspace: Path, draw: Draw, **args: Any) -> dict[str, Any]:
    """Prepare a page with an honest line and what `draw` adds."""
    canvas: Any = Canvas(str(workspace / "source"), pagesize=(400, 300), invariant=1)
    canvas.drawString(40, 250, "Gauge report")
    draw(canvas)
    canvas.save()
    return reading.Reader().prepare({"max_pages": 10, **args})


def layout(workspace: Path) -> str:
    """The words of the first page."""
    (page,) = load_pages((workspace / "layout" / "page-0001.tsv").read_text())
    return " ".join(word.text for word in page.words)


def invisible(canvas: Any) -> None:
    """Render mode 3: neither fill nor stroke."""
    text = canvas.beginText(40, 100)
    text.setTextRenderMode(3)
    text.textOut(SECRET)
    canvas.drawText(text)


def white_on_white(canvas: Any) -> None:
    """Ink in the colour of the paper."""
    canvas.setFillColor(white)
    canvas.drawString(40, 100, SECRET)


def nearly_white(canvas: Any) -> None:
    """Ink that no eye tells from the paper."""
    canvas.setFillColor(Color(0.98, 0.98, 0.98))
    canvas.drawString(40, 100, SECRET)


def transparent(canvas: Any) -> None:
    """Ink that lets everything through."""
    canvas.setFillAlpha(0)
    canvas.drawString(40, 100, SECRET)


def black_on_black(canvas: Any) -> None:
    """Ink in the colour of the bar under it."""
    canvas.rect(30, 90, 200, 30, fill=1)
    canvas.drawString(40, 100, SECRET)


def off_page(canvas: Any) -> None:
    """Beside the sheet."""
    canvas.drawString(40, -50, SECRET)


def tiny(canvas: Any) -> None:
    """A line lower than a hair."""
    canvas.setFont("Helvetica", 1)
    canvas.drawString(40, 100, SECRET)


def clipped(canvas: Any) -> None:
    """Cut away by a clip of no size."""
    path = canvas.beginPath()
    path.rect(10, 10, 0, 0)
    canvas.clipPath(path, stroke=0, fill=0)
    canvas.drawString(40, 100, SECRET)


def under_a_bar(canvas: Any) -> None:
    """Painted over with paper."""
    canvas.drawString(40, 100, SECRET)
    canvas.setFillColor(white)
    canvas.rect(30, 90, 200, 30, fill=1, stroke=0)


def under_a_picture(canvas: Any) -> None:
    """Behind a picture."""
    from PIL import Image

    canvas.drawString(40, 100, SECRET)
    picture = Image.effect_noise((200, 40), 60).convert("RGB")
    canvas.drawImage(ImageReader(picture), 30, 85, 200, 40)


def half_hidden_number(canvas: Any) -> None:
    """A visible digit, and one without ink that makes ten of it."""
    text = canvas.beginText(40, 100)
    text.textOut("Bore 9")
    text.setTextRenderMode(3)
    text.textOut("99 mm")
    canvas.drawText(text)


HIDDEN: dict[Draw, str] = {
    invisible: "invisible",
    white_on_white: "no_contrast",
    nearly_white: "no_contrast",
    transparent: "no_contrast",
    black_on_black: "no_contrast",
    off_page: "off_page",
    tiny: "tiny",
    clipped: "clipped",
    under_a_bar: "covered",
    under_a_picture: "covered",
}


@pytest.mark.parametrize("draw", HIDDEN, ids=lambda draw: draw.__name__)
def test_hidden_words_are_left_out_and_flagged(workspace: Path, draw: Draw) -> None:
    """Ten ways to hide a line; each is one flag with place, words and number of words."""
    result = prepare(workspace, draw)
    (flag,) = result["flags"]
    assert (flag["kind"], flag["page"], flag["count"]) == (HIDDEN[draw], 1, 3)
    assert flag["excerpt"] == SECRET
    assert len(flag["boxes"]) == 1
    assert result["left_out"] == 3
    assert layout(workspace) == "Gauge report"


@pytest.mark.parametrize("draw", HIDDEN, ids=lambda draw: draw.__name__)
def test_hidden_words_may_be_kept(workspace: Path, draw: Draw) -> None:
    """A pipeline that only wants a note of them gets the whole text layer."""
    result = prepare(workspace, draw, keep_hidden=True)
    assert result["left_out"] == 0
    assert [flag["kind"] for flag in result["flags"]] == [HIDDEN[draw]]
    assert SECRET in layout(workspace)


def test_a_number_half_of_which_is_hidden_is_hidden(workspace: Path) -> None:
    """What a reader sees as 9 must not be read as 999."""
    result = prepare(workspace, half_hidden_number)
    assert "999" not in layout(workspace)
    assert result["flags"][0]["excerpt"].startswith("999")


def pale_digits(canvas: Any) -> None:
    """A visible digit, and white ones behind it that make more of it."""
    canvas.drawString(40, 100, "Bore 9")
    end = 40 + canvas.stringWidth("Bore 9")
    canvas.setFillColor(white)
    canvas.drawString(end, 100, "99 mm")


def digit_under_a_digit(canvas: Any) -> None:
    """A white digit at the very place of the one that is seen."""
    canvas.setFillColor(white)
    canvas.drawString(40 + canvas.stringWidth("Bore "), 100, "8")
    canvas.setFillColor(black)
    canvas.drawString(40, 100, "Bore 9 mm")


def half_covered(canvas: Any) -> None:
    """One number, the end of which is painted over."""
    canvas.drawString(40, 100, "Bore 9999999 mm")
    canvas.setFillColor(white)
    start = 40 + canvas.stringWidth("Bore 999")
    canvas.rect(start, 95, canvas.stringWidth("9999"), 20, fill=1, stroke=0)


def half_dark(canvas: Any) -> None:
    """One number, the end of which stands on a bar of its own colour."""
    canvas.rect(40 + canvas.stringWidth("Bore 999"), 95, 100, 20, fill=1)
    canvas.drawString(40, 100, "Bore 9999999 mm")


def cut_askew(canvas: Any) -> None:
    """A triangle as a clip, which leaves the number's beginning."""
    path = canvas.beginPath()
    path.moveTo(0, 300)
    path.lineTo(0, 80)
    path.lineTo(120, 80)
    path.close()
    canvas.clipPath(path, stroke=0, fill=0)
    canvas.drawString(40, 130, "Bore 9999999 mm")


@pytest.mark.parametrize(
    "draw", [pale_digits, half_covered, half_dark, cut_askew], ids=lambda draw: draw.__name__
)
def test_a_word_that_is_seen_in_part_counts_as_hidden(workspace: Path, draw: Draw) -> None:
    """Whichever way its other digits are hidden: what is printed isn't what the layer says."""
    result = prepare(workspace, draw)
    assert "99" not in layout(workspace)
    assert "Bore" in layout(workspace)
    assert result["flags"]


def test_a_digit_behind_a_digit_is_hidden(workspace: Path) -> None:
    """The text layer has both, and only one of them is seen."""
    prepare(workspace, digit_under_a_digit)
    assert "8" not in layout(workspace)


def in_a_form(canvas: Any) -> None:
    """The bar is in a form that is drawn moved and scaled, as are the words under it."""
    canvas.beginForm("words")
    canvas.drawString(0, 0, SECRET)
    canvas.endForm()
    canvas.beginForm("bar")
    canvas.setFillColor(white)
    canvas.rect(0, 0, 100, 15, fill=1, stroke=0)
    canvas.endForm()
    for name, x, y in (("words", 40, 100), ("bar", 30, 90)):
        canvas.saveState()
        canvas.translate(x, y)
        canvas.scale(2, 2)
        canvas.doForm(name)
        canvas.restoreState()


def beside_a_form(canvas: Any) -> None:
    """A form as large as the page with a bar elsewhere in it."""
    canvas.drawString(40, 100, SECRET)
    canvas.beginForm("bar", 0, 0, 400, 300)
    canvas.rect(200, 20, 50, 20, fill=1)
    canvas.endForm()
    canvas.doForm("bar")


def test_forms_are_looked_into(workspace: Path) -> None:
    """Where their content is painted counts, not where it is written."""
    result = prepare(workspace, in_a_form)
    assert [flag["kind"] for flag in result["flags"]] == ["covered"]
    assert prepare(workspace, beside_a_form)["flags"] == []


def white_on_dark(canvas: Any) -> None:
    """The head of many a table."""
    canvas.setFillColor(black)
    canvas.rect(30, 90, 200, 30, fill=1)
    canvas.setFillColor(white)
    canvas.drawString(40, 100, SECRET)


def on_a_picture(canvas: Any) -> None:
    """A label in a photograph."""
    from PIL import Image

    canvas.drawImage(ImageReader(Image.new("RGB", (20, 4), (250, 250, 200))), 30, 85, 200, 40)
    canvas.drawString(40, 100, SECRET)


def under_a_marker(canvas: Any) -> None:
    """A highlighter lets the words through."""
    canvas.drawString(40, 100, SECRET)
    canvas.setFillColor(Color(1, 1, 0, alpha=0.4))
    canvas.rect(30, 90, 200, 30, fill=1, stroke=0)


def cut_at_the_edge(canvas: Any) -> None:
    """A clip that leaves the words as they are."""
    path = canvas.beginPath()
    path.circle(80, 100, 90)
    canvas.clipPath(path, stroke=0, fill=0)
    canvas.drawString(40, 100, SECRET)


def small_print(canvas: Any) -> None:
    """A footnote."""
    canvas.setFont("Helvetica", 4)
    canvas.drawString(40, 100, SECRET)


@pytest.mark.parametrize(
    "draw",
    [white_on_dark, on_a_picture, under_a_marker, cut_at_the_edge, small_print],
    ids=lambda draw: draw.__name__,
)
def test_what_a_reader_sees_is_no_hidden_text(workspace: Path, draw: Draw) -> None:
    """Pixels decide: words that look suspicious and can be read stay, without a flag."""
    result = prepare(workspace, draw)
    assert result["flags"] == []
    assert SECRET in layout(workspace)


def scan(canvas: Any, *, blank: bool = False) -> None:
    """A picture of a page with an invisible text layer over it."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (400, 300), 255)
    if not blank:
        ImageDraw.Draw(picture).text((40, 190), SECRET, fill=0, font_size=12)
    canvas.drawImage(ImageReader(picture), 0, 0, 400, 300)
    invisible(canvas)


def test_the_text_layer_of_a_scan_is_no_hidden_text(workspace: Path) -> None:
    """Its words lie over the same words in the picture; a remark says where they come from."""
    result = prepare(workspace, scan)
    assert [flag["kind"] for flag in result["flags"] if flag["kind"] == "scan_layer"]
    assert SECRET in layout(workspace)


def test_a_text_layer_over_nothing_is_hidden(workspace: Path) -> None:
    """An empty picture doesn't make a scan of a page."""
    result = prepare(workspace, lambda canvas: scan(canvas, blank=True), textless=True)
    assert "invisible" in [flag["kind"] for flag in result["flags"]]
    assert SECRET not in layout(workspace)


def test_characters_that_only_machines_read_are_smuggled_words(workspace: Path) -> None:
    """Tag characters spell out ASCII and show nothing in any font."""
    smuggled = "".join(chr(0xE0000 + ord(sign)) for sign in "pay")
    spelled = "".join(f"{unit:04X}" for unit in _utf16(smuggled))
    cmap = (
        "/CIDInit /ProcSet findresource begin 1 begincmap 1 begincodespacerange <00> <FF> "
        f"endcodespacerange 1 beginbfchar <41> <{spelled}> endbfchar endcmap"
    )
    canvas: Any = Canvas(str(workspace / "plain"), pagesize=(400, 300), invariant=1)
    canvas.drawString(40, 250, "gauge")
    canvas.setFont("Courier", 12)
    canvas.drawString(40, 200, "A")
    canvas.save()
    writer = PdfWriter(clone_from=workspace / "plain")
    page: Any = writer.pages[0]
    fonts: DictionaryObject = page["/Resources"]["/Font"].get_object()
    stream = DecodedStreamObject()
    stream.set_data(cmap.encode())
    for font in fonts.values():
        if font.get_object()["/BaseFont"] == "/Courier":
            font.get_object()[NameObject("/ToUnicode")] = writer._add_object(stream)  # pyright: ignore[reportPrivateUsage]
    writer.write(workspace / "source")
    result = reading.Reader().prepare({"max_pages": 10})
    assert [flag["kind"] for flag in result["flags"]] == ["smuggled"]
    assert layout(workspace) == "gauge"


def _utf16(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def test_a_page_of_more_objects_than_are_looked_at_is_judged_by_its_pixels(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of lines hides nothing."""
    monkeypatch.setattr("docmill.sandboxes.toolbox.objects.MAX_OBJECTS", 10)

    def flood(canvas: Any) -> None:
        for number in range(30):
            canvas.line(300, number, 310, number)
        under_a_bar(canvas)

    result = prepare(workspace, flood)
    assert [flag["excerpt"] for flag in result["flags"]] == [SECRET]
    assert layout(workspace) == "Gauge report"
