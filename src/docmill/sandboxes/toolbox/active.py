"""What a PDF holds besides pages: scripts, actions, embedded files, forms, an odd structure.

pdfium tells of attachments, scripts and forms; the rest is found by name in the bytes, those of
compressed objects included. Nothing is ever run. `suspicion` has the flags of pages.
"""

from __future__ import annotations

import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .pdfium import Document

MAX_OBJECT_STREAMS = 400
MAX_INFLATED = 4 << 20
"""Bytes of one stream of objects."""
MAX_ALL = 24 << 20
"""Bytes of all streams together that are looked through."""
TRAILING = 1024
"""Bytes behind the end of a file that are worth a word."""
_NAMES = (
    ("javascript", rb"/JavaScript\b|/S\s{0,8}/JS\b|/JS\s{0,8}[(<\[\d]", (b"/JavaScript", b"/JS")),
    ("launch", rb"/S\s{0,8}/Launch\b", (b"/Launch",)),
    (
        "submits",
        rb"/S\s{0,8}/(?:SubmitForm|ImportData|GoToR|GoToE)\b",
        (b"/SubmitForm", b"/ImportData", b"/GoToR", b"/GoToE"),
    ),
    ("layers", rb"/OCProperties\b|/Encrypt\b", (b"/OCProperties", b"/Encrypt")),
    ("embedded_file", rb"/EmbeddedFiles?\b|/RichMedia\b", (b"/EmbeddedFile", b"/RichMedia")),
)
"""Kind, pattern, and words one of which every match holds: to search for those takes no time."""
_FOREIGN = (b"PK\x03\x04", b"MZ", b"\x7fELF", b"<html", b"<!DOCTYPE", b"#!", b"\xff\xd8\xff")
_SUBTYPES = {1: "note", 3: "free text", 13: "stamp", 17: "attached file", 18: "sound", 19: "movie",
             21: "screen", 26: "rich media"}  # fmt: skip


def document_flags(
    document: Document | None, data: bytes, found: list[str]
) -> Iterator[dict[str, Any]]:
    """Flags about the document as a whole; `found` is what `named` finds in its bytes.

    Without pdfium they are all there is.
    """
    names = document.attachments() if document else []
    for name in names:
        yield {"kind": "embedded_file", "excerpt": name[:80]}
    scripts = document.scripts() if document else 0
    if scripts:
        yield {"kind": "javascript", "count": scripts}
    told = {"layers", *(["javascript"] if scripts else []), *(["embedded_file"] if names else [])}
    for kind in found:
        if kind not in told:
            yield {"kind": kind}
    if document and document.has_form():
        yield {"kind": "form"}
    yield from _oddities(data)


def named(data: bytes) -> list[str]:
    """Kinds whose names stand in the objects of the file; `layers`: some may be switched off."""
    found: list[str] = []
    for part in _parts(data):
        text = _unescaped(part) if b"#" in part else part
        for kind, pattern, words in _NAMES:
            if kind not in found and any(word in text for word in words):
                import re

                if re.search(pattern, text):
                    found.append(kind)
    return found


def _unescaped(part: bytes) -> bytes:
    """Names as readers understand them: `/J#61vaScript` is `/JavaScript`."""
    import re

    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), part)


def _parts(data: bytes) -> Iterator[bytes]:
    """The file without its streams, then what its streams of objects hold."""
    outside: list[bytes] = []
    streams: list[bytes] = []
    place = 0
    while True:
        start = data.find(b"stream", place)
        end = data.find(b"endstream", start + 6) if start >= 0 else -1
        if end < 0:
            outside.append(data[place:])
            break
        head = data[max(place, start - 600) : start]
        outside.append(data[place:start])
        if b"ObjStm" in head and len(streams) < MAX_OBJECT_STREAMS:
            streams.append(data[start + 6 : end].lstrip(b"\r\n"))
        place = end + 9
    yield b"\n".join(outside)
    left = MAX_ALL
    for stream in streams:
        inflated = _inflate(stream, min(left, MAX_INFLATED))
        left -= len(inflated)
        if inflated:
            yield inflated
        if left <= 0:
            return


def _inflate(stream: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream, max(limit, 1))
    except zlib.error:  # encrypted, or packed otherwise; pdfium's own counts stand
        return b""


def _oddities(data: bytes) -> Iterator[dict[str, Any]]:
    if data.startswith(_FOREIGN):
        yield {"kind": "odd_structure", "excerpt": "the file begins as another type of file"}
    end = data.rfind(b"%%EOF")
    rest = data[end + 5 :].strip(b"\0\r\n\t ") if end >= 0 else b""
    if len(rest) > TRAILING:
        yield {"kind": "odd_structure", "excerpt": f"{len(rest)} bytes behind the end of the PDF"}


def annotation_flag(page: Any, number: int) -> tuple[dict[str, Any] | None, list[str]]:
    """The flag about a page's annotations that hold content, and the words they hold."""
    from ctypes import create_string_buffer

    lib = page.lib
    total = min(200, int(lib.FPDFPage_GetAnnotCount(page.handle)))
    seen: list[str] = []
    words: list[str] = []
    buffer = create_string_buffer(8192) if total else None
    for index in range(total):
        held = lib.FPDFPage_GetAnnot(page.handle, index)
        if not held:
            continue
        named = _SUBTYPES.get(lib.FPDFAnnot_GetSubtype(held))
        if named and buffer is not None:
            seen.append(named)
            size = int(lib.FPDFAnnot_GetStringValue(held, b"Contents", buffer, len(buffer)))
            if 2 < size <= len(buffer):
                words += buffer.raw[: size - 2].decode("utf-16-le", "replace").split()
        lib.FPDFPage_CloseAnnot(held)
    if not seen:
        return None, []
    kinds = ", ".join(sorted(set(seen)))
    return {"kind": "annotation", "page": number, "excerpt": kinds, "count": len(seen)}, words
