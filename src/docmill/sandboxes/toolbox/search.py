"""The tools `glob` and `grep`, run in a forked child so that no pattern can hang the toolbox."""

from __future__ import annotations

import os
import re
import stat
import time

from . import system, wire
from .errors import OpError, from_os
from .files import cut, locate
from .reader import end
from .server import KEPT, Answer, Call
from .waiting import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .waiting import Steps

MAX_FOUND = 200
MAX_ENTRIES = 50_000
MAX_LINE = 2000
SECONDS = 20.0


def glob(call: Call) -> Steps[Answer]:
    """`{pattern, path?}`: files matching a pattern with `**`, newest first."""
    return _forked(call, _glob)


def grep(call: Call) -> Steps[Answer]:
    """`{pattern, path?}`: `file:line:text` of lines that match a regular expression."""
    return _forked(call, _grep)


def _forked(call: Call, work: Callable[[Call], str]) -> Steps[Answer]:
    """Run in a child that ends by itself, at the latest when the time is over."""
    timeout = min(SECONDS, call.timeout * 0.8)
    answers, answer_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            system.become_child((answer_end,))
            system.kill_me_after(timeout)
            wire.send(answer_end, _outcome(call, work))
        finally:
            system.leave(0)
    KEPT.add(pid)
    os.close(answer_end)
    try:
        message = yield from _answer(answers, time.monotonic() + timeout + 0.5)
    except wire.ClosedError:
        raise OpError("the search took too long; use a simpler pattern") from None
    finally:
        os.close(answers)
        KEPT.discard(pid)
        end(pid, 0.0)
    if "problem" in message:
        raise OpError(message["problem"])
    return Answer(message)


def _answer(answers: int, until: float) -> Steps[dict[str, str]]:
    inbox = wire.Inbox(answers)
    while time.monotonic() < until:
        yield Wait((answers,), until)
        found = inbox.take()
        if found:
            return found[0]
    return {"problem": "took too long"}


def _outcome(call: Call, work: Callable[[Call], str]) -> dict[str, str]:
    try:
        text = work(call)
    except OpError as error:
        return {"problem": error.message}
    except OSError as error:
        return {"problem": from_os(error, str(error.filename)).message}
    except re.error as error:
        return {"problem": f"not a regular expression: {error}"}
    return {"content": cut(text, call.settings.output, "narrow the pattern or the path")}


def _walk(root: str) -> Iterator[str]:
    """Regular files below a folder, links not followed; stops after `MAX_ENTRIES`."""
    seen = 0
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            seen += 1
            if seen > MAX_ENTRIES:
                return
            path = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path


def _glob(call: Call) -> str:
    root = locate(call.args.get("path") or ".")
    if not os.path.isdir(root):
        raise OpError(f"{root}: no such folder")
    wanted = re.compile(_expression(str(call.args["pattern"])))
    found = [path for path in _walk(root) if wanted.fullmatch(os.path.relpath(path, root))]
    found.sort(key=lambda path: -os.lstat(path).st_mtime)
    more = f"\n[{len(found) - MAX_FOUND} more]" if len(found) > MAX_FOUND else ""
    return "\n".join(found[:MAX_FOUND]) + more if found else "no files found"


def _expression(pattern: str) -> str:
    """A glob pattern as a regular expression: `**/` any folders, `*` and `?` within a name."""
    parts: list[str] = []
    rest = pattern.lstrip("/")
    while rest:
        for token, expression in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
            if rest.startswith(token):
                parts.append(expression)
                rest = rest[len(token) :]
                break
        else:
            parts.append(re.escape(rest[0]))
            rest = rest[1:]
    return "".join(parts)


def _grep(call: Call) -> str:
    wanted = re.compile(str(call.args["pattern"]))
    root = locate(call.args.get("path") or ".")
    os.stat(root)
    found: list[str] = []
    size = 0
    for path in _walk(root) if os.path.isdir(root) else [root]:
        for number, line in _lines(path):
            if wanted.search(line):
                found.append(f"{path}:{number}:{line[:MAX_LINE]}")
                size += len(found[-1])
                if size > call.settings.output:
                    return "\n".join(found)
    return "\n".join(found) if found else "no matches"


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file; nothing for a binary or unreadable one."""
    try:
        with open(path, "rb") as file:
            if b"\0" in file.read(4096):
                return
            file.seek(0)
            for number, line in enumerate(file, 1):
                yield number, line.decode("utf-8", "replace").rstrip("\r\n")
    except OSError:
        return
