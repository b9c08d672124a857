"""The documents of a batch: found, hashed, named, and refused with a code where of no use."""

import hashlib
import os
from pathlib import Path

import pytest

from docmill.documents.find import Found, find_documents, read_document
from docmill.errors import DocumentError, PrerequisiteError
from docmill.plan import PlannedDocument
from docmill.spec.pipeline import Documents

PDF = b"%PDF-1.7\nbody\n"


def batch(root: Path, files: dict[str, bytes], **spec: object) -> Found:
    for name, content in files.items():
        (root / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "in" / name).write_bytes(content)
    return find_documents(Documents.model_validate({"path": "in", **spec}), root)


def names(found: Found) -> list[str]:
    return [document.info.name for document in found.documents]


def only(found: Found) -> PlannedDocument:
    (document,) = found.documents
    return document


def test_a_document_has_name_hash_and_size(tmp_path: Path) -> None:
    """Name relative to the folder, id safe as a file name, location absolute."""
    document = only(batch(tmp_path, {"lab 1/Report No.7.pdf": PDF}))
    assert document.info.id == "lab-1-report-no-7"
    assert document.info.name == "lab 1/Report No.7.pdf"
    assert document.info.sha256 == hashlib.sha256(PDF).hexdigest()
    assert (document.info.size, document.info.media_type) == (len(PDF), "application/pdf")
    assert document.location == str(tmp_path / "in/lab 1/Report No.7.pdf")
    assert (document.code, document.key) == ("", "")


def test_documents_come_in_order_of_name(tmp_path: Path) -> None:
    """Whatever order the file system has."""
    found = batch(tmp_path, {name: PDF + name.encode() for name in ("b.pdf", "a/z.pdf", "a.pdf")})
    assert names(found) == ["a.pdf", "a/z.pdf", "b.pdf"]


def test_glob_and_exclude_choose(tmp_path: Path) -> None:
    """The glob says what belongs to the batch; what is excluded from it is told by name."""
    files: dict[str, bytes] = dict.fromkeys(
        ("a.pdf", "b.PDF", "old/a.pdf", "old/draft.pdf", "notes.txt"), PDF
    )
    found = batch(tmp_path, files, glob="**/*.pdf", exclude=["draft.*", "b.pdf"])
    assert names(found) == ["a.pdf", "old/a.pdf"]
    assert found.excluded == ("b.PDF", "old/draft.pdf")


def test_hidden_files_never_match(tmp_path: Path) -> None:
    """Neither hidden files nor anything in hidden folders."""
    found = batch(tmp_path, {"a.pdf": PDF, ".b.pdf": PDF, ".c/d.pdf": PDF})
    assert names(found) == ["a.pdf"]
    assert found.excluded == ()


def test_the_same_content_is_a_duplicate(tmp_path: Path) -> None:
    """The first in order of name is processed, the others refer to it."""
    found = batch(tmp_path, {"a.pdf": PDF, "b.pdf": PDF + b"x", "copy of a.pdf": PDF})
    assert [d.info.duplicate_of for d in found.documents] == [None, None, "a"]


def test_a_single_file_can_be_the_batch(tmp_path: Path) -> None:
    """`documents.path` may name one file; the glob has no say then."""
    batch(tmp_path, {"a.pdf": PDF, "b.pdf": PDF})
    found = find_documents(Documents(path="in/b.pdf", glob="*.txt"), tmp_path)
    assert names(found) == ["b.pdf"]
    absolute = find_documents(Documents(path=f"file://{tmp_path}/in/b.pdf"), Path("/nowhere"))
    assert names(absolute) == ["b.pdf"]


def test_an_empty_folder_is_an_empty_batch(tmp_path: Path) -> None:
    """No documents today is no error."""
    (tmp_path / "in").mkdir()
    assert batch(tmp_path, {}) == Found((), ())


def test_a_missing_folder_names_the_command_that_makes_it(tmp_path: Path) -> None:
    """A mistyped folder must not look like an empty one."""
    with pytest.raises(PrerequisiteError, match="mkdir -p"):
        batch(tmp_path, {})


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", "document_empty", "The file is empty (0 bytes)."),
        (b"x" * 101, "document_too_large", "The file has 101 bytes, more than the limit of 100"),
        (b"hello", "document_not_supported", "The file is not a PDF; it is a plain text."),
        (b"\x89PNG\r\n\x1a\n", "document_not_supported", "it is a PNG picture."),
    ],
)
def test_what_cannot_be_used_says_why(
    tmp_path: Path, content: bytes, code: str, message: str
) -> None:
    """Each refused document has a code, a plain sentence and a remedy; the others go on."""
    found = batch(tmp_path, {"a.pdf": PDF, "b.pdf": content}, max_size="100")
    good, bad = found.documents
    assert (good.code, bad.code) == ("", code)
    assert message in bad.message
    assert bad.remedy


def test_an_unreadable_document_says_why(tmp_path: Path) -> None:
    """What can't be opened is that document's failure; here a name no text can hold."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / os.fsdecode(b"n\xff.pdf")).write_bytes(PDF)
    document = only(find_documents(Documents(path="in"), tmp_path))
    assert (document.code, document.info.name) == ("document_unreadable", r"n\xff.pdf")
    assert document.remedy == "Rename the file."


def test_links_out_of_the_folder_are_left_out(tmp_path: Path) -> None:
    """A link may stand for a file of the folder, never for one elsewhere; each is told."""
    found = batch(tmp_path, {"a.pdf": PDF, "sub/b.pdf": PDF + b"b"})
    (tmp_path / "secret.pdf").write_bytes(PDF)
    for name, target in {
        "inside.pdf": "sub/b.pdf",
        "out.pdf": "../secret.pdf",
        "gone.pdf": "nothing.pdf",
        "loop.pdf": "loop.pdf",
        "folder": "sub",
        "up": "..",
    }.items():
        (tmp_path / "in" / name).symlink_to(target)
    os.mkfifo(tmp_path / "in/pipe.pdf")
    found = find_documents(Documents(path="in"), tmp_path)
    assert names(found) == ["a.pdf", "inside.pdf", "sub/b.pdf"]
    assert found.excluded == (
        "folder (a symbolic link to a folder)",
        "gone.pdf (a symbolic link to nothing)",
        "loop.pdf (a symbolic link to nothing)",
        "out.pdf (a symbolic link that leads out of the folder)",
        "pipe.pdf (not a regular file)",
        "up (a symbolic link that leads out of the folder)",
    )


def test_hostile_names_are_shown_safely(tmp_path: Path) -> None:
    """Line breaks, escape codes and reversed text in a name are spelled out; the file is found."""
    found = batch(tmp_path, {"a\n\x1b[31m.pdf": PDF, "gpj\u202efdp.pdf": PDF + b"x", "..pdf.": PDF})
    shown = names(found)
    assert shown == [r"a\x0a\x1b[31m.pdf", r"gpj\u202efdp.pdf"]
    assert all(Path(document.location).is_file() for document in found.documents)


def test_a_run_reads_the_bytes_that_were_hashed(tmp_path: Path) -> None:
    """A file that changed between plan and session is an error, not another document's record."""
    document = only(batch(tmp_path, {"a.pdf": PDF}))
    good = read_document(document.location, sha256=document.info.sha256, max_bytes=100)
    assert good == PDF
    Path(document.location).write_bytes(PDF + b"more")
    with pytest.raises(DocumentError) as changed:
        read_document(document.location, sha256=document.info.sha256, max_bytes=100)
    assert changed.value.code == "document_changed"
    Path(document.location).unlink()
    with pytest.raises(DocumentError) as gone:
        read_document(document.location, sha256=document.info.sha256, max_bytes=100)
    assert gone.value.code == "document_unreadable"
