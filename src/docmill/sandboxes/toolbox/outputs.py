"""Files the agent leaves in /workspace/outputs: found here, read by `transfer.get`.

Walks folder by folder without following links; what is no plain file is named with the reason.
The host believes none of it and checks names, sizes and numbers again.
"""

from __future__ import annotations

import os
import stat

from .server import Answer, Call

ROOT = "/workspace/outputs"
ENTRIES = 20_000
"""Looked at; a folder full of names takes no longer than this."""
REFUSED = 50
"""Refusals told one by one."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISCHR, "a device"),
)


def outputs(call: Call) -> Answer:
    """`{files, bytes, depth}`: `{files: [[name, size]], refused: [[name, reason]], more}`.

    Names are relative to the folder; `more` counts refusals that aren't listed.
    """
    search = Search(*(int(call.args[name]) for name in ("files", "bytes", "depth")))
    try:
        folder = os.open(ROOT, _FOLDER)
    except FileNotFoundError:
        return Answer(search.found())
    except OSError:
        search.refuse("", "outputs is no folder")
        return Answer(search.found())
    search.walk(folder, "", 1)
    return Answer(search.found())


class Search:
    """One walk; `files`: how many, `size`: bytes of all together, `depth`: folders in folders."""

    def __init__(self, files: int, size: int, depth: int) -> None:
        self._most = files
        self._left = size
        self._size = size
        self._depth = depth
        self._entries = ENTRIES
        self._files: list[tuple[str, int]] = []
        self._refused: list[tuple[str, str]] = []
        self._more = 0

    def found(self) -> dict[str, object]:
        """What the walk has come to."""
        return {"files": self._files, "refused": self._refused, "more": self._more}

    def refuse(self, name: str, reason: str) -> None:
        """Note what stays behind; its name is cut and can't break a line."""
        if len(self._refused) < REFUSED:
            shown = name.encode("utf-8", "backslashreplace").decode()[:200]
            self._refused.append((shown, reason))
        else:
            self._more += 1

    def walk(self, folder: int, above: str, depth: int) -> None:
        """Look at a folder, which is closed; names are sorted so that the same files are kept."""
        try:
            for name in sorted(os.listdir(folder)):
                self._entries -= 1
                if self._entries < 0:
                    return
                self._look(folder, name, above, depth)
        finally:
            os.close(folder)

    def _look(self, folder: int, name: str, above: str, depth: int) -> None:
        path = above + name
        try:
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISDIR(found.st_mode):
                self._take(path, found)
            elif depth >= self._depth:
                self.refuse(path, f"folders deeper than {self._depth}")
            else:
                self.walk(os.open(name, _FOLDER, dir_fd=folder), f"{path}/", depth + 1)
        except OSError as error:
            self.refuse(path, error.strerror or "can't be read")

    def _take(self, path: str, found: os.stat_result) -> None:
        reason = self._problem(path, found)
        if reason:
            self.refuse(path, reason)
        else:
            self._left -= found.st_size
            self._files.append((path, found.st_size))

    def _problem(self, path: str, found: os.stat_result) -> str:
        """Why a file stays behind; empty if it doesn't."""
        for is_kind, noun in _KINDS:
            if is_kind(found.st_mode):
                return noun
        if found.st_nlink != 1:
            return "a file with several names"
        if not path.isprintable():  # control characters, and bytes that are no text
            return "a name that can't be printed"
        if len(self._files) >= self._most:
            return f"more than {self._most} files"
        if found.st_size > self._left:
            return f"more than {self._size} bytes together"
        return ""
