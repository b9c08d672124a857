"""Programs that are spoken to in lines: started once, written to and read from until stopped.

For servers that speak over their standard input and output. What a line says isn't looked at.
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

FOLDER = "/workspace"
"""Where programs are started."""
MOST = 8
"""Programs at once."""
MARGIN = 1.0
LONGEST = 2 * 1024 * 1024
"""Bytes of one line; a program that writes a longer one is ended."""
AT_ONCE = 4 * 1024 * 1024
"""Bytes of lines in one answer."""
REMEMBERED = 2000
"""Bytes of what a program said last on its standard error."""


class Program:
    """A running program with its three streams."""

    def __init__(self, command: list[str], variables: dict[str, str], settings: Settings) -> None:
        stdin, self.stdin = os.pipe()
        self.stdout, stdout = os.pipe()
        self.stderr, stderr = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _become(command, variables, settings, (stdin, stdout, stderr))
            finally:
                system.leave(127)
        for fd in (stdin, stdout, stderr):
            os.close(fd)
        for fd in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(fd, False)
        self.over, self._end = os.pipe()
        """Ready to be read once the program is stopped: wakes the calls that wait for it."""
        self._users = 0
        KEPT.add(self.pid)
        self.held = bytearray()
        self.said = bytearray()
        self.open = [self.stdout, self.stderr]
        """Streams that haven't ended."""

    def take(self, fd: int) -> None:
        """Read what there is on one of its streams."""
        try:
            chunk = os.read(fd, 1 << 16)
        except BlockingIOError:
            return
        if not chunk:
            self.open.remove(fd)
        elif fd == self.stdout:
            self.held += chunk
        else:
            self.said = (self.said + chunk)[-REMEMBERED:]

    def lines(self) -> list[str]:
        """Whole lines that have come, taken away."""
        end = self.held.rfind(b"\n", 0, AT_ONCE) + 1
        whole = bytes(self.held[:end])
        del self.held[:end]
        return [line for line in whole.decode("utf-8", "replace").split("\n") if line.strip()]

    def use(self) -> None:
        """A call begins to wait on its streams: they stay open as long."""
        self._users += 1

    def leave(self) -> None:
        """It has ended; the last one closes the streams of a program that was stopped."""
        self._users -= 1
        self._close_unused()

    def stop(self) -> None:
        """End it and everything in its session."""
        for target in (-self.pid, self.pid):
            try:
                os.kill(target, system.SIGKILL)
            except ProcessLookupError:
                continue
        os.waitpid(self.pid, 0)
        KEPT.discard(self.pid)
        os.close(self._end)
        self._end = -1
        self._close_unused()

    def _close_unused(self) -> None:
        if self._end < 0 and self._users == 0:
            for fd in (self.stdin, self.stdout, self.stderr, self.over):
                os.close(fd)


PROGRAMS: dict[str, Program] = {}
"""Those running, by the name the host gave them."""


def _become(
    command: list[str], variables: dict[str, str], settings: Settings, ends: tuple[int, int, int]
) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (settings.memory, settings.memory))
    system.survive_full_pipes_and_files(survive=False)
    system.become_child(ends)
    for fd, target in zip(ends, (0, 1, 2), strict=True):
        os.dup2(fd, target)
        os.set_inheritable(target, True)  # dup2 leaves the flag where both are the same
    try:
        os.chdir(FOLDER)
        os.execvpe(command[0], command, {**os.environ, **variables})  # noqa: S606
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}".encode("utf-8", "replace"))


def pipe_start(call: Call) -> Answer:
    """`{name, command, env?}`: start a program; one of that name that runs is ended before."""
    name = str(call.args["name"])
    if name in PROGRAMS:
        PROGRAMS.pop(name).stop()
    if len(PROGRAMS) >= MOST:
        raise OpError(f"{MOST} programs are running already")
    command = [str(part) for part in call.args["command"]]
    given: dict[str, str] = call.args.get("env") or {}
    variables = {str(key): str(value) for key, value in given.items()}
    if call.settings.door:
        from . import door

        variables = door.environment(call.settings.door) | variables
    PROGRAMS[name] = Program(command, variables, call.settings)
    return Answer({})


def pipe_send(call: Call) -> Steps[Answer]:
    """`{name, line}`: write a line to it."""
    program = _named(call)
    program.use()
    try:
        yield from _send(program, call)
    finally:
        program.leave()
    return Answer({})


def _send(program: Program, call: Call) -> Steps[None]:
    view = memoryview(str(call.args["line"]).encode("utf-8", "replace") + b"\n")
    until = time.monotonic() + max(call.timeout - MARGIN, call.timeout * 0.8)
    while view:
        if time.monotonic() >= until:
            raise OpError("the program doesn't read what it is sent")
        ready = yield Wait((program.over,), until, (program.stdin,))
        if program.over in ready:
            raise OpError("the program was stopped")
        if program.stdin in ready:
            try:
                view = view[os.write(program.stdin, view[:4096]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise OpError(_ended(program)) from None


def pipe_receive(call: Call) -> Steps[Answer]:
    """`{name, seconds}`: its next lines, as soon as there is one; none once the time is over.

    Answers `{lines, ended}`; `ended` says in words that nothing more will come, and why.
    """
    program = _named(call)
    program.use()
    try:
        return (yield from _receive(program, call))
    finally:
        program.leave()


def _receive(program: Program, call: Call) -> Steps[Answer]:
    until = time.monotonic() + min(float(call.args["seconds"]), call.timeout * 0.8)
    while True:
        lines = program.lines()
        if lines or time.monotonic() >= until:
            return Answer({"lines": lines, "ended": ""})
        if len(program.held) > LONGEST:
            PROGRAMS.pop(str(call.args["name"])).stop()
            return Answer({"lines": [], "ended": f"it wrote a line of over {LONGEST} bytes"})
        if program.stdout not in program.open:
            return Answer({"lines": [], "ended": _ended(program)})
        ready = yield Wait((program.over, *program.open), until)
        if program.over in ready:
            return Answer({"lines": [], "ended": "it was stopped"})
        for fd in [fd for fd in program.open if fd in ready]:
            program.take(fd)


def pipe_stop(call: Call) -> Answer:
    """`{name}`: end it; harmless if it isn't running."""
    program = PROGRAMS.pop(str(call.args["name"]), None)
    if program is not None:
        program.stop()
    return Answer({})


def _named(call: Call) -> Program:
    program = PROGRAMS.get(str(call.args["name"]))
    if program is None:
        raise OpError("the program isn't running")
    return program


def _ended(program: Program) -> str:
    if program.stderr in program.open:
        program.take(program.stderr)
    said = program.said.decode("utf-8", "replace").strip()
    return f"it has ended: {said}" if said else "it has ended"
