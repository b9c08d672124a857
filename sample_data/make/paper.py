"""Paper: pages drawn with reportlab, measured from the top left in points.

The only module that imports reportlab. Same bytes on every run: no compression, no clock.
Knows nothing of reports, certificates or invoices.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

A4 = (595.28, 841.89)
LETTER = (612.0, 792.0)
Align = Literal["l", "r", "c"]
Colour = tuple[float, float, float]
BLACK: Colour = (0, 0, 0)
GREY: Colour = (0.38, 0.4, 0.44)

# reportlab has no type information; everything taken from it is `Any`, here and nowhere else.
_canvas: Any = import_module("reportlab.pdfgen.canvas")
_metrics: Any = import_module("reportlab.pdfbase.pdfmetrics")
_ttfonts: Any = import_module("reportlab.pdfbase.ttfonts")
_encrypt: Any = import_module("reportlab.lib.pdfencrypt")
for _name in ("Vera", "VeraBd"):
    _metrics.registerFont(_ttfonts.TTFont(_name, f"{_name}.ttf"))


def width_of(text: str, font: str, size: float) -> float:
    """Width in points."""
    return float(_metrics.stringWidth(text, font, size))


class Sheet:
    """A PDF being drawn; `y` runs downwards."""

    def __init__(
        self,
        path: Path,
        *,
        title: str,
        author: str,
        size: tuple[float, float] = A4,
        landscape: bool = False,
        password: str | None = None,
        font: str = "Helvetica",
        bold: str = "Helvetica-Bold",
    ) -> None:
        self.width, self.height = (size[1], size[0]) if landscape else size
        self.font, self.bold = font, bold
        self.number = 1
        lock = _encrypt.StandardEncryption(password, ownerPassword="owner") if password else None
        self._pdf: Any = _canvas.Canvas(
            str(path),
            pagesize=(self.width, self.height),
            invariant=1,
            pageCompression=0,
            encrypt=lock,
            initialFontName=font,
        )
        self._pdf.setTitle(title)
        self._pdf.setAuthor(author)
        self._pdf.setCreator("sample_data/make")

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9,
        *,
        bold: bool = False,
        font: str | None = None,
        align: Align = "l",
        colour: Colour = BLACK,
        hidden: bool = False,
    ) -> float:
        """Draw one line with its baseline at `y`; returns the x where it ends.

        `hidden` writes it in render mode 3: in the text layer, but without ink.
        """
        face = font or (self.bold if bold else self.font)
        width = width_of(text, face, size)
        start = x - width if align == "r" else x - width / 2 if align == "c" else x
        self._pdf.setFont(face, size)
        self._pdf.setFillColorRGB(*colour)
        self._pdf.drawString(start, self.height - y, text, mode=3 if hidden else None)
        if hidden:  # the mode outlives the text object
            self._pdf.drawString(0, 0, "", mode=0)
        return start + width

    def up(self, x: float, y: float, text: str, *, size: float, colour: Colour = BLACK) -> None:
        """Draw one line that runs upwards along a margin."""
        self._pdf.saveState()
        self._pdf.translate(x, self.height - y)
        self._pdf.rotate(90)
        self._pdf.setFont(self.font, size)
        self._pdf.setFillColorRGB(*colour)
        self._pdf.drawString(0, 0, text)
        self._pdf.restoreState()

    def para(self, x: float, y: float, width: float, text: str, *, size: float = 9) -> float:
        """Draw a paragraph broken at `width`; returns the baseline after it."""
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}".strip()
            if line and width_of(longer, self.font, size) > width:
                self.text(x, y, line, size)
                y += size * 1.35
                line = word
            else:
                line = longer
        self.text(x, y, line, size)
        return y + size * 1.35

    def line(
        self, x0: float, y0: float, x1: float, y1: float, *, width: float = 0.6, grey: float = 0
    ) -> None:
        """Draw a straight rule."""
        self._pdf.setLineWidth(width)
        self._pdf.setStrokeGray(grey)
        self._pdf.line(x0, self.height - y0, x1, self.height - y1)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: Colour | None = None,
        edge: float | None = 0.6,
    ) -> None:
        """Draw a rectangle whose top left corner is at x, y."""
        if fill:
            self._pdf.setFillColorRGB(*fill)
        self._pdf.setLineWidth(edge or 0)
        self._pdf.setStrokeGray(0.25)
        self._pdf.rect(
            x,
            self.height - y - height,
            width,
            height,
            stroke=int(edge is not None),
            fill=int(fill is not None),
        )

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour = BLACK) -> None:
        """Draw a filled polygon, as logos are made of."""
        path = self._pdf.beginPath()
        path.moveTo(points[0][0], self.height - points[0][1])
        for x, y in points[1:]:
            path.lineTo(x, self.height - y)
        path.close()
        self._pdf.setFillColorRGB(*colour)
        self._pdf.drawPath(path, stroke=0, fill=1)

    def curve(
        self,
        contours: Sequence[Sequence[tuple[float, float]]],
        colour: Colour = BLACK,
    ) -> None:
        """Fill closed contours by the even-odd rule: letters drawn as outlines."""
        path = self._pdf.beginPath()
        for contour in contours:
            path.moveTo(contour[0][0], self.height - contour[0][1])
            for x, y in contour[1:]:
                path.lineTo(x, self.height - y)
            path.close()
        self._pdf.setFillColorRGB(*colour)
        self._pdf.drawPath(path, stroke=0, fill=1, fillMode=0)

    def lie(self) -> None:
        """Store this landscape page upright, its content turned; /Rotate 90 mends it.

        Printer drivers write landscape sheets like this.
        """
        self._pdf.setPageRotation(90)  # reportlab swaps the sides of the page for it
        self._pdf.translate(self.height, 0)
        self._pdf.rotate(90)

    def next_page(self) -> None:
        """Finish this page and start another."""
        self._pdf.showPage()
        self.number += 1

    def save(self) -> None:
        """Finish the last page and write the file."""
        self._pdf.showPage()
        self._pdf.save()
