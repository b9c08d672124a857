"""Blobs that several machines share: in a folder that all of them see, or in a bucket."""

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docmill.blobs import BlobStore, Pruned, Shared
from docmill.errors import PrerequisiteError

if TYPE_CHECKING:
    from tests.blobs.conftest import Bucket, Machine

TEXT = b"page\t1\n" * 500
NOISE = hashlib.shake_256(b"noise").digest(5000)


@pytest.mark.parametrize("data", [b"", b"x", TEXT, NOISE], ids=["empty", "short", "text", "noise"])
def test_what_one_machine_put_another_gets(machine: "Machine", data: bytes) -> None:
    """By the sha256 of the plain content."""
    here, there = machine(), machine()
    name = here.put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert name in there
    assert there.get(name) == data
    assert list(there) == [name]


def test_the_same_content_is_kept_once(machine: "Machine") -> None:
    """Whoever puts it."""
    here, there = machine(), machine()
    assert here.put(TEXT) == there.put(TEXT)
    assert len(list(here)) == 1


def test_an_unknown_name_is_a_key_error(machine: "Machine") -> None:
    """Also a name that is no hash, which must never become a path or a key."""
    store = machine()
    for name in ("0" * 64, "../../etc/passwd", "A" * 64, ""):
        assert name not in store
        with pytest.raises(KeyError):
            store.get(name)


def test_pruning_keeps_what_is_referred_to_or_young(machine: "Machine") -> None:
    """What one machine removes, no machine finds that hasn't got it."""
    later = time.time() + 10_000
    store, old = machine(), machine(clock=lambda: later)
    kept, gone = store.put(b"kept"), store.put(b"gone")
    assert store.prune({kept}) == Pruned(0, 0)
    assert old.prune({kept}, dry_run=True) == Pruned(blobs=1, bytes=4)
    assert gone in machine()
    assert old.prune({kept}) == Pruned(blobs=1, bytes=4)
    assert list(store) == [kept]
    assert gone not in machine()


def test_a_copy_here_saves_the_way_there(bucket: "Bucket", tmp_path: Path) -> None:
    """What was got once is read from the folder, also while the bucket is away."""
    BlobStore(tmp_path / "a", shared=Shared(bucket.address)).put(TEXT)
    other = BlobStore(tmp_path / "b", shared=Shared(bucket.address))
    name = hashlib.sha256(TEXT).hexdigest()
    other.get(name)
    for file in (path for path in bucket.folder.rglob("*") if path.is_file()):
        file.unlink()
    assert other.get(name) == TEXT


@pytest.mark.parametrize("data", [TEXT, NOISE], ids=["text", "noise"])
def test_a_damaged_object_is_no_content(bucket: "Bucket", tmp_path: Path, data: bytes) -> None:
    """What doesn't hold its hash is never handed out; putting it again mends it for all."""
    here = BlobStore(tmp_path / "a", shared=Shared(bucket.address))
    there = BlobStore(tmp_path / "b", shared=Shared(bucket.address))
    name = here.put(data)
    (file,) = (path for path in bucket.folder.rglob("*") if path.is_file())
    Shared(bucket.address).write(str(file.relative_to(bucket.folder / "state/blobs")), b"other")
    with pytest.raises(KeyError):
        there.get(name)
    here.put(data)
    assert there.get(name) == data


def test_a_folder_of_blobs_can_be_moved_into_a_bucket(bucket: "Bucket", tmp_path: Path) -> None:
    """The paths are the same: any program that copies to buckets will do."""
    folder, shared = tmp_path / "folder", Shared(bucket.address)
    names = [BlobStore(folder).put(data) for data in (TEXT, NOISE)]
    for file in (path for path in folder.rglob("*") if path.is_file()):
        shared.write(str(file.relative_to(folder)), file.read_bytes())
    store = BlobStore(tmp_path / "copies", shared=shared)
    assert sorted(store) == sorted(names)
    assert store.get(names[0]) == TEXT


def test_a_bucket_that_is_not_there_is_said(bucket: "Bucket", tmp_path: Path) -> None:
    """Nothing is kept here alone: another machine would look for it in vain."""
    store = BlobStore(tmp_path, shared=Shared(bucket.address.replace("s3://b", "s3://other")))
    with pytest.raises(PrerequisiteError, match=r"blobs in s3://.* can't be written") as caught:
        store.put(TEXT)
    assert "goes on" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []
