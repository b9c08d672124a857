"""The tools `read`, `write` and `edit`: text files, paths relative to the workspace.

No confinement to the workspace: the sandbox is the fence, and what lies inside may be read.
"""

from __future__ import annotations

import os
import stat

from .errors import OpError
from .server import Answer, Call

WORKSPACE = "/workspace"
READ_CAP = 32 * 1024 * 1024
"""Bytes of a file looked at; larger files are for `bash`."""


def locate(path: object) -> str:
    """The absolute path a tool means."""
    if not isinstance(path, str) or not path or "\0" in path:
        raise OpError("file_path must be a path")
    return os.path.normpath(os.path.join(WORKSPACE, path))


def load(path: str) -> str:
    """The text of a regular file.

    Raises:
        OpError: not a regular file, too large, or not UTF-8.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OpError(f"{path}: not a regular file")
        if found.st_size > READ_CAP:
            raise OpError(f"{path}: {found.st_size} bytes is too large to read; use bash")
        data = file.read(READ_CAP)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise OpError(f"{path}: not a text file (it isn't UTF-8)") from None


def save(path: str, text: str) -> int:
    """Write a text file, making its folders; returns its size in bytes.

    Raises:
        OpError: something else is there. A pipe would stop the toolbox until somebody reads it.
    """
    data = text.encode("utf-8", "replace")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "wb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OpError(f"{path}: not a regular file")
        file.truncate()
        file.write(data)
    return len(data)


def cut(text: str, limit: int, hint: str) -> str:
    """The text, or its first `limit` bytes with a note that says how to see the rest."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return text
    head = data[:limit].decode("utf-8", "ignore")
    return f"{head}\n[cut: {len(data)} bytes, shown {limit}; {hint}]"


def read(call: Call) -> Answer:
    """`{file_path, view_range?}`: the text, or its lines `[first, last]` counted from 1."""
    path = locate(call.args["file_path"])
    text = load(path)
    view = call.args.get("view_range")
    if view:
        if len(view) != 2 or not all(isinstance(number, int) for number in view):
            raise OpError("view_range must be [first_line, last_line]")
        first, last = view
        lines = text.split("\n")
        text = "\n".join(lines[max(0, first - 1) : last if last > 0 else None])
    return Answer({"content": cut(text, call.settings.output, "use view_range")})


def write(call: Call) -> Answer:
    """`{file_path, content}`: replace the whole file."""
    path = locate(call.args["file_path"])
    size = save(path, str(call.args["content"]))
    return Answer({"content": f"wrote {size} bytes to {path}"})


def edit(call: Call) -> Answer:
    """`{file_path, old_string, new_string, replace_all?}`: replace text that occurs once."""
    path = locate(call.args["file_path"])
    old, new = str(call.args["old_string"]), str(call.args["new_string"])
    if not old:
        raise OpError("old_string is empty; use write to make a new file")
    text = load(path)
    count = text.count(old)
    if count == 0:
        raise OpError(f"{path}: old_string doesn't occur")
    if count > 1 and not call.args.get("replace_all"):
        raise OpError(f"{path}: old_string occurs {count} times; give more of it or replace_all")
    save(path, text.replace(old, new))
    return Answer({"content": f"replaced {count} in {path}"})
