"""Where documents lie: a local folder, or anything fsspec can list.

Lists and opens; what is a document and what isn't is decided in `find`. fsspec is imported only
for addresses such as `s3://`, as it costs a fifth of a second.
"""

import os
import re
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from docmill.documents.names import shown_name
from docmill.documents.stores import advice, open_store, reason, store_errors
from docmill.errors import PrerequisiteError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(?:::[^/]*)?://")
_STAMPS = (
    "ETag",
    "etag",
    "md5",
    "content_md5",
    "LastModified",
    "mtime",
    "last_modified",
    "created",
)


class Candidate(NamedTuple):
    """A regular file that could be a document."""

    name: str
    """Relative to the documents' folder, with `/`, as the file system has it."""
    location: str
    size: int
    """Bytes; -1 if the store doesn't say."""
    stamp: str
    """Changes when the content does; empty if the store gives nothing of that kind."""
    changed: float = 0.0
    """Time of the last change in seconds; 0 if unknown."""


class Listing(NamedTuple):
    """All files below a folder."""

    base: str
    """The folder, absolute."""
    single: bool
    """True if `base` is itself the only document."""
    candidates: list[Candidate]
    left_out: list[str]
    """Names with the reason in brackets: links out of the folder, pipes, unreadable folders."""


def is_address(path: str) -> bool:
    """Whether it is an fsspec address such as `s3://bucket/in/` rather than a local path."""
    return _ADDRESS.match(path) is not None and not path.startswith("file://")


def list_files(path: str, root: Path) -> Listing:
    """Every file below `path` (hidden ones excepted), sorted by name.

    Raises:
        PrerequisiteError: it doesn't exist, can't be read, or its driver isn't installed.
    """
    if is_address(path):
        return _list_remote(path)
    base = root / Path(path.removeprefix("file://")).expanduser()
    if not base.exists():
        raise PrerequisiteError(
            f"The documents' folder {base} does not exist.",
            remedy=f"Make it and put documents in: mkdir -p {base}",
        )
    if base.is_file():
        return Listing(str(base), True, [_local(base.name, base)], [])
    left_out: list[str] = []
    resolved = base.resolve()
    found = sorted(_walk(base, "", resolved, left_out), key=lambda candidate: candidate.name)
    return Listing(str(base), False, found, sorted(left_out))


@contextmanager
def open_location(location: str) -> Generator[BinaryIO]:
    """The document's bytes as a stream.

    Raises:
        OSError: it is gone or can't be read.
        PrerequisiteError: its driver isn't installed.
    """
    if not is_address(location):
        with Path(location).open("rb") as stream:
            yield stream
        return
    # the file system has to live as long as the stream: an archive closes with it
    filesystem, path = open_store(location)
    with store_errors(), filesystem.open(path, "rb") as stream:
        yield stream


def look_again(file: Candidate) -> Candidate | None:
    """The same file as it is now; None if it is gone.

    Raises:
        OSError: its store doesn't say.
    """
    if not is_address(file.location):
        found = _local(file.name, Path(file.location))
        return found if found.size >= 0 else None
    filesystem, path = open_store(file.location)
    try:
        with store_errors():
            info = cast("dict[str, Any]", filesystem.info(path, refresh=True))
    except FileNotFoundError:
        return None
    return _remote(file.location, file.name, filesystem, path, info)._replace(
        location=file.location
    )


def _walk(folder: Path, prefix: str, base: Path, left_out: list[str]) -> Iterator[Candidate]:
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        left_out.append(f"{shown_name(prefix) or '.'} (can't be read: {error.strerror})")
        return
    for entry in found:
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/", base, left_out)
            continue
        path = Path(entry.path)
        reason = _reason_to_leave_out(path, base, linked=entry.is_symlink())
        if reason:
            left_out.append(f"{shown_name(name)} ({reason})")
        else:
            yield _local(name, path)


def _reason_to_leave_out(path: Path, base: Path, *, linked: bool) -> str:
    if linked:
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return "a symbolic link to nothing"
        if not target.is_relative_to(base):
            return "a symbolic link that leads out of the folder"
        if target.is_dir():
            return "a symbolic link to a folder"
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return ""  # `find` reports why it can't be read
    return "" if regular else "not a regular file"


def _local(name: str, path: Path) -> Candidate:
    try:
        found = path.stat()
    except OSError:
        return Candidate(name, str(path), -1, "")
    stamp = f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"
    changed = max(found.st_mtime, found.st_ctime)
    return Candidate(name, str(path), found.st_size, stamp, changed)


def _list_remote(address: str) -> Listing:
    try:
        filesystem, base = open_store(address)
        base = base.rstrip("/")
        with store_errors():
            found = cast("dict[str, dict[str, Any]]", filesystem.find(base, detail=True))
    except OSError as error:
        raise PrerequisiteError(
            f"{address} can't be listed: {reason(error)}.", remedy=advice(error)
        ) from error
    if set(found) == {base}:
        name = base.rpartition("/")[2]
        return Listing(address, True, [_remote(address, name, filesystem, base, found[base])], [])
    candidates = [
        _remote(address, path[len(base) :].lstrip("/"), filesystem, path, info)
        for path, info in sorted(found.items())
        if info.get("type") != "directory" and not path.endswith("/")
    ]
    visible = [one for one in candidates if not _hidden(one.name)]
    return Listing(address, False, visible, [])


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _remote(address: str, name: str, filesystem: Any, path: str, info: dict[str, Any]) -> Candidate:
    size = info.get("size")
    # Some stores quote an ETag in one answer and not in the other.
    stamp = next((f"{key}={info[key]}".replace('"', "") for key in _STAMPS if info.get(key)), "")
    _, chain, outer = address.partition("::")
    location = f"{filesystem.unstrip_protocol(path)}{chain}{outer}"
    return Candidate(
        name, location, -1 if size is None else int(size), f"{size}:{stamp}" if stamp else ""
    )
