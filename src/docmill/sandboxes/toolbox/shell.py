"""The tool `bash`: one shell for the whole session, so folder and variables last between calls.

A command that runs too long ends the shell; the next call gets a fresh one and is told so.
"""

from __future__ import annotations

import os
import resource
import time

from . import system
from .errors import OpError
from .server import KEPT, Answer, Call, Settings
from .waiting import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .waiting import Steps

DEFAULT_SECONDS = 120.0
MARGIN = 1.0
BASH = "/bin/bash"


class Shell:
    """A running bash that reads commands from a pipe and reports each exit code on another."""

    def __init__(self, settings: Settings) -> None:
        stdin, self.commands = os.pipe()
        self.output, output_end = os.pipe()
        self.status, status_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _become_bash(settings, stdin, output_end, status_end)
            finally:
                system.leave(127)
        for fd in (stdin, output_end, status_end):
            os.close(fd)
        os.set_blocking(self.output, False)
        KEPT.add(self.pid)

    def run(self, command: str, timeout: float, limit: int) -> Steps[Result]:
        """Run one command and collect what it prints, `limit` bytes at most."""
        quoted = command.replace("'", "'\\''")
        line = f"eval '{quoted}' </dev/null 9>&-; echo $? >&9\n".encode("utf-8", "replace")
        view, collected = memoryview(line), Collected(limit)
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            feeding = (self.commands,) if view else ()
            ready = yield Wait((self.output, self.status), until, feeding)
            if self.output in ready:
                collected.take(self.output)
            if view:
                if self.commands in ready:
                    try:  # bash reads as it goes, so a long command needs several writes
                        view = view[os.write(self.commands, view[:4096]) :]
                    except BrokenPipeError:
                        return Result(collected, None, timed_out=False)
            elif self.status in ready:
                code = os.read(self.status, 64).strip()
                for _ in range(2):  # a pipe's content; what runs on may print for ever
                    collected.take(self.output)
                return Result(collected, int(code) if code.isdigit() else None, timed_out=False)
        return Result(collected, None, timed_out=True)

    def kill(self) -> None:
        """End it and everything in its session."""
        for fd in (self.commands, self.output, self.status):
            os.close(fd)
        for target in (-self.pid, self.pid):
            try:
                os.kill(target, system.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(self.pid, 0)
        KEPT.discard(self.pid)


class Collected:
    """Output of a command, kept up to a limit, counted beyond."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._total = 0

    def take(self, fd: int) -> bool:
        """Read what is there; False if there is nothing now."""
        try:
            chunk = os.read(fd, 1 << 16)
        except BlockingIOError:
            return False
        self._total += len(chunk)
        self._kept += chunk[: max(0, self._limit - len(self._kept))]
        return bool(chunk)

    def text(self) -> str:
        """The output as text, with a note if it was cut."""
        text = self._kept.decode("utf-8", "replace")
        if self._total > len(self._kept):
            text += f"\n[cut: {self._total} bytes printed, shown {len(self._kept)}]"
        return text


class Result:
    """How a command ended; no exit code means the shell is gone or has to go."""

    def __init__(self, collected: Collected, code: int | None, *, timed_out: bool) -> None:
        self.collected = collected
        self.code = code
        self.timed_out = timed_out


class State:
    """The session's shell."""

    shell: Shell | None = None


def _become_bash(settings: Settings, stdin: int, output: int, status: int) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (settings.memory, settings.memory))
    system.survive_full_pipes_and_files(survive=False)
    system.become_child((stdin, output, status))
    for fd, target in ((stdin, 0), (output, 1), (output, 2), (status, 9)):
        os.dup2(fd, target)
        os.set_inheritable(target, True)  # dup2 leaves the flag where both are the same
    environment = {**os.environ, "LC_ALL": os.environ.get("LANG", "C")}
    if settings.door:
        from . import door

        environment |= door.environment(settings.door)
    os.execve(BASH, ["bash", "--noprofile", "--norc"], environment)  # noqa: S606


def bash(call: Call) -> Steps[Answer]:
    """`{command?, restart?, timeout_ms?}`: run a command, or start the shell afresh."""
    if call.args.get("restart") or State.shell is None:
        if State.shell is not None:
            State.shell.kill()
        State.shell = Shell(call.settings)
    command = call.args.get("command")
    if command is None:
        if not call.args.get("restart"):
            raise OpError("bash needs a command")
        return Answer({"output": "the shell was started afresh", "exit_code": 0})
    wanted = float(call.args.get("timeout_ms") or 0) / 1000 or DEFAULT_SECONDS
    timeout = min(wanted, max(call.timeout - MARGIN, call.timeout * 0.8))
    result = yield from State.shell.run(str(command), timeout, call.settings.output)
    output = result.collected.text()
    if result.code is None:
        State.shell.kill()
        State.shell = None
        why = f"timed out after {timeout:g} s" if result.timed_out else "the shell ended"
        output += f"\n[{why}; the next command gets a fresh shell]"
    code = -1 if result.code is None else result.code
    return Answer({"output": output, "exit_code": code})
