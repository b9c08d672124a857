"""The blob store: one file per content, written whole or not at all, shared by processes.

The name is the sha256 of the plain content; a name ending in `.z` holds it deflated. Nothing is
locked: writers of the same content race to the same result. With a `Shared` store behind it, the
folder holds copies of what is there.
"""

import contextlib
import hashlib
import os
import re
import tempfile
import time
import zlib
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import NamedTuple

from docmill.blobs.shared import Entry, Shared
from docmill.errors import PrerequisiteError

_HASH = re.compile(r"[0-9a-f]{64}\Z")
_SAMPLE = 4096
_WORTHWHILE = 0.8
"""Deflated only if a sample shrinks to this share or less: pictures don't, text does."""
_MIN_DEFLATE = 256
_ABANDONED_SECONDS = 3600.0


class Pruned(NamedTuple):
    """What `BlobStore.prune` removed."""

    blobs: int
    bytes: int
    """On disk."""


class BlobStore:
    """Bytes by their sha256 in a folder, which is made when the first blob is written."""

    def __init__(
        self,
        folder: Path,
        *,
        shared: Shared | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._shared = shared
        self._clock = clock

    def put(self, data: bytes) -> str:
        """Keep `data`, durably, and return its sha256; equal contents are kept once.

        Raises:
            PrerequisiteError: the disk is full, the folder can't be written or the shared store
                not be reached; nothing is left half-written.
        """
        name = hashlib.sha256(data).hexdigest()
        if self._shared is not None:
            # Also what is there already: it is young then, and another machine's `prune` spares it.
            packed = _shrinks(data)
            stored = zlib.compress(data, 6) if packed else data
            self._shared.write(_place(name, packed=packed), stored)
        self._put_here(name, data)
        return name

    def _put_here(self, name: str, data: bytes) -> None:
        for path in self._paths(name):
            if path.exists():
                # as young as a new one, so that `prune` spares it until it is referred to
                with contextlib.suppress(OSError):
                    os.utime(path)
                return
        plain, deflated = self._paths(name)
        try:
            if _shrinks(data):
                self._write(deflated, zlib.compress(data, 6))
            else:
                self._write(plain, data)
        except OSError as error:
            raise PrerequisiteError(
                f"{self._folder} can't be written: {error.strerror or error}.",
                remedy="Free disk space or mend its permissions, then run again; "
                "it goes on where it stopped.",
            ) from error

    def get(self, name: str) -> bytes:
        """The content with this sha256.

        A file that doesn't hold what its name says is removed, so that the next `put` mends it.

        Raises:
            KeyError: there is none, or it was damaged.
            PrerequisiteError: it isn't here, and the shared store can't be reached.
        """
        data = self._get_here(name)
        if data is not None:
            return data
        if self._shared is not None:
            for packed in (False, True):
                stored = self._shared.read(_place(name, packed=packed))
                data = _plain(stored, packed=packed, name=name)
                if data is not None:
                    self._put_here(name, data)
                    return data
        raise KeyError(name)

    def _get_here(self, name: str) -> bytes | None:
        plain, deflated = self._paths(name)
        for path, packed in ((plain, False), (deflated, True)):
            try:
                stored = path.read_bytes()
            except FileNotFoundError:
                continue
            data = _plain(stored, packed=packed, name=name)
            if data is not None:
                return data
            path.unlink(missing_ok=True)
        return None

    def __contains__(self, name: str) -> bool:
        if _HASH.match(name) is None:
            return False
        if any(path.exists() for path in self._paths(name)):
            return True
        shared = self._shared
        return shared is not None and any(
            shared.has(_place(name, packed=packed)) for packed in (False, True)
        )

    def __iter__(self) -> Iterator[str]:
        """Names of all blobs, sorted; of a shared store all that are there."""
        if self._shared is not None:
            yield from (name for name, _, _ in _blobs(self._shared))
            return
        for path in self._files():
            yield path.name.removesuffix(".z")

    def prune(
        self, keep: Container[str], *, min_age: float = 3600.0, dry_run: bool = False
    ) -> Pruned:
        """Remove blobs that are not in `keep`, and what killed writers left; or only say which.

        A blob younger than `min_age` seconds is spared: a running session may not have referred to
        it yet. Of a shared store the count is of what is removed there; copies here go, too.
        """
        here = self._prune_here(keep, min_age, dry_run=dry_run)
        if self._shared is None:
            return here
        before = self._clock() - min_age
        old = [
            (place, entry.size)
            for name, place, entry in _blobs(self._shared)
            if name not in keep and entry.written <= before
        ]
        if not dry_run:
            self._shared.remove([place for place, _ in old])
        return Pruned(len(old), sum(size for _, size in old))

    def _prune_here(self, keep: Container[str], min_age: float, *, dry_run: bool) -> Pruned:
        blobs = size = 0
        before = self._clock() - min_age
        for path in self._files():
            found = path.stat()
            if path.name.removesuffix(".z") not in keep and found.st_mtime <= before:
                blobs, size = blobs + 1, size + found.st_size
                if not dry_run:
                    path.unlink(missing_ok=True)
        for path in () if dry_run else self._folder.glob("*.tmp"):
            if path.stat().st_mtime <= self._clock() - _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
        return Pruned(blobs, size)

    def _paths(self, name: str) -> tuple[Path, Path]:
        if not _HASH.match(name):
            raise KeyError(name)
        folder = self._folder / name[:2] / name[2:4]
        return folder / name, folder / f"{name}.z"

    def _files(self) -> Iterator[Path]:
        for path in sorted(self._folder.glob("??/??/*")):
            if _HASH.match(path.name.removesuffix(".z")):
                yield path

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                # the journal may refer to it at once; an empty file after a power cut is a loss
                os.fsync(stream.fileno())
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)


def _shrinks(data: bytes) -> bool:
    if len(data) < _MIN_DEFLATE:
        return False
    sample = data[:_SAMPLE]
    return len(zlib.compress(sample, 1)) <= _WORTHWHILE * len(sample)


def _place(name: str, *, packed: bool) -> str:
    """Path of a blob in a shared store: as in a folder, so that the one can be copied to the other.

    Raises:
        KeyError: it is no name of a blob.
    """
    if not _HASH.match(name):
        raise KeyError(name)
    return f"{name[:2]}/{name[2:4]}/{name}" + (".z" if packed else "")


def _blobs(shared: Shared) -> Iterator[tuple[str, str, Entry]]:
    """Name, path and entry of all blobs, sorted."""
    for entry in shared.entries():
        name = entry.file.removesuffix(".z")
        if _HASH.match(name):
            yield name, _place(name, packed=entry.file != name), entry


def _plain(stored: bytes | None, *, packed: bool, name: str) -> bytes | None:
    """The content, if what is stored holds what its name says."""
    data = _inflate(stored) if packed and stored is not None else stored
    return data if data is not None and hashlib.sha256(data).hexdigest() == name else None


def _inflate(stored: bytes) -> bytes | None:
    try:
        return zlib.decompress(stored)
    except zlib.error:
        return None
