"""Writing to where documents come from: files put, moved and removed, on disk or in a bucket.

`documents.sources` lists and reads. Every write is whole or not there: a bucket's are by nature, a
folder's by a rename.
"""

import contextlib
import importlib
import secrets
import shutil
from pathlib import Path
from typing import Any

from docmill.documents.sources import is_address

_LONGEST = 100
"""Characters of a name in the name of its draft."""


class Place:
    """A folder or a prefix of a bucket."""

    def __init__(self, address: str, root: Path = Path()) -> None:
        """`root`: what a local path is relative to."""
        self._remote = is_address(address)
        self.address = (address if self._remote else str(root / address)).rstrip("/")

    def beside(self, name: str) -> "Place":
        """A place named relative to the one this lies in; an absolute path or address is itself."""
        if is_address(name) or Path(name).is_absolute():
            return Place(name)
        parent, slash, last = self.address.rpartition("/")
        # A whole bucket lies in nothing: then it is inside.
        outer = self.address if not last or parent.endswith("/") or not slash else parent
        return Place(f"{outer}/{name.strip('/')}")

    def within(self, name: str) -> "Place":
        """A place inside."""
        return Place(f"{self.address}/{name.strip('/')}")

    def put(self, name: str, data: bytes) -> None:
        """Write a file, replacing what was there.

        Raises:
            OSError: that can't be done.
        """
        if self._remote:
            filesystem, path = self._at(name)
            filesystem.pipe_file(path, data)
            return
        target = Path(self.address, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name[:_LONGEST]}.{secrets.token_hex(4)}.part")
        try:
            draft.write_bytes(data)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    def put_folder(self, folder: Path) -> None:
        """Write every file below a local folder under its name there."""
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                self.put(file.relative_to(folder).as_posix(), file.read_bytes())

    def take_in(self, location: str, name: str) -> None:
        """Move a file from `location` here; one that is gone was moved before.

        Raises:
            OSError: that can't be done.
        """
        if self._remote:
            filesystem, target = self._at(name)
            source = filesystem._strip_protocol(location)
            with contextlib.suppress(FileNotFoundError):
                filesystem.mv(source, target)
                filesystem.invalidate_cache()
            return
        target_path = Path(self.address, name)
        target_path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.move(location, target_path)

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone is no error."""
        if not self._remote:
            Path(self.address, name).unlink(missing_ok=True)
            return
        filesystem, path = self._at(name)
        with contextlib.suppress(FileNotFoundError):
            filesystem.rm_file(path)
            filesystem.invalidate_cache()

    def _at(self, name: str) -> tuple[Any, str]:
        core = importlib.import_module("fsspec.core")
        filesystem, path = core.url_to_fs(f"{self.address}/{name}")
        return filesystem, str(path)


def forget_listings(address: str) -> None:
    """Let the next look at an address ask the store anew."""
    if is_address(address):
        core = importlib.import_module("fsspec.core")
        filesystem, _ = core.url_to_fs(address)
        filesystem.invalidate_cache()
