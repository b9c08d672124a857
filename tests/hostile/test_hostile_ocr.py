"""Pages without a text layer, and text layers that say something else than the printed page.

Skipped where tesseract isn't installed; the reading itself happens inside a real sandbox.
"""

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader

from docmill.errors import RunError

if TYPE_CHECKING:
    from tests.hostile.conftest import Desk

pytestmark = pytest.mark.skipif(
    shutil.which("tesseract") is None and "DOCMILL_CI" not in os.environ,
    reason="tesseract isn't installed",
)
LINES = ("Serial number V-2207", "Bore 12.4 mm")
SCALE = 4


def picture(lines: tuple[str, ...], *, blur: int = 1) -> ImageReader:
    """A page of text as a scanner sees it; `blur` shrinks it first."""
    page = Image.new("L", (420 * SCALE, 300 * SCALE), 255)
    font = ImageFont.load_default(14 * SCALE)
    for number, line in enumerate(lines):
        ImageDraw.Draw(page).text((40 * SCALE, (60 + 30 * number) * SCALE), line, 0, font)
    if blur > 1:
        page = page.resize((page.width // blur, page.height // blur)).resize(page.size)
    return ImageReader(page)


def scan(canvas: Any) -> None:
    """A page that is nothing but a picture."""
    canvas.drawImage(picture(LINES), 0, 0, 420, 300)


def blurred_scan(canvas: Any) -> None:
    """A page that went through a bad fax."""
    canvas.drawImage(picture(LINES, blur=13), 0, 0, 420, 300)


def lying_scan(canvas: Any) -> None:
    """A scan whose text layer gives the bore another digit."""
    scan(canvas)
    text = canvas.beginText()
    text.setTextRenderMode(3)
    text.setFont("Helvetica", 13)
    text.setTextOrigin(40, 300 - 72)
    text.textOut("Serial number V-2207")
    text.setTextOrigin(40, 300 - 102)
    text.textOut("Bore 17.4 mm")
    canvas.drawText(text)


def test_a_scan_is_read_by_ocr_and_says_so(desk: "Desk") -> None:
    """The value is verified with the mark of OCR and its confidence; the page has a remark."""
    result = desk.draw(scan).run(ocr="auto")
    assert result.status == "ok", desk.bore(result)
    value = desk.bore(result)
    assert value.status == "verified"
    assert value.reading
    assert value.reading.evidence
    assert value.reading.evidence.ocr
    assert 0.8 <= (value.reading.evidence.confidence or 0) <= 1
    assert [(flag.kind, flag.page, flag.severity) for flag in result.flags] == [("ocr", 1, "info")]


def test_without_ocr_a_scan_fails_with_the_way_out(desk: "Desk") -> None:
    """Nothing is guessed; the remedy names the key."""
    result = desk.draw(scan).run()
    assert (result.status, result.code) == ("failed", "document_no_text")
    assert "documents.ocr: auto" in result.remedy


def test_what_ocr_is_unsure_of_is_unverified(desk: "Desk") -> None:
    """A value that can't be read twice the same way, or not surely, isn't proven."""
    result = desk.draw(blurred_scan).run(ocr="auto")
    if result.record is not None:
        assert desk.bore(result).status in ("unverified", "missing", "ambiguous")
    assert result.status != "ok"


def test_a_text_layer_that_lies_is_caught(desk: "Desk") -> None:
    """The picture shows 12.4, the text layer of the scan says 17.4: value and document say so."""
    result = desk.draw(lying_scan).run(ocr="auto")
    assert result.status == "flagged"
    assert "disagrees" in desk.bore(result).flags
    (flag,) = (flag for flag in result.flags if flag.kind == "disagrees")
    assert (flag.page, flag.severity) == (1, "warning")
    assert "17.4" in flag.excerpt


def test_an_honest_text_layer_agrees(desk: "Desk") -> None:
    """`always` compares every cited place with the printed page, and finds nothing here."""

    def draw(canvas: Any) -> None:
        canvas.drawString(40, 250, LINES[0])
        canvas.drawString(40, 230, LINES[1])

    result = desk.draw(draw).run(ocr="always")
    assert (result.status, result.flags) == ("ok", ())


def test_a_language_that_is_missing_is_a_prerequisite(desk: "Desk") -> None:
    """The run ends before anything is spent, with the package to install."""
    with pytest.raises(RunError) as caught:
        desk.draw(scan).run(ocr="auto", ocr_languages=["eng", "xyz"])
    assert "xyz" in caught.value.message
    assert "tesseract-ocr-xyz" in caught.value.remedy
