"""Blobs where several machines find them: a bucket, or whatever else fsspec can write to.

`store` keeps a copy of each in its folder and decides what is right; here bytes are only carried.
An object is written at once and never changed, so nobody has to lock anything.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple

from docmill.documents.stores import advice, open_store, reason, store_errors
from docmill.errors import PrerequisiteError

AT_ONCE = 1000
"""Files that S3 removes by one request."""


class Entry(NamedTuple):
    """A file of the shared store."""

    file: str
    """Its name without folders."""
    size: int
    written: float
    """Seconds since 1970."""


class Shared:
    """Files by their path below an fsspec address.

    Every method raises `PrerequisiteError` if the store can't be reached or refuses.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._filesystem: Any
        self._filesystem, root = open_store(self.address)
        self._root = root.rstrip("/")

    def write(self, path: str, data: bytes) -> None:
        """Write a file, new or again; one that was there is young now."""
        with self._explained("written"):
            self._filesystem.pipe_file(f"{self._root}/{path}", data)

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None if it isn't there."""
        with self._explained("read"):
            try:
                return bytes(self._filesystem.cat_file(f"{self._root}/{path}"))
            except FileNotFoundError:
                return None

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        with self._explained("read"):
            try:
                return bool(self._filesystem.isfile(f"{self._root}/{path}"))
            except FileNotFoundError:
                return False

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, as far as they are there; what can't be removed stays for another time."""
        for start in range(0, len(paths), AT_ONCE):
            some = [f"{self._root}/{path}" for path in paths[start : start + AT_ONCE]]
            with self._explained("written"), suppress(FileNotFoundError):
                self._filesystem.rm(some)

    def entries(self) -> Iterator[Entry]:
        """All files, sorted by path."""
        with self._explained("read"):
            self._filesystem.invalidate_cache()
            found: dict[str, Any] = self._filesystem.find(self._root, detail=True)
            self._filesystem.invalidate_cache()
        for path in sorted(found):
            info = found[path]
            yield Entry(path.rpartition("/")[2], int(info.get("size") or 0), _written(info))

    @contextmanager
    def _explained(self, done: str) -> Generator[None]:
        try:
            with store_errors():
                yield
        except OSError as error:
            raise PrerequisiteError(
                f"The blobs in {self.address} can't be {done}: {reason(error)}.",
                remedy=f"{advice(error)} Then run again; it goes on where it stopped.",
            ) from error


def _written(info: dict[str, Any]) -> float:
    """When a file was last written, in the words of this or that file system; unknown: just now."""
    for key in ("LastModified", "last_modified", "mtime", "updated", "created"):
        found = info.get(key)
        if isinstance(found, datetime):
            return found.timestamp()
        if isinstance(found, int | float):
            return float(found)
    return float("inf")
