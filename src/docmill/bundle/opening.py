"""Opens a zip nobody vouches for: names, sizes and kinds are looked at before a byte is unpacked.

Nothing is ever unpacked under a name of the archive's choosing.
"""

import hashlib
import os
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from docmill.bundle import form
from docmill.errors import DocmillError

MAX_DIRECTORY = 16 << 20
"""Bytes of the archive's own table of contents: 100,000 documents have less."""
MAX_TOTAL = 32 << 30
MAX_PART = 4 << 30
MAX_BLOB = 256 << 20
MAX_LINE = 64 << 20
EXPANSION = 200
"""Times its own size that an archive may unpack to; one below `SMALL` bytes unpacked always may."""
SMALL = 256 << 20
_CHUNK = 1 << 20
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_HASHED = re.compile(r"(?:blobs|documents)/[0-9a-f]{64}")
_ENCRYPTED = 1


class BundleError(DocmillError):
    """A file that is no bundle, or one that isn't safe to open."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy or "Ask for the bundle again; trust nothing in it.")


class Archive:
    """A zip whose entries are all harmless; read part by part."""

    def __init__(self, path: Path) -> None:
        """Raises `BundleError`: it is no zip, or one that nobody honest would have made."""
        _check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, struct.error) as error:
            raise BundleError(f"{path.name} is no zip file: {error}.") from error
        try:
            self.sizes = _checked(self._zip.infolist(), path.stat().st_size)
        except BundleError:
            self._zip.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self.sizes

    def chunks(self, name: str) -> Iterator[bytes]:
        """A part's bytes, a piece at a time.

        Raises:
            BundleError: it is damaged, or longer than it said.
        """
        left = self.sizes[name]
        try:
            with self._zip.open(name) as file:
                while chunk := file.read(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise BundleError(f"{name} is longer than it says.")
                    yield chunk
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError) as error:
            raise BundleError(f"{name} is damaged: {error}.") from error
        except zipfile.zlib.error as error:  # type: ignore[attr-defined]
            raise BundleError(f"{name} is damaged: {error}.") from error

    def read(self, name: str, most: int = MAX_BLOB) -> bytes:
        """A part as a whole.

        Raises:
            BundleError: as `chunks`, or there is no such part, or it is too large.
        """
        if name not in self.sizes:
            raise BundleError(f"{name} isn't in the bundle.")
        if self.sizes[name] > most:
            raise BundleError(f"{name} is larger than {most:,} bytes.")
        return b"".join(self.chunks(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Lines of a part, without their ends.

        Raises:
            BundleError: as `chunks`, or a line is longer than any honest one.
        """
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
            if len(rest) > MAX_LINE:
                raise BundleError(f"{name} has a line of more than {MAX_LINE:,} bytes.")
        if rest:
            yield rest

    def digest(self, name: str) -> str:
        """sha256 of a part."""
        whole = hashlib.sha256()
        for chunk in self.chunks(name):
            whole.update(chunk)
        return whole.hexdigest()


def check_inner(path: Path) -> None:
    """Refuse a zip inside the bundle (report.xlsx) that unpacks to far more than it is.

    Raises:
        BundleError: it does, or it declares entities, or is no zip.
    """
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as book:
            _check_sizes(book.infolist(), path.stat().st_size)
            for info in book.infolist():
                with book.open(info) as file:
                    _refuse_entities(info.filename, file)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError) as error:
        raise BundleError(f"{path.name} is damaged: {error}.") from error


def _refuse_entities(name: str, file: IO[bytes]) -> None:
    before = b""
    while chunk := file.read(_CHUNK):
        if b"<!DOCTYPE" in before + chunk or b"<!ENTITY" in before + chunk:
            raise BundleError(f"{name} of a table declares entities; no table does.")
        before = chunk[-16:]


def _checked(entries: list[zipfile.ZipInfo], size: int) -> dict[str, int]:
    _check_sizes(entries, size)
    sizes: dict[str, int] = {}
    for entry in entries:
        name = entry.filename
        if name in sizes:
            raise BundleError(f"{name!r} is in the bundle twice.")
        if problem := _problem(entry):
            raise BundleError(f"{name[:200]!r} {problem}.")
        sizes[name] = entry.file_size
    return sizes


def _check_sizes(entries: list[zipfile.ZipInfo], size: int) -> None:
    total = sum(entry.file_size for entry in entries)
    if total > MAX_TOTAL or total > max(SMALL, EXPANSION * size):
        raise BundleError(f"The file of {size:,} bytes would unpack to {total:,}.")


def _problem(entry: zipfile.ZipInfo) -> str:
    name = entry.filename
    mode = entry.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return "is no plain file"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way docmill never uses"
    if entry.file_size > MAX_PART:
        return "is larger than any honest part"
    if name in (form.MANIFEST, form.README) or name in form.TABLES or _HASHED.fullmatch(name):
        return ""
    path = name.removeprefix(form.REPORT)
    if path == name:
        return "is no part of a bundle"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or not path.isprintable() or "\\" in path:
        return "has a name that leads elsewhere"
    return ""


def _check_directory(path: Path) -> None:
    """Refuse a table of contents that would fill the memory, before `zipfile` reads it."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 22))
        tail = file.read()
        place = tail.rfind(_END)
        if place < 0 or len(tail) - place < 22:
            raise BundleError(f"{path.name} is no zip file.")
        (length,) = struct.unpack_from("<L", tail, place + 12)
        wide = tail.rfind(_END_64)
        if length == 0xFFFFFFFF or wide >= 0:
            if wide < 0 or len(tail) - wide < 56:
                raise BundleError(f"{path.name} is no zip file.")
            (length,) = struct.unpack_from("<Q", tail, wide + 40)
    if length > MAX_DIRECTORY:
        raise BundleError(f"{path.name} lists more parts than a bundle has.")
