"""Writing to where documents come from: files put, moved and removed, on disk or in a bucket.

`documents.sources` lists and reads. Every write is whole or not there: a bucket's are by nature, a
folder's by a rename. A file that was overwritten since it was read is never moved or removed.
"""

import contextlib
import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

from docmill.documents.sources import Candidate, is_address, look_again, open_location
from docmill.documents.stores import open_store, store_errors
from docmill.store.drops import Intake

_LONGEST = 100
"""Bytes of a name in the name of its draft."""
_CHUNK = 1 << 20


class Place:
    """A folder or a prefix of a bucket."""

    def __init__(self, address: str, root: Path = Path()) -> None:
        """`root`: what a local path is relative to."""
        self._remote = is_address(address)
        self.address = (address if self._remote else str(root / address)).rstrip("/")

    @property
    def remote(self) -> bool:
        """Whether it is in a bucket."""
        return self._remote

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
            with store_errors():
                filesystem.pipe_file(path, data)
            return
        with self._draft(name) as draft:
            draft.write_bytes(data)

    def put_file(self, name: str, file: Path) -> None:
        """Write a copy of a local file, replacing what was there.

        Raises:
            OSError: that can't be done.
        """
        if self._remote:
            filesystem, path = self._at(name)
            with store_errors():
                filesystem.put_file(str(file), path)
            return
        with self._draft(name) as draft:
            shutil.copyfile(file, draft)

    def put_folder(self, folder: Path) -> None:
        """Write every file below a local folder under its name there."""
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                self.put_file(file.relative_to(folder).as_posix(), file)

    def take_in(self, file: Intake, copy: Path) -> None:
        """Move a file here from where it came from.

        `copy` has its content as it was read, or the beginning of it. If the file was overwritten
        since then, the copy is put here and the new one left where it is. One that is gone was
        moved before.

        Raises:
            OSError: that can't be done.
        """
        if not is_unchanged(file):
            if not self._has(file.name) and copy.is_file():
                self.put_file(file.name, copy)
            return
        if self._rename(file, copy):
            return
        self._copy_in(file)
        if is_unchanged(file):
            _remove(file.location)
        else:
            self.put_file(file.name, copy)

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone is no error."""
        _remove(f"{self.address}/{name}")

    def remove_empty(self, location: str) -> None:
        """Remove the folders between here and a file that was moved away, if nothing is in them."""
        if self._remote:
            return
        base, folder = Path(self.address).resolve(), Path(location).parent.resolve()
        while folder != base and folder.is_relative_to(base):
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent

    def _rename(self, file: Intake, copy: Path) -> bool:
        """Move by renaming; False if that can't be done here."""
        if self._remote or is_address(file.location) or Path(file.location).is_symlink():
            return False
        target = self._target(file.name)
        try:
            Path(file.location).rename(target)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        if file.stamp and _identity(_stamp_of(target)) != _identity(file.stamp):
            # It was overwritten just before: the new one goes back, unless there is a newer one.
            with contextlib.suppress(FileExistsError):
                Path(file.location).hardlink_to(target)
            target.unlink()
            self.put_file(file.name, copy)
        return True

    def _copy_in(self, file: Intake) -> None:
        scheme = self.address.partition("://")[0]
        if self._remote and file.location.startswith(f"{scheme}://"):
            filesystem, target = self._at(file.name)
            _, source = open_store(file.location)
            with store_errors():
                filesystem.cp_file(source, target)
            return
        with tempfile.NamedTemporaryFile() as whole, open_location(file.location) as source:
            shutil.copyfileobj(source, whole, _CHUNK)
            whole.flush()
            self.put_file(file.name, Path(whole.name))

    def _has(self, name: str) -> bool:
        if not self._remote:
            return Path(self.address, name).is_file()
        filesystem, path = self._at(name)
        with store_errors():
            filesystem.invalidate_cache()
            return bool(filesystem.exists(path))

    def _target(self, name: str) -> Path:
        target = Path(self.address, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    @contextlib.contextmanager
    def _draft(self, name: str) -> Generator[Path]:
        target = self._target(name)
        start = target.name.encode("utf-8", "surrogateescape")[:_LONGEST]
        shown = start.decode("utf-8", "ignore")
        draft = target.with_name(f".{shown}.{secrets.token_hex(4)}.part")
        try:
            yield draft
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    def _at(self, name: str) -> tuple[Any, str]:
        return open_store(f"{self.address}/{name}")


def is_unchanged(file: Intake) -> bool:
    """Whether what lies there is still what was read; False if nothing does.

    Raises:
        OSError: it can't be looked at.
    """
    now = look_again(Candidate(file.name, file.location, -1, ""))
    if now is None:
        return False
    return now.stamp == file.stamp if file.stamp else _hash(file.location) == file.sha256


def _hash(location: str) -> str:
    digest = hashlib.sha256()
    try:
        with open_location(location) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _remove(location: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not is_address(location):
            Path(location).unlink()
            return
        filesystem, path = open_store(location)
        with store_errors():
            filesystem.rm_file(path)


def _stamp_of(path: Path) -> str:
    found = look_again(Candidate(path.name, str(path), -1, ""))
    return found.stamp if found else ""


def _identity(stamp: str) -> list[str]:
    """What of a local file's stamp a rename leaves as it is: all but the time of its last change.

    See `documents.sources`: size, time of writing, time of change, inode.
    """
    parts = stamp.split(":")
    return [*parts[:2], *parts[3:]]
