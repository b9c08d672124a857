"""The toolbox's main loop: limit the process, say hello, answer calls as their work gets done.

`main` runs inside the sandbox as process 1. Operations live in the sibling modules and are
imported when first called; those that wait do so side by side (`waiting`). Leaves when the host
closes the socket.
"""

from __future__ import annotations

import posix
import sys

from . import codec, system, wire
from .errors import OpError, from_os

TYPE_CHECKING = False  # the `typing` module alone would cost 10 ms of the start
if TYPE_CHECKING:
    from collections.abc import Callable, Set
    from typing import Any

    from .waiting import Steps, Wait

OPERATIONS = {
    "ping": "server",
    "put": "transfer",
    "get": "transfer",
    "outputs": "outputs",
    "prepare": "reader",
    "render": "reader",
    "ink": "reader",
    "ocr": "reader",
    "ocr_languages": "reader",
    "bash": "shell",
    "read": "files",
    "write": "files",
    "edit": "files",
    "glob": "search",
    "grep": "search",
    "pipe_start": "pipes",
    "pipe_send": "pipes",
    "pipe_receive": "pipes",
    "pipe_stop": "pipes",
}
"""Operation → module with a function of that name; the only names a call may use."""

KEPT: set[int] = set()
"""Children that someone waits for."""


class Settings:
    """The limits the toolbox itself keeps; passed as decimal arguments in this order.

    `memory`: bytes of address space for each child process; `pids`; `disk`: bytes a single file
    may have; `seconds`: wall time after which the toolbox ends itself; `output`: bytes of text
    an answer may have; `door`: port of the way out, 0 for none.
    """

    def __init__(
        self, memory: int, pids: int, disk: int, seconds: int, output: int, *, door: int = 0
    ) -> None:
        self.memory = memory
        self.pids = pids
        self.disk = disk
        self.seconds = seconds
        self.output = output
        self.door = door


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


def limit(settings: Settings) -> None:
    """Set the limits every command inherits."""
    import resource

    for kind, value in (
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_FSIZE, settings.disk),
        (resource.RLIMIT_NPROC, settings.pids),
    ):
        hard = resource.getrlimit(kind)[1]
        found = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (found, found))
    system.survive_full_pipes_and_files(survive=True)
    system.kill_me_after(settings.seconds + 5)


def make_outputs() -> None:
    """The folder whose files are kept, so that a command can write there at once."""
    try:
        posix.mkdir("/workspace/outputs", 0o755)
    except OSError:
        return


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


def run(message: Any, data: bytes, settings: Settings) -> Answer | Steps[Answer]:
    """Carry out one message, or begin to: an operation that has to wait returns its steps.

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
    return getattr(package, name)(call)


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


class Job:
    """One call under way: `wait` says what for; once that is None, `frame` answers the message."""

    def __init__(self, message: Any, data: bytes, settings: Settings) -> None:
        self._number = message["id"]
        self._name = message["op"]
        self._steps: Any = None
        self.wait: Wait | None = None
        self.frame: tuple[dict[str, Any], bytes] = ({}, b"")
        self._step(lambda: self._begin(message, data, settings))

    def go_on(self, ready: Set[int]) -> None:
        """Take the next step, some descriptors being ready or the wait's time being over."""
        self._step(lambda: self._steps.send(ready))

    def _begin(self, message: Any, data: bytes, settings: Settings) -> Any:
        begun = run(message, data, settings)
        if isinstance(begun, Answer):
            return begun
        self._steps = begun
        return next(begun)

    def _step(self, work: Callable[[], Any]) -> None:
        """Do a piece of work; whatever happens meanwhile is an answer."""
        self.wait = None
        try:
            found = work()
        except StopIteration as stop:
            found = stop.value
        except OpError as error:
            return self._refuse(error)
        except OSError as error:
            return self._refuse(from_os(error, str(error.filename or self._name)))
        except (MemoryError, RecursionError, ValueError, TypeError, KeyError) as error:
            return self._refuse(OpError(f"{type(error).__name__}: {error}"))
        if isinstance(found, Answer):
            self.frame = ({"id": self._number, "result": found.result}, found.data)
        else:
            self.wait = found
        return None

    def _refuse(self, error: OpError) -> None:
        problem = {"code": error.code, "message": error.message}
        self.frame = ({"id": self._number, "error": problem}, b"")


def serve(fd: int, out: int, settings: Settings) -> None:
    """Answer the calls that come from `fd` on `out` until the host closes the stream."""
    jobs: list[Job] = []
    while True:
        ready = _pause(fd, jobs)
        for job in jobs:
            if job.wait and job.wait.is_over(ready):
                job.go_on(ready)
        if fd in ready:
            jobs.append(Job(*wire.receive(fd), settings))
        for job in jobs:
            if job.wait is None:
                wire.send(out, *job.frame)
        jobs = [job for job in jobs if job.wait]
        reap()


def _pause(fd: int, jobs: list[Job]) -> Set[int]:
    """Descriptors ready to be read or written; without jobs the next message is waited for."""
    if not jobs:
        return {fd}
    from .waiting import pause

    return pause([job.wait for job in jobs if job.wait], fd)


def main() -> None:
    """Join the cgroups, take the stream away from stdin so that no command inherits it, serve.

    Arguments: the six settings, then descriptors of cgroups to join. The stream is the socket that
    is stdin or, in a container, the pipes that are stdin and stdout. After hello the host gets
    the document ready; meanwhile this process closes itself to the commands it will run. Not
    dumpable means: no other process of the same user can read `/proc/1/mem`, its environment or
    its descriptors, so a command can't forge an answer.
    """
    numbers = [int(argument) for argument in sys.argv[1:]]
    settings = Settings(*numbers[:5], door=numbers[5])
    for entrance in numbers[6:]:
        posix.write(entrance, b"0")
        posix.close(entrance)
    limit(settings)
    make_outputs()
    fd = posix.dup(0)
    out = fd if system.is_socket(fd) else posix.dup(1)
    nothing = posix.open("/dev/null", posix.O_RDWR)
    for standard in (0, 1, 2):
        posix.dup2(nothing, standard)
    posix.close(nothing)
    try:
        wire.write(out, wire.pack_numbers(_prepare(fd, out, settings), wire.HELLO))
        system.set_dumpable(0)
        codec.prepare()
        serve(fd, out, settings)
    except wire.ClosedError:
        system.leave(0)


def _prepare(fd: int, out: int, settings: Settings) -> dict[str, int]:
    """Make what the sandbox's outside hasn't made; the limits in force."""
    found = {}
    door_end = fd
    if out != fd:
        from . import contained

        contained.furnish()
        found = contained.cgroup_limits()
        door_end = contained.reach_door() if settings.door else fd
    if settings.door:
        from . import door

        door.hand_over(door_end, settings.door)
    if door_end != fd:
        posix.close(door_end)
    return {**found, **limits(settings)}
