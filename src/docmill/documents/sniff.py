"""What a file is by its first bytes, never by its name. Parses nothing."""

import codecs
from typing import NamedTuple

HEAD = 4096
"""Bytes of a file's beginning that `sniff` looks at."""
PDF = "application/pdf"


class Kind(NamedTuple):
    """A kind of file."""

    media_type: str
    words: str
    """In plain words, to follow `it is`."""


_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", Kind("image/png", "a PNG picture")),
    (b"\xff\xd8\xff", Kind("image/jpeg", "a JPEG picture")),
    (b"GIF87a", Kind("image/gif", "a GIF picture")),
    (b"GIF89a", Kind("image/gif", "a GIF picture")),
    (b"II*\x00", Kind("image/tiff", "a TIFF picture")),
    (b"MM\x00*", Kind("image/tiff", "a TIFF picture")),
    (b"BM", Kind("image/bmp", "a BMP picture")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind("application/x-ole-storage", "an old Office file")),
    (b"{\\rtf", Kind("application/rtf", "an RTF text")),
    (b"%!PS", Kind("application/postscript", "a PostScript file")),
    (b"\x1f\x8b", Kind("application/gzip", "a gzip archive")),
    (b"7z\xbc\xaf\x27\x1c", Kind("application/x-7z-compressed", "a 7z archive")),
    (b"Rar!\x1a\x07", Kind("application/vnd.rar", "a RAR archive")),
    (b"\x7fELF", Kind("application/x-executable", "a program")),
    (b"MZ", Kind("application/x-dosexec", "a Windows program")),
    (b"SQLite format 3\x00", Kind("application/vnd.sqlite3", "an SQLite database")),
)
_OFFICE = "application/vnd.openxmlformats-officedocument."
_ZIPPED: tuple[tuple[bytes, Kind], ...] = (
    (b"word/", Kind(_OFFICE + "wordprocessingml.document", "a Word document (docx)")),
    (b"xl/", Kind(_OFFICE + "spreadsheetml.sheet", "an Excel workbook (xlsx)")),
    (b"ppt/", Kind(_OFFICE + "presentationml.presentation", "a PowerPoint file (pptx)")),
    (
        b"mimetypeapplication/vnd.oasis.opendocument",
        Kind("application/vnd.oasis.opendocument", "an OpenDocument file"),
    ),
    (b"mimetypeapplication/epub+zip", Kind("application/epub+zip", "an EPUB book")),
    (b"[Content_Types].xml", Kind("application/vnd.openxmlformats", "an Office file")),
)
_ISO_MEDIA = {b"heic": "a HEIC picture", b"heix": "a HEIC picture", b"avif": "an AVIF picture"}


def sniff(head: bytes) -> Kind:
    """The kind of file that begins with `head` (`HEAD` bytes suffice).

    A PDF's header may stand anywhere in the first 1024 bytes, as ISO 32000 readers allow.
    """
    if b"%PDF-" in head[:1024]:
        return Kind(PDF, "a PDF")
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        inside = next((kind for mark, kind in _ZIPPED if mark in head), None)
        return inside or Kind("application/zip", "a zip archive")
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind("image/webp", "a WebP picture")
    if head[4:8] == b"ftyp":
        return Kind("application/mp4", _ISO_MEDIA.get(head[8:12], "a video"))
    return _text(head)


def _text(head: bytes) -> Kind:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return Kind("text/html", "an HTML page")
    if start.startswith(b"<?xml"):
        return Kind("application/xml", "an XML file")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Kind("text/plain", "a plain text")
    if not head.strip(b"\x00"):
        return Kind("application/octet-stream", "nothing but zero bytes")
    if _is_utf8(head) and not any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head):
        return Kind("text/plain", "a plain text")
    return Kind("application/octet-stream", "of an unknown kind")


def _is_utf8(head: bytes) -> bool:
    try:
        # the cut at HEAD may fall inside a character
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return False
    return True
