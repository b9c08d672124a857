"""Unchanged files aren't read again; what changed always is."""

import hashlib
from pathlib import Path

import pytest

from docmill.documents.find import find_documents
from docmill.documents.hashes import HashCache, Seen
from docmill.spec.pipeline import Documents

SEEN = Seen("0" * 64, 3, "application/pdf", "a PDF")


def cache(folder: Path, now: float = 1000.0) -> HashCache:
    return HashCache(folder, "in", clock=lambda: now)


def test_a_file_with_the_same_stamp_is_remembered(tmp_path: Path) -> None:
    """Across processes, as long as size and times are the same."""
    first = cache(tmp_path)
    first.put("a.pdf", "stamp", SEEN, changed=900.0)
    first.save()
    assert cache(tmp_path).get("a.pdf", "stamp") == SEEN
    assert cache(tmp_path).get("a.pdf", "other stamp") is None
    assert cache(tmp_path).get("b.pdf", "stamp") is None


def test_a_file_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    """It could change again within the grain of the file system's clock."""
    first = cache(tmp_path)
    first.put("a.pdf", "stamp", SEEN, changed=999.0)
    first.put("b.pdf", "", SEEN, changed=900.0)
    first.save()
    assert cache(tmp_path).get("a.pdf", "stamp") is None
    assert cache(tmp_path).get("b.pdf", "") is None


def test_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    """The cache is as long as the batch."""
    first = cache(tmp_path)
    first.put("a.pdf", "s", SEEN)
    first.put("b.pdf", "s", SEEN)
    first.save()
    second = cache(tmp_path)
    second.get("a.pdf", "s")
    second.save()
    assert cache(tmp_path).get("a.pdf", "s") == SEEN
    assert cache(tmp_path).get("b.pdf", "s") is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"format": 0, "files": {}}', '{"format": 1, "files": [1]}',
     '{"format": 1, "files": {"a.pdf": ["s", 1]}}', '{"format": 1, "files": {"a.pdf": 3}}'],
)  # fmt: skip
def test_a_damaged_cache_is_an_empty_one(tmp_path: Path, content: str) -> None:
    """It costs time, never an error."""
    cache(tmp_path).save()
    first = cache(tmp_path)
    first.put("a.pdf", "s", SEEN)
    first.save()
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    assert cache(tmp_path).get("a.pdf", "s") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """A read-only state folder makes planning slower, nothing else."""
    (tmp_path / "file").write_text("")
    first = cache(tmp_path / "file")
    first.put("a.pdf", "s", SEEN)
    first.save()
    assert (tmp_path / "file").read_text() == ""


def test_finding_again_trusts_the_stamp(tmp_path: Path) -> None:
    """A settled file isn't opened again: a doctored cache shows through, until the file changes."""
    file, folder = tmp_path / "in/a.pdf", tmp_path / "cache"
    file.parent.mkdir()
    file.write_bytes(b"%PDF-1.7")
    status = file.stat()
    stamp = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    doctored = HashCache(folder, str(file.parent))
    doctored.put(str(file), stamp, SEEN._replace(size=8))
    doctored.save()

    def found() -> str:
        return find_documents(Documents(path="in"), tmp_path, cache=folder).documents[0].info.sha256

    assert found() == SEEN.sha256
    file.write_bytes(b"%PDF-1.6")
    assert found() == hashlib.sha256(b"%PDF-1.6").hexdigest()
