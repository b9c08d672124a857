"""The toolbox's main loop: harden the process, say hello, answer one call after another.

`main` runs inside the sandbox as process 1. Operations live in the sibling modules and are
imported when first called. Leaves when the host closes the socket.
"""

from __future__ import annotations

import posix
import sys

from . import wire
from .errors import OpError, from_os

TYPE_CHECKING = False  # the `typing` module alone would cost 10 ms of the start
if TYPE_CHECKING:
    from typing import Any

OPERATIONS = {
    "ping": "server",
    "limits": "server",
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


def set_dumpable(value: int) -> None:
    """prctl(PR_SET_DUMPABLE), without the `ctypes` package, whose import takes 5 ms."""
    import _ctypes

    prctl: int = _ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl")  # pyright: ignore
    if _ctypes.call_function(prctl, (4, value, 0, 0, 0)) != 0:  # pyright: ignore
        raise OSError("prctl(PR_SET_DUMPABLE) failed")


def become_child(kept: tuple[int, ...]) -> None:
    """In a forked child: keep these descriptors only, and be the first to go when memory is short."""
    lowest = 3
    for fd in sorted(kept):
        posix.closerange(lowest, fd)
        lowest = fd + 1
    posix.closerange(lowest, 1024)
    set_dumpable(1)  # or the file would belong to root
    file = posix.open("/proc/self/oom_score_adj", posix.O_WRONLY)
    posix.write(file, b"900")
    posix.close(file)
    set_dumpable(0)


def harden(settings: Settings) -> None:
    """Close this process to the commands it will run, and set the limits they inherit.

    Not dumpable means: no other process of the same user can read `/proc/1/mem`, its
    environment or its file descriptors, so a command can't forge an answer.
    """
    import _signal
    import resource

    set_dumpable(0)
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_FSIZE, settings.disk),
        (resource.RLIMIT_NPROC, settings.pids),
    ):
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))
    _signal.signal(_signal.SIGPIPE, _signal.SIG_IGN)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_IGN)
    _signal.alarm(settings.seconds + 5)


def limits(call: Call) -> Answer:
    """The resource limits in force for commands, as the kernel tells them."""
    import resource

    names = {"pids": resource.RLIMIT_NPROC, "file": resource.RLIMIT_FSIZE}
    found = {name: resource.getrlimit(kind)[0] for name, kind in names.items()}
    disk = posix.statvfs("/workspace")
    return Answer({**found, "memory": call.settings.memory, "disk": disk.f_frsize * disk.f_blocks})


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


def serve(fd: int, settings: Settings) -> None:
    """Answer calls until the host closes the stream."""
    while True:
        message, data = wire.receive(fd)
        number: Any = message["id"]  # type: ignore[index]  # pyright: ignore
        try:
            answer = run(message, data, settings)
            frame = ({"id": number, "result": answer.result}, answer.data)
        except OpError as error:
            problem = {"code": error.code, "message": error.message}
            frame = ({"id": number, "error": problem}, b"")
        except (MemoryError, RecursionError, ValueError, TypeError, KeyError) as error:
            problem = {"code": "tool", "message": f"{type(error).__name__}: {error}"}
            frame = ({"id": number, "error": problem}, b"")
        wire.send(fd, *frame)
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
    wire.send(fd, {"hello": True}, wire.HELLO)
    try:
        serve(fd, settings)
    except wire.ClosedError:
        posix._exit(0)
