"""The blob store: one file per content, written whole or not at all, shared by processes.

The name is the sha256 of the plain content; a name ending in `.z` holds it deflated. Nothing is
locked: writers of the same content race to the same result.
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

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock

    def put(self, data: bytes) -> str:
        """Keep `data`, durably, and return its sha256; equal contents are kept once.

        Raises:
            PrerequisiteError: the disk is full or the folder can't be written; nothing is left
                half-written.
        """
        name = hashlib.sha256(data).hexdigest()
        for path in self._paths(name):
            if path.exists():
                # as young as a new one, so that `prune` spares it until it is referred to
                with contextlib.suppress(OSError):
                    os.utime(path)
                return name
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
        return name

    def get(self, name: str) -> bytes:
        """The content with this sha256.

        A file that doesn't hold what its name says is removed, so that the next `put` mends it.

        Raises:
            KeyError: there is none, or it was damaged.
        """
        plain, deflated = self._paths(name)
        for path, packed in ((plain, False), (deflated, True)):
            try:
                stored = path.read_bytes()
            except FileNotFoundError:
                continue
            data = _inflate(stored) if packed else stored
            if data is not None and hashlib.sha256(data).hexdigest() == name:
                return data
            path.unlink(missing_ok=True)
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return _HASH.match(name) is not None and any(p.exists() for p in self._paths(name))

    def __iter__(self) -> Iterator[str]:
        """Names of all blobs, sorted."""
        for path in self._files():
            yield path.name.removesuffix(".z")

    def prune(self, keep: Container[str], *, min_age: float = 3600.0) -> Pruned:
        """Remove blobs that are not in `keep`, and what killed writers left.

        A blob younger than `min_age` seconds is spared: a running session may not have referred to
        it yet.
        """
        blobs = size = 0
        before = self._clock() - min_age
        for path in self._files():
            found = path.stat()
            if path.name.removesuffix(".z") not in keep and found.st_mtime <= before:
                path.unlink(missing_ok=True)
                blobs, size = blobs + 1, size + found.st_size
        for path in self._folder.glob("*.tmp"):
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


def _inflate(stored: bytes) -> bytes | None:
    try:
        return zlib.decompress(stored)
    except zlib.error:
        return None
