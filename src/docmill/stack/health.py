"""The file that says how a stack is, and the lock that says whether it is there at all."""

import fcntl
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from docmill.errors import PrerequisiteError
from docmill.processes import Process
from docmill.stack.parts import PartStatus, StackStatus

FILE, LOCK = "stack.json", "stack.lock"


@contextmanager
def sole_stack(folder: Path) -> Generator[None]:
    """Be the only stack of a workspace; what a killed one has left running is ended first.

    Raises:
        PrerequisiteError: another one runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PrerequisiteError(
                "A stack of this workspace runs already.",
                remedy="See how it is: docmill serve-stack --check",
            ) from None
        end_leftovers(folder)
        yield
    finally:
        with suppress(FileNotFoundError):
            (folder / FILE).unlink()
        os.close(handle)


def write_status(folder: Path, status: StackStatus) -> None:
    """Tell how the stack is; a reader never sees half of it."""
    scratch = folder / f"{FILE}.tmp"
    scratch.write_text(status.model_dump_json(indent=1), encoding="utf-8")
    scratch.replace(folder / FILE)


def read_status(folder: Path) -> StackStatus | None:
    """How the stack of a workspace is; None if none runs."""
    try:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(folder)
    finally:
        os.close(handle)
    return None


def end_leftovers(folder: Path) -> None:
    """End what a stack that was killed has left running."""
    left = _read(folder)
    for part in left.parts if left else ():
        if is_running(part):
            Process(part.pid, part.born).tell(signal.SIGTERM, group=True)


def is_running(part: PartStatus) -> bool:
    """Whether the part's process is there, and is the one that was started."""
    return part.pid > 1 and Process(part.pid, part.born).alive


def _read(folder: Path) -> StackStatus | None:
    try:
        return StackStatus.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
