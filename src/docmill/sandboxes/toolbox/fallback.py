"""Reading with pypdf what pdfium refuses: text with approximate positions, no pictures.

Imported only then, for pypdf takes 150 ms to import. Runs in the reader's child process.
"""

from __future__ import annotations

import logging
import math
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from .errors import OpError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdf import PageObject

    from .words import FoundWord

ADVANCE = 0.5
"""Of the font size: width taken for a character, since pypdf doesn't tell."""

# What pypdf may raise on hostile input besides its own errors.
_REFUSALS = (
    PyPdfError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    ArithmeticError,
    NotImplementedError,
    AssertionError,
    OSError,
)


def open_document(data: bytes, password: str | None) -> PdfReader:
    """Open and, where needed, decrypt.

    Raises:
        OpError: `document_encrypted` or `document_corrupt`.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    try:
        reader = PdfReader(BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(password or ""):
            raise OpError("document_encrypted: no password opens the PDF")
        if not len(reader.pages):
            raise OpError("document_corrupt: the PDF has no pages")
    except _REFUSALS as error:
        raise OpError(f"document_corrupt: not a readable PDF ({str(error)[:200]})") from error
    return reader


def title(reader: PdfReader) -> str:
    """The title in the document's information, or an empty string."""
    try:
        found = reader.metadata
        return str(found.title or "") if found else ""
    except _REFUSALS:
        return ""


def read_pages(
    reader: PdfReader, limit: int
) -> Iterator[tuple[float, float, list[FoundWord], int]]:
    """Width, height, words and number of characters of each page; a broken page is empty."""
    for index in range(len(reader.pages)):
        try:
            yield _read(reader.pages[index], limit)
        except _REFUSALS:
            yield 612.0, 792.0, [], 0


def _read(page: PageObject, limit: int) -> tuple[float, float, list[FoundWord], int]:
    box = page.cropbox
    left, bottom = float(box.left), float(box.bottom)
    width, height = abs(float(box.width)), abs(float(box.height))
    turns = int(page.rotation // 90) % 4
    found: list[FoundWord] = []
    chars = 0

    def visit(text: str, cm: list[float], tm: list[float], _font: Any, size: float) -> None:
        nonlocal chars
        chars += len(text)
        if chars > limit or not text.strip():
            return
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4] - left
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5] - bottom
        scale = abs(size) * math.hypot(tm[1] * cm[3], tm[3] * cm[3]) or 10.0
        for word, start, end in _split(text):
            span = (x + start * ADVANCE * scale, y - 0.2 * scale)
            upper = (x + end * ADVANCE * scale, y + 0.9 * scale)
            found.append((word, *_turn(span, upper, (width, height), turns)))

    page.extract_text(visitor_text=visit)
    size = (height, width) if turns % 2 else (width, height)
    finite = [w for w in found if all(math.isfinite(v) and abs(v) < 1e6 for v in w[1:])]
    return *size, finite, min(chars, limit)


def _split(text: str) -> Iterator[tuple[str, int, int]]:
    """Words of a chunk with their places in it."""
    start = 0
    for word in text.split():
        start = text.index(word, start)
        yield word, start, start + len(word)
        start += len(word)


def _turn(
    low: tuple[float, float], high: tuple[float, float], size: tuple[float, float], turns: int
) -> tuple[float, float, float, float]:
    """A box from page space (origin bottom left) to displayed space (origin top left)."""
    (x0, y0), (x1, y1), (width, height) = low, high, size
    if turns == 1:
        return y0, x0, y1, x1
    if turns == 2:
        return width - x1, y0, width - x0, y1
    if turns == 3:
        return height - y1, width - x1, height - y0, width - x0
    return x0, height - y1, x1, height - y0
