"""Puts finished files where they are handed over: a folder, or a bucket by fsspec.

A file appears whole or not at all: by a rename in a folder, by a single put in a bucket.
"""

import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from docmill.documents.sources import is_address
from docmill.documents.stores import open_store

BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory")
"""Schemes whose puts are whole by nature."""


class Place:
    """A folder or a prefix of a bucket; files are put there."""

    def __init__(self, address: str, root: Path) -> None:
        """`root` is what a local path is relative to.

        Raises:
            PrerequisiteError: the driver of its scheme isn't installed.
        """
        self.remote = is_address(address)
        local = root / Path(address.removeprefix("file://")).expanduser()
        self.address = (address if self.remote else str(local)).rstrip("/")
        self._scheme = self.address.partition("://")[0] if self.remote else ""
        self._filesystem: Any = None
        self._path = self.address
        if self.remote:
            self._filesystem, self._path = open_store(self.address)

    def put(self, file: Path, name: str) -> str:
        """Put a local file there under a name, over one that has it; returns its address.

        Raises:
            OSError, or what the store's driver raises: it can't be written.
        """
        address = f"{self.address}/{name}"
        if not self.remote:
            _rename_into(file, Path(address))
            return address
        target = f"{self._path}/{name}"
        if self._scheme in BUCKETS:
            self._filesystem.put_file(str(file), target)
        else:
            self._filesystem.makedirs(self._path, exist_ok=True)
            draft = f"{self._path}/.{name}.{secrets.token_hex(4)}.part"
            self._filesystem.put_file(str(file), draft)
            self._filesystem.mv(draft, target)
        self._filesystem.invalidate_cache()
        return address


@contextmanager
def scratch() -> Generator[Path]:
    """A folder for files that aren't finished; it is gone afterwards."""
    with TemporaryDirectory(prefix="docmill-results-") as folder:
        yield Path(folder)


def _rename_into(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        shutil.copyfile(file, draft)
        draft.replace(target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
