"""The reader's child process: the only place that parses the document.

Started by `reader`, which limits it and survives it. pdfium gives words, boxes and pictures; what
it refuses is tried with `pypdf` (`fallback`). Answers requests over a pipe until that closes.
"""

from __future__ import annotations

import os
import time

from . import pdfium, raster, wire, words
from .errors import OpError, from_os
from .suspicion import Suspicion

TYPE_CHECKING = False  # importing `typing` costs more than opening a document
if TYPE_CHECKING:
    from typing import Any

    from .words import FoundWord

SOURCE = "/workspace/document/source"
LAYOUT = "/workspace/document/layout"
PICTURES = "/workspace/document/pictures"
MAX_CHARS = 200_000
"""Per page; far beyond any printed page."""
MAX_PIXELS = 16_000_000
"""An A0 sheet at 100 dpi; larger pages are drawn smaller."""
MAX_SIDE = 20_000.0
"""Points; PDF allows 14,400."""
INK_DPI = 100
OCR_DPI = 300
MARGIN = 1.5
"""Points around a line that OCR is shown."""
KEPT_PAGES = 4


class ReadPage:
    """A page as displayed: size in points and words."""

    def __init__(self, width: float, height: float, found: list[FoundWord], chars: int) -> None:
        self.width = width
        self.height = height
        self.words = found
        self.chars = chars


class Reader:
    """The document at hand, and what was made of it."""

    def __init__(self) -> None:
        self._data: bytes | None = None
        self._digest = ""
        self._document: pdfium.Document | None = None
        self._pixels: dict[tuple[int, int], tuple[bytearray, int, int]] = {}
        self._widths: dict[int, float] = {}
        self._notes: list[str] = []

    def prepare(self, args: dict[str, Any]) -> dict[str, Any]:
        """Write the words of all pages to `LAYOUT`; returns what the document is.

        Raises:
            OpError: the document can't be used; the message starts with its code.
        """
        password = args.get("password")
        self._notes = []
        try:
            document = self._open(args)
        except pdfium.UnreadableError as refused:
            return self._prepare_with_pypdf(refused, password, int(args["max_pages"]))
        _check_pages(document.pages, int(args["max_pages"]))
        summary = Summary("pdfium")
        suspicion = Suspicion(keep_hidden=bool(args.get("keep_hidden")))
        suspicion.look_at(document, self._data or b"")
        failed: list[int] = []
        for number in range(1, document.pages + 1):
            page = self._read(document, number, suspicion)
            if page is None:
                failed.append(number)
                page = ReadPage(612.0, 792.0, [], 0)
            summary.add(page)
        if failed:
            self._notes.append("unreadable pages: " + ", ".join(map(str, failed[:20])))
        if len(failed) == document.pages:
            raise OpError("document_corrupt: no page of the PDF can be read")
        if not (summary.words or args.get("textless")):
            unseen = f"; {suspicion.left_out} words of it are hidden" if suspicion.left_out else ""
            raise OpError(f"document_no_text: no page has a text layer to be read{unseen}")
        found = {"flags": suspicion.flags, "left_out": suspicion.left_out}
        kept = {**summary.finish(document.title(), self._notes), **found}
        return {**kept, "digest": self._digest}

    def _open(self, args: dict[str, Any]) -> pdfium.Document:
        if self._document is None:
            with open(SOURCE, "rb") as file:
                self._data = file.read()
            self._digest = _sha256(self._data)
            if args.get("digest") not in (None, self._digest):
                raise OpError("document_changed: the document was overwritten in the sandbox")
            if _is_damaged(self._data):
                self._notes.append("repaired: the file's cross-reference table is damaged")
            self._document = pdfium.Document(self._data, args.get("password"))
        if self._document.pages < 1:
            raise pdfium.UnreadableError(3)
        return self._document

    def _read(
        self, document: pdfium.Document, number: int, suspicion: Suspicion
    ) -> ReadPage | None:
        page = document.open_page(number)
        if page is None or not (0 < page.width < MAX_SIDE and 0 < page.height < MAX_SIDE):
            return None
        with page:
            layer = page.text(MAX_CHARS)
            if layer is None:
                suspicion.comments(page, number)
                return ReadPage(page.width, page.height, [], 0)
            with layer:
                if layer.total > layer.count:
                    self._notes.append(f"page {number}: text cut after {layer.count} characters")
                found = suspicion.sift(page, layer, words.words_of(page, layer), number)
                return ReadPage(page.width, page.height, found, layer.count)

    def _prepare_with_pypdf(
        self, refused: pdfium.UnreadableError, password: str | None, max_pages: int
    ) -> dict[str, Any]:
        data = self._data or b""
        if refused.code == pdfium.PASSWORD:
            given = "the password given doesn't open it" if password else "the PDF needs a password"
            raise OpError(f"document_encrypted: {given}")
        if b"%PDF-" not in data:
            raise OpError("document_corrupt: not a PDF")
        from . import fallback

        reader = fallback.open_document(data, password)
        _check_pages(len(reader.pages), max_pages)
        summary = Summary("pypdf")
        suspicion = Suspicion(keep_hidden=True)
        suspicion.look_at(None, data)
        for number, page in enumerate(fallback.read_pages(reader, MAX_CHARS), 1):
            summary.add(ReadPage(*page))
            suspicion.listen(page[2], number)
        if not summary.words:
            raise OpError("document_no_text: no page has a text layer to be read")
        self._notes.append("read with pypdf: positions of words are approximate, no pictures")
        kept = summary.finish(fallback.title(reader), self._notes)
        return {**kept, "flags": suspicion.flags, "left_out": 0, "digest": self._digest}

    def render(self, args: dict[str, Any]) -> dict[str, Any]:
        """Write the picture of a page to `PICTURES`."""
        number = int(args["page"])
        pixels, width, height = self._draw(args, int(args.get("dpi", INK_DPI)))
        data = raster.png(pixels, width, height)
        os.makedirs(PICTURES, exist_ok=True)
        _write(f"{PICTURES}/page-{number:04d}.png", data)
        return {"width": width, "height": height, "bytes": len(data)}

    def ink(self, args: dict[str, Any]) -> list[float]:
        """Share of inked pixels for each box (points from the top left) of a page."""
        pixels, width, height = self._draw(args, INK_DPI)
        across = width / self._widths[int(args["page"])]
        shares: list[float] = []
        for box in args["boxes"]:
            x0, y0, x1, y1 = (int(float(edge) * across) for edge in box)
            shares.append(raster.ink(pixels, width, height, (x0, y0, x1 + 1, y1 + 1)))
        return shares

    def ocr_languages(self, _args: dict[str, Any]) -> list[str]:
        """The languages OCR can read."""
        from . import ocr

        return ocr.languages()

    def ocr(self, args: dict[str, Any]) -> list[list[object]]:
        """Words of a page, or of the line in `box`, by OCR: text, box in points, confidence.

        With `keep` they become the page's words in `LAYOUT`.
        """
        from . import ocr

        number = int(args["page"])
        with self._page(args) as page:
            dpi = int(args.get("dpi", OCR_DPI))
            scale = min(dpi / 72, (MAX_PIXELS / (page.width * page.height)) ** 0.5)
            whole = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
            part = _part(args.get("box"), scale, whole)
            pixels = page.gray(*whole, part)
            size = (page.width, page.height)
        found = ocr.read(
            pixels,
            (part[2] - part[0], part[3] - part[1]),
            wanted=[str(language) for language in args["languages"]],
            line="box" in args,
            dpi=round(scale * 72),
            seconds=float(args["seconds"]) * 0.9,
        )
        words: list[FoundWord] = []
        for text, *box, _ in found:
            sides = [(side + part[n % 2]) / scale for n, side in enumerate(box)]
            words.append((text, sides[0], sides[1], sides[2], sides[3]))
        if args.get("keep"):
            text = page_text(number, ReadPage(*size, words, 0))
            _write(f"{LAYOUT}/page-{number:04d}.tsv", text.encode())
        return [[*word, entry[5]] for word, entry in zip(words, found, strict=True)]

    def _draw(self, args: dict[str, Any], dpi: int) -> tuple[bytearray, int, int]:
        number = int(args["page"])
        if (number, dpi) in self._pixels:
            return self._pixels[number, dpi]
        with self._page(args) as page:
            scale = min(dpi / 72, (MAX_PIXELS / (page.width * page.height)) ** 0.5)
            width, height = max(1, round(page.width * scale)), max(1, round(page.height * scale))
            self._widths[number] = page.width
            drawn = (page.gray(width, height), width, height)
        if len(self._pixels) >= KEPT_PAGES:
            del self._pixels[next(iter(self._pixels))]
        self._pixels[number, dpi] = drawn
        return drawn

    def _page(self, args: dict[str, Any]) -> pdfium.OpenPage:
        number = int(args["page"])
        try:
            document = self._open(args)
        except pdfium.UnreadableError as error:
            raise OpError(f"page_not_rendered: {error}") from error
        page = document.open_page(number) if 1 <= number <= document.pages else None
        if page is None:
            raise OpError(f"page_not_rendered: there is no readable page {number}")
        return page


def _part(box: Any, scale: float, whole: tuple[int, int]) -> tuple[int, int, int, int]:
    """The pixels of a box with a little around it, or all."""
    if box is None:
        return 0, 0, *whole
    x0, y0, x1, y1 = (float(side) for side in box)
    left, top = int(max(0.0, x0 - MARGIN) * scale), int(max(0.0, y0 - MARGIN) * scale)
    left, top = min(left, whole[0] - 1), min(top, whole[1] - 1)
    right, bottom = int((x1 + MARGIN) * scale) + 1, int((y1 + MARGIN) * scale) + 1
    return left, top, max(left + 1, min(right, whole[0])), max(top + 1, min(bottom, whole[1]))


class Summary:
    """Writes one page after another and keeps the counts."""

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._sizes: list[list[float]] = []
        self.words = 0
        self._chars = 0
        os.makedirs(LAYOUT, exist_ok=True)

    def add(self, page: ReadPage) -> None:
        """Write the next page."""
        number = len(self._sizes) + 1
        self._sizes.append([round(page.width, 2), round(page.height, 2)])
        self.words += len(page.words)
        self._chars += page.chars
        _write(f"{LAYOUT}/page-{number:04d}.tsv", page_text(number, page).encode())

    def finish(self, title: str, notes: list[str]) -> dict[str, Any]:
        """The result of `prepare`."""
        return {
            "pages": len(self._sizes),
            "sizes": self._sizes,
            "words": self.words,
            "chars": self._chars,
            "reader": self._reader,
            "title": title[:500],
            "notes": notes[:50],
            "cpu_seconds": time.process_time(),
        }


def page_text(number: int, page: ReadPage) -> str:
    """The page in the form of `documents.layout.dump_page`."""
    lines = [f"#page\t{number}\t{page.width:.2f}\t{page.height:.2f}"]
    lines += [
        f"{x0:.2f}\t{y0:.2f}\t{x1:.2f}\t{y1:.2f}\t{text}" for text, x0, y0, x1, y1 in page.words
    ]
    lines.append("")
    return "\n".join(lines)


def _check_pages(pages: int, limit: int) -> None:
    if pages > limit:
        raise OpError(f"document_too_many_pages: {pages} pages, the limit is {limit}")


def _is_damaged(data: bytes) -> bool:
    """Whether the file's end points at no cross-reference table, so readers must rebuild it."""
    start = data.rfind(b"startxref")
    if start < 0 or len(data) - start > 4096:
        return True
    digits = data[start + 9 : start + 40].split()
    if not digits or not digits[0].isdigit():
        return True
    offset = int(digits[0]) + max(0, data.find(b"%PDF-", 0, 1024))
    table = data[offset : offset + 20].lstrip()
    return not (table.startswith(b"xref") or table[:1].isdigit())


def _sha256(data: bytes) -> str:
    """The digest, without `hashlib`, whose import loads all of OpenSSL."""
    try:
        module: Any = __import__("_sha256")
    except ImportError:
        module = __import__("hashlib")
    return module.sha256(data).hexdigest()


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def answer(reader: Reader, name: str, args: dict[str, Any]) -> dict[str, Any]:
    """One answer; `problem` instead of `result` where the document or the disk refuses."""
    try:
        return {"result": getattr(reader, name)(args)}
    except OpError as error:
        return {"problem": error.message, "code": error.code}
    except OSError as error:
        problem = from_os(error, str(error.filename or SOURCE))
        return {"problem": problem.message, "code": problem.code}
    except (MemoryError, RecursionError):
        return {"problem": "prepare_memory: reading the document needs more memory than allowed"}


def serve(requests: int, answers: int) -> None:
    """Answer until the other side closes."""
    reader = Reader()
    while True:
        try:
            message, _ = wire.receive(requests)
            name, args = message
            wire.send(answers, answer(reader, name, args))
        except wire.ClosedError:
            return
