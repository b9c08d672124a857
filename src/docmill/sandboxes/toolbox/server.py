"""The toolbox's main loop: harden the process, say hello, answer one call after another.

`main` runs inside the sandbox as process 1. Operations live in the sibling modules and are
imported when first called. Leaves when the host closes the socket.
"""

from __future__ import annotations

import posix
import sys

from . import system, wire
from .errors import OpError, from_os

TYPE_CHECKING = False  # the `typing` module alone would cost 10 ms of the start
if TYPE_CHECKING:
    from typing import Any

OPERATIONS = {
    "ping": "server",
    "put": "transfer",
    "get": "transfer",
    "prepare": "reader",
    "render": "reader",
    "ink": "reader",
    "bash": "shell",
    "read": "files",
    "write": "files",
    "edit": "files",
    "glob": "search",
    "grep": "search",
}
"""Operation → module with a function of that name; the only names a call may use."""

KEPT: set[int] = set()
"""Children that someone waits for."""


class Settings:
    """The limits the toolbox itself keeps; passed as decimal arguments in this order.

    `memory`: bytes of address space for each child process; `pids`; `disk`: bytes a single file
    may have; `seconds`: wall time after which the toolbox ends itself; `output`: bytes of text
    an answer may have.
    """

    def __init__(self, memory: int, pids: int, disk: int, seconds: int, output: int) -> None:
        self.memory = memory
        self.pids = pids
        self.disk = disk
        self.seconds = seconds
        self.output = output


class Call:
    """One operation to run; `timeout`: seconds the caller will wait."""

    def __init__(
        self, args: dict[str, Any], data: bytes, timeout: float, settings: Settings
    ) -> None:
        self.args = args
        self.data = data
        self.timeout = timeout
        self.settings = settings


class Answer:
    """What an operation returns: JSON and raw bytes."""

    def __init__(self, result: Any = None, data: bytes = b"") -> None:
        self.result = result
        self.data = data


def harden(settings: Settings) -> None:
    """Close this process to the commands it will run, and set the limits they inherit.

    Not dumpable means: no other process of the same user can read `/proc/1/mem`, its
    environment or its file descriptors, so a command can't forge an answer.
    """
    import resource

    system.set_dumpable(0)
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_FSIZE, settings.disk),
        (resource.RLIMIT_NPROC, settings.pids),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))
    system.survive_full_pipes_and_files(survive=True)
    system.kill_me_after(settings.seconds + 5)


def limits(settings: Settings) -> dict[str, int]:
    """The limits in force for commands, as the kernel tells them; part of the first frame."""
    import resource

    names = {"pids": resource.RLIMIT_NPROC, "file": resource.RLIMIT_FSIZE}
    found = {name: resource.getrlimit(kind)[0] for name, kind in names.items()}
    disk = posix.statvfs("/workspace")
    return {**found, "memory": settings.memory, "disk": disk.f_frsize * disk.f_blocks}


def ping(call: Call) -> Answer:
    """Echo the data; for measuring."""
    return Answer(None, call.data)


def run(message: Any, data: bytes, settings: Settings) -> Answer:
    """Carry out one message.

    Raises:
        OpError: the operation failed for a reason it can tell.
    """
    name = message["op"]
    module = OPERATIONS.get(name)
    if module is None:
        raise OpError(f"unknown operation {name!r}")
    call = Call(message["args"], data, float(message["timeout"]), settings)
    if module == "server":
        return globals()[name](call)
    package = __import__(f"{__package__}.{module}", fromlist=[name])
    try:
        return getattr(package, name)(call)
    except OSError as error:
        raise from_os(error, str(error.filename or name)) from error


def reap() -> None:
    """Collect finished orphans, which process 1 inherits; children someone waits for stay."""
    try:
        while True:
            found = posix.waitid(posix.P_ALL, 0, posix.WEXITED | posix.WNOHANG | posix.WNOWAIT)
            if found is None or found.si_pid in KEPT:
                return
            posix.waitpid(found.si_pid, 0)
    except ChildProcessError:
        return


def answer_to(message: Any, data: bytes, settings: Settings) -> tuple[dict[str, Any], bytes]:
    """The frame that answers a message, whatever happens while it is carried out."""
    number = message["id"]
    try:
        answer = run(message, data, settings)
    except OpError as error:
        return {"id": number, "error": {"code": error.code, "message": error.message}}, b""
    except (MemoryError, RecursionError, ValueError, TypeError, KeyError) as error:
        problem = {"code": "tool", "message": f"{type(error).__name__}: {error}"}
        return {"id": number, "error": problem}, b""
    return {"id": number, "result": answer.result}, answer.data


def serve(fd: int, settings: Settings) -> None:
    """Answer calls until the host closes the stream."""
    while True:
        message, data = wire.receive(fd)
        wire.send(fd, *answer_to(message, data, settings))
        reap()


def main() -> None:
    """Join the cgroups, take the socket away from stdin so that no command inherits it, serve.

    Arguments: the five settings, then descriptors of cgroups to join.
    """
    numbers = [int(argument) for argument in sys.argv[1:]]
    settings = Settings(*numbers[:5])
    for entrance in numbers[5:]:
        posix.write(entrance, b"0")
        posix.close(entrance)
    harden(settings)
    fd = posix.dup(0)
    nothing = posix.open("/dev/null", posix.O_RDWR)
    for standard in (0, 1, 2):
        posix.dup2(nothing, standard)
    posix.close(nothing)
    wire.send(fd, limits(settings), wire.HELLO)
    try:
        serve(fd, settings)
    except wire.ClosedError:
        system.leave(0)
