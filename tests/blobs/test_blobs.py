"""Contents are kept once, under their sha256, whole or not at all."""

import hashlib
import os
import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.blobs import BlobStore, Pruned
from docmill.errors import PrerequisiteError

TEXT = b"page\t1\n" * 500
NOISE = hashlib.shake_256(b"noise").digest(5000)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE])
def test_what_was_put_is_got(tmp_path: Path, data: bytes) -> None:
    """The name is the sha256 of the plain content, whether or not it is deflated on disk."""
    store = BlobStore(tmp_path / "blobs")
    name = store.put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert store.get(name) == data
    assert name in store
    assert list(store) == [name]


@given(data=st.binary(max_size=600))
def test_any_content_comes_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Property of the test above."""
    store = BlobStore(tmp_path_factory.mktemp("blobs"))
    assert store.get(store.put(data)) == data


def test_text_is_deflated_and_pictures_are_not(tmp_path: Path) -> None:
    """Layouts shrink to a fraction; what doesn't shrink is stored as it is."""
    store = BlobStore(tmp_path)
    store.put(TEXT)
    assert files(tmp_path)[0].stat().st_size < len(TEXT) / 10
    noise = store.put(NOISE)
    assert next(path for path in files(tmp_path) if path.name == noise).stat().st_size == 5000


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    """Two pages that look alike cost one file."""
    store = BlobStore(tmp_path)
    assert store.put(TEXT) == store.put(TEXT)
    assert len(files(tmp_path)) == 1


def test_an_unknown_name_is_a_key_error(tmp_path: Path) -> None:
    """Also a name that is no hash, which must never become a path."""
    store = BlobStore(tmp_path)
    for name in ("0" * 64, "../../etc/passwd", "A" * 64, ""):
        assert name not in store
        with pytest.raises(KeyError):
            store.get(name)


@pytest.mark.parametrize("data", [TEXT, NOISE])
@pytest.mark.parametrize("damage", [b"", b"other"])
def test_a_damaged_file_is_no_content(tmp_path: Path, data: bytes, damage: bytes) -> None:
    """What doesn't hold its hash is refused and removed; putting it again mends it."""
    store = BlobStore(tmp_path)
    name = store.put(data)
    files(tmp_path)[0].write_bytes(damage)
    with pytest.raises(KeyError):
        store.get(name)
    assert store.get(store.put(data)) == data


@contextmanager
def largest_file(size: int) -> Generator[None]:
    """Writing more than `size` bytes to a file fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The error says what to do, no part of a file stays, and later it works."""
    store = BlobStore(tmp_path)
    with largest_file(1000), pytest.raises(PrerequisiteError, match="can't be written") as caught:
        store.put(NOISE)
    assert "goes on" in caught.value.remedy
    assert files(tmp_path) == []
    assert store.get(store.put(NOISE)) == NOISE


def test_a_folder_in_the_way_is_told(tmp_path: Path) -> None:
    """A store that can't be made is a prerequisite error, not a traceback."""
    (tmp_path / "blobs").write_text("")
    with pytest.raises(PrerequisiteError, match="can't be written"):
        BlobStore(tmp_path / "blobs").put(b"x")


def test_pruning_keeps_what_is_referred_to_or_young(tmp_path: Path) -> None:
    """Only old contents nobody keeps are removed; a dry run says the same, and removes none."""
    now = 1_000_000.0
    store = BlobStore(tmp_path, clock=lambda: now)
    kept, old, young = store.put(b"kept"), store.put(b"old"), store.put(b"young")
    for path in files(tmp_path):
        age = 10 if path.name == young else 10_000
        os.utime(path, (now - age, now - age))
    assert store.prune({kept}, dry_run=True) == Pruned(blobs=1, bytes=3)
    assert old in store
    assert store.prune({kept}) == Pruned(blobs=1, bytes=3)
    assert set(store) == {kept, young}
    assert old not in store


def test_putting_again_makes_an_old_content_young(tmp_path: Path) -> None:
    """A running session's content isn't pruned because an old run had it already."""
    store = BlobStore(tmp_path)
    name = store.put(b"page")
    os.utime(files(tmp_path)[0], (0, 0))
    store.put(b"page")
    assert store.prune(()) == Pruned(0, 0)
    assert name in store


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """Temporary files go with the next pruning, once they are old enough to be nobody's."""
    store = BlobStore(tmp_path)
    store.put(b"page")
    for name, time in (("dead.tmp", 0.0), ("alive.tmp", 4e9)):
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time, time))
    store.prune(())
    assert not (tmp_path / "dead.tmp").exists()
    assert (tmp_path / "alive.tmp").exists()
