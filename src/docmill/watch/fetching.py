"""Copies a drop's files to this machine, each proven to be one that nobody wrote to meanwhile.

Every watcher copies into a folder of its own: two may look at the same drop, and who has it is
decided by content, when the copies are there. `carrying` goes on from here.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

from docmill.documents.sources import Candidate, is_address, look_again, open_location
from docmill.store.drops import Intake
from docmill.watch.names import safe_name

AT_ONCE = 8
"""Objects of a bucket that are fetched at the same time; each waits for the network only."""
OWNER = ".owner"
_CHUNK = 1 << 20


class Fetched(NamedTuple):
    """Copies of files, in a folder of this watcher's own."""

    folder: Path
    files: tuple[Intake, ...]


def fetch(
    drops: Path, drop: str, files: Sequence[Candidate], *, owner: str, max_bytes: int
) -> Fetched:
    """Copy files, for a watcher with that lease.

    One that changed or went while it was read is left out.

    Raises:
        OSError: one can't be read, or the disk is full; no copies are left.
    """
    folder = drops / f".{drop}.{hashlib.sha256(owner.encode()).hexdigest()[:12]}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        (folder / OWNER).write_text(owner, encoding="utf-8")
        one = partial(_fetch, folder, max_bytes=max_bytes)
        if files and is_address(files[0].location):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                found = list(pool.map(one, files))
        else:
            found = [one(file) for file in files]
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Fetched(folder, tuple(file for file in found if file))


def admit(fetched: Fetched, folder: Path, files: Sequence[Intake]) -> None:
    """Make a drop's own folder of the copies of those files."""
    shutil.rmtree(folder, ignore_errors=True)
    for file in files:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        (fetched.folder / file.name).rename(target)


def sweep(drops: Path, is_alive: Callable[[str], bool]) -> None:
    """Remove copies of watchers that died before anybody had their drop."""
    for owner in drops.glob(f".*/{OWNER}"):
        # One that is alive removes its own at any moment.
        with contextlib.suppress(FileNotFoundError):
            if not is_alive(owner.read_text(encoding="utf-8")):
                shutil.rmtree(owner.parent, ignore_errors=True)


def _fetch(folder: Path, file: Candidate, *, max_bytes: int) -> Intake | None:
    name = safe_name(file.name)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        sha256 = _copy(file.location, target, max_bytes)
        now = look_again(file)
    except FileNotFoundError:
        sha256, now = "", None
    if now is None or (now.size, now.stamp) != (file.size, file.stamp):
        target.unlink(missing_ok=True)
        return None
    return Intake(sha256, name, file.location, file.stamp)


def _copy(location: str, target: Path, max_bytes: int) -> str:
    """Copy a file and return its hash.

    One that is longer than allowed is cut, and refused by the run for its size; its hash is of all
    of it.
    """
    digest, size = hashlib.sha256(), 0
    with open_location(location) as source, target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            if size <= max_bytes:
                copy.write(chunk)
            size += len(chunk)
    return digest.hexdigest()
