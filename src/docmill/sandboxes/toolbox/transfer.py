"""Files in and out of the sandbox for the host, in chunks no frame limit can stop.

Walks folder by folder without following links, takes regular files with one name only.
"""

import os
import stat

from .errors import OpError
from .server import Answer, Call
from .wire import MAX_DATA

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def parent_of(path: str, *, create: bool = False) -> tuple[int, str]:
    """Descriptor of a path's folder, reached without following any link, and the last name."""
    parts = path.split("/")[1:]
    if not path.startswith("/") or not parts[-1] or any(part in ("", ".", "..") for part in parts):
        raise OpError(f"{path}: not an absolute, plain path")
    folder = os.open("/", _FOLDER)
    try:
        for part in parts[:-1]:
            if create:
                try:
                    os.mkdir(part, 0o755, dir_fd=folder)
                except OSError:
                    if not _is_folder(part, folder):
                        raise
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
    except OSError:
        os.close(folder)
        raise
    return folder, parts[-1]


def _is_folder(name: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def put(call: Call) -> Answer:
    """Write (`offset` 0) or continue a file."""
    path, offset = str(call.args["path"]), int(call.args["offset"])
    folder, name = parent_of(path, create=True)
    flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        if offset == 0:
            flags |= os.O_CREAT | os.O_TRUNC
        fd = os.open(name, flags, 0o644, dir_fd=folder)
    finally:
        os.close(folder)
    try:
        view, position = memoryview(call.data), offset
        while view:
            written = os.pwrite(fd, view, position)
            view, position = view[written:], position + written
    finally:
        os.close(fd)
    return Answer()


def get(call: Call) -> Answer:
    """A piece of a regular file: `{size}` and at most `length` bytes from `offset`."""
    path, offset = str(call.args["path"]), int(call.args["offset"])
    folder, name = parent_of(path)
    try:
        fd = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder
        )
    finally:
        os.close(folder)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise OpError(f"{path}: not a regular file with one name")
        data = os.pread(fd, min(int(call.args["length"]), MAX_DATA), offset)
        return Answer({"size": found.st_size}, data)
    finally:
        os.close(fd)
