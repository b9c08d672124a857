"""Keeps the child process that reads the document: starts, limits, times and buries it.

Its death is a result with a code, never the end of the sandbox. `reading` is what runs there.
"""

from __future__ import annotations

import os
import resource
import time

from . import system, wire
from .errors import OpError
from .server import KEPT, Answer, Call, Settings
from .waiting import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .waiting import Steps

PACKAGES = "/opt/docmill/packages"
MEMORY_SHARE = 0.75
"""Of the sandbox's memory: address space of the child, so that it fails before the sandbox does."""
MARGIN = 1.0
"""Seconds before the caller's time-out, to answer in time."""
_GIVING_UP = (system.SIGABRT, system.SIGTRAP, system.SIGILL, system.SIGKILL)
"""How pdfium ends when memory is refused, and how the kernel ends what takes too much."""


class Child:
    """A running reader."""

    def __init__(self, settings: Settings) -> None:
        request_end, self.requests = os.pipe()
        self.answers, answer_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                system.become_child((request_end, answer_end))
                _confine(settings)
                _read(request_end, answer_end)
            finally:
                system.leave(0)
        os.close(request_end)
        os.close(answer_end)
        KEPT.add(self.pid)

    def ask(self, name: str, args: dict[str, object], timeout: float) -> Steps[dict[str, Any]]:
        """Send a request and wait for its answer.

        Raises:
            OpError: the child died or took too long; it is gone then.
        """
        try:
            wire.send(self.requests, [name, args])
            inbox, until = wire.Inbox(self.answers), time.monotonic() + timeout
            while time.monotonic() < until:
                yield Wait((self.answers,), until)
                found = inbox.take()
                if found:
                    return found[0]
        except wire.ClosedError:
            raise OpError(_cause(self.bury(0.5))) from None
        self.bury()
        raise OpError(f"prepare_timeout: reading took longer than {timeout:.0f} s")

    def bury(self, patience: float = 0.0) -> int:
        """Give it `patience` seconds to end by itself, then kill it; returns the wait status."""
        os.close(self.requests)
        os.close(self.answers)
        KEPT.discard(self.pid)
        return end(self.pid, patience)


class State:
    """What outlives a child: its successor must open the same bytes with the same password."""

    child: Child | None = None
    password: object = None
    digest: object = None


def end(pid: int, patience: float) -> int:
    """Wait for a child for `patience` seconds, then kill it; returns the wait status."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        time.sleep(0.002)
    os.kill(pid, system.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _confine(settings: Settings) -> None:
    """Limits for a process that may be taken over by what it parses."""
    space = max(int(settings.memory * MEMORY_SHARE), 256 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (space, space))


def _read(requests: int, answers: int) -> None:
    import sys

    sys.path.append(PACKAGES)
    from . import reading

    reading.serve(requests, answers)


def _cause(status: int) -> str:
    if not os.WIFSIGNALED(status):
        return "prepare_crashed: the reader ended without an answer"
    number = os.WTERMSIG(status)
    if number in _GIVING_UP:
        return "prepare_memory: reading the document needs more memory than allowed"
    if number == system.SIGXCPU:
        return "prepare_timeout: reading the document took too much processor time"
    return f"prepare_crashed: the reader was ended by signal {number}"


def _ask(name: str, call: Call) -> Steps[Any]:
    """Ask the child, a new one where there is none; a dead one is forgotten."""
    child, State.child = State.child or Child(call.settings), None
    timeout = max(call.timeout - MARGIN, call.timeout * 0.8)
    kept = {"password": State.password, "digest": State.digest, "seconds": timeout}
    answer = yield from child.ask(name, {**call.args, **kept}, timeout)
    State.child = child
    if "problem" in answer:
        raise OpError(str(answer["problem"]), str(answer.get("code", "tool")))
    return answer["result"]


def prepare(call: Call) -> Steps[Answer]:
    """`{max_pages, password?}`: read the document afresh."""
    if State.child is not None:
        State.child.bury()
    State.child, State.digest = None, None
    State.password = call.args.get("password")
    result = yield from _ask("prepare", call)
    State.digest = result.pop("digest")
    return Answer(result)


def render(call: Call) -> Steps[Answer]:
    """`{page, dpi?}`: draw a page."""
    return Answer((yield from _ask("render", call)))


def ink(call: Call) -> Steps[Answer]:
    """`{page, boxes}`: how much ink each box holds."""
    return Answer((yield from _ask("ink", call)))


def ocr(call: Call) -> Steps[Answer]:
    """`{page, languages, box?, dpi?, keep?}`: words of a page, or of a line of it, by OCR."""
    return Answer((yield from _ask("ocr", call)))


def ocr_languages(call: Call) -> Steps[Answer]:
    """The languages OCR can read."""
    return Answer((yield from _ask("ocr_languages", call)))
