"""Documents in a bucket are found by the same rules, through fsspec."""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from docmill.documents.find import find_documents, read_document
from docmill.errors import DocumentError, PrerequisiteError
from docmill.spec.pipeline import Documents

PDF = b"%PDF-1.7\nbody\n"
HERE = Path()
MEMORY: Any = MemoryFileSystem()


@pytest.fixture
def bucket() -> Iterator[str]:
    """An empty in-memory bucket, `memory://bucket`."""
    MEMORY.makedirs("/bucket", exist_ok=True)
    yield "memory://bucket"
    MEMORY.rm("/bucket", recursive=True)


def put(name: str, content: bytes) -> None:
    MEMORY.pipe(f"/bucket/{name}", content)


def test_a_bucket_is_listed_like_a_folder(bucket: str) -> None:
    """Names are relative to the prefix; glob, exclude and hidden names work the same."""
    for name in ("in/a.pdf", "in/x/b.pdf", "in/x/draft.pdf", "in/.hidden.pdf", "in/c.txt"):
        put(name, PDF)
    found = find_documents(
        Documents(path=f"{bucket}/in/", glob="**/*.pdf", exclude=("draft*",)), HERE
    )
    assert [document.info.name for document in found.documents] == ["a.pdf", "x/b.pdf"]
    assert found.excluded == ("x/draft.pdf",)
    assert found.documents[1].info.duplicate_of == "a"


def test_an_object_is_read_by_its_location(bucket: str) -> None:
    """The location leads back to the bytes that were hashed."""
    put("in/a.pdf", PDF)
    (document,) = find_documents(Documents(path=f"{bucket}/in/a.pdf"), HERE).documents
    assert document.info.name == "a.pdf"
    assert read_document(document.location, sha256=document.info.sha256, max_bytes=99) == PDF
    put("in/a.pdf", b"")
    with pytest.raises(DocumentError):
        read_document(document.location, sha256=document.info.sha256, max_bytes=99)


def test_refused_objects_have_codes_too(bucket: str) -> None:
    """Empty and oversized objects are told by the listing alone."""
    put("in/empty.pdf", b"")
    put("in/large.pdf", PDF * 10)
    found = find_documents(Documents(path=f"{bucket}/in", max_size="100"), HERE)
    assert [d.code for d in found.documents] == ["document_empty", "document_too_large"]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nosuch://bucket/in", "not an address fsspec knows"),
        ("gs://bucket/in", "need gcsfs, which is not installed"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_is_missing(
    address: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing driver is a prerequisite with the command that installs it."""
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(PrerequisiteError, match=message):
        find_documents(Documents(path=address), HERE)


def test_a_source_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    """Refused access looks like what it is, not like an empty batch."""
    with pytest.raises(PrerequisiteError, match=r"can't be listed: No such file or directory"):
        find_documents(Documents(path=f"zip://::{tmp_path}/gone.zip"), HERE)


def test_an_archive_can_be_the_batch(tmp_path: Path) -> None:
    """Addresses may be chained as fsspec allows."""
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("a.pdf", PDF)
    found = find_documents(Documents(path=f"zip://::{tmp_path}/in.zip"), HERE)
    (document,) = found.documents
    assert (document.info.name, document.code) == ("a.pdf", "")
    assert read_document(document.location, sha256=document.info.sha256, max_bytes=99) == PDF
