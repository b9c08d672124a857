"""Files are known by their first bytes, not by their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.documents.sniff import HEAD, PDF, sniff

ZIP = b"PK\x03\x04" + bytes(26)


@pytest.mark.parametrize("offset", [0, 5, 1019])
def test_a_pdf_header_may_stand_in_the_first_1024_bytes(offset: int) -> None:
    """Mail gateways and scanners put bytes before it; readers accept that."""
    assert sniff(b"\n" * offset + b"%PDF-1.4").media_type == PDF


def test_a_header_further_down_is_none() -> None:
    """Beyond 1024 bytes it is some other file that mentions a PDF."""
    assert sniff(b"\n" * 1020 + b"%PDF-1.4").media_type == "text/plain"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (ZIP + b"[Content_Types].xml" + bytes(40) + b"word/document.xml", "a Word document (docx)"),
        (ZIP + b"xl/workbook.xml", "an Excel workbook (xlsx)"),
        (ZIP + b"[Content_Types].xml", "an Office file"),
        (ZIP + b"readme.txt", "a zip archive"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"II*\x00", "a TIFF picture"),
        (b"RIFF\x00\x00\x00\x00WEBP", "a WebP picture"),
        (b"\x00\x00\x00\x18ftypheic", "a HEIC picture"),
        (b"\x00\x00\x00\x18ftypmp42", "a video"),
        (b"  <!DOCTYPE html><p>", "an HTML page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "an XML file"),
        (b"\xff\xfeh\x00i\x00", "a plain text"),
        ("Prüfbericht".encode(), "a plain text"),
        (b"\x00" * 100, "nothing but zero bytes"),
        (b"\xde\xad\xbe\xef", "of an unknown kind"),
        (b"MZ\x90", "a Windows program"),
    ],
)
def test_other_files_are_named_in_plain_words(head: bytes, words: str) -> None:
    """The report says what the file is, so that its owner sees the mistake at once."""
    assert sniff(head).words == words


def test_a_character_cut_at_the_end_is_still_text() -> None:
    """The head ends anywhere, also inside a character."""
    assert sniff(("x" * (HEAD - 1) + "é").encode()[:HEAD]).media_type == "text/plain"


@given(st.binary(max_size=200))
def test_every_file_has_a_kind(head: bytes) -> None:
    """Any bytes get a media type and words."""
    kind = sniff(head)
    assert kind.words
    assert "/" in kind.media_type
