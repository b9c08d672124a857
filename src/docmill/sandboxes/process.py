"""A bubblewrap process: started with nothing but what it needs, ended with all that lives in it.

`commandline` says what to run, `bubblewrap` when. Works in the thread of its caller: the kernel
ends the sandbox when that thread ends.
"""

import os
import re
import resource
import signal
import socket
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from docmill.sandboxes.base import SandboxLimits
from docmill.sandboxes.commandline import START, arguments, command
from docmill.sandboxes.identity import Identity
from docmill.sandboxes.runtime import Runtime

_CHILD = re.compile(rb'"child-pid": (\d+)')


class Process:
    """One running bubblewrap with the toolbox inside."""

    def __init__(
        self,
        binary: str,
        runtime: Runtime,
        limits: SandboxLimits,
        *,
        seccomp: bytes,
        identity: Identity,
        entrances: Sequence[int],
        door: int = 0,
    ) -> None:
        """Start; `door` is the port of a way out that the toolbox is to make, 0 for none.

        Raises:
            OSError: bubblewrap can't be executed.
        """
        self.socket, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._info, info = os.pipe()
        self._pidfd = -1
        filter_end = _pipe_with(seccomp)
        args = arguments(runtime, limits, info=info, seccomp=filter_end)
        args_end = _pipe_with("\0".join([*args, ""]).encode())
        passed = (info, filter_end, args_end, *entrances)
        run = [
            binary,
            "--args",
            str(args_end),
            "--",
            *command(runtime, limits, entrances, door=door),
        ]
        try:
            with identity.assumed() as options, _without_cores():
                self._process = subprocess.Popen(
                    run,
                    stdin=inner.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={},
                    cwd="/",
                    pass_fds=passed,
                    start_new_session=True,
                    **options,
                )
        except BaseException:
            self.socket.close()
            os.close(self._info)
            raise
        finally:
            inner.close()
            for fd in passed:
                os.close(fd)

    def adopt(self) -> None:
        """Hold on to process 1 inside, once it has said hello.

        Raises:
            OSError: it is gone already.
        """
        found = _CHILD.search(os.read(self._info, 4096))
        if not found:
            raise ProcessLookupError("bubblewrap didn't name its child")
        self._pidfd = os.pidfd_open(int(found[1]))

    def kill(self) -> None:
        """End process 1 inside; the kernel ends all others there, then bubblewrap leaves."""
        with suppress(OSError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            elif self._process.returncode is None:
                self._kill_group()

    def _kill_group(self) -> None:
        """End bubblewrap and the child that is to be process 1: before it is told to die with its
        parent it would wait for the dead one for ever."""
        os.killpg(self._process.pid, signal.SIGKILL)

    def bury(self) -> None:
        """Wait until nothing is left, then close what is open. Blocks for some milliseconds."""
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        self.socket.close()
        for fd in (self._info, self._pidfd):
            if fd >= 0:
                os.close(fd)
        self._info = self._pidfd = -1

    def complaint(self) -> str:
        """What bubblewrap wrote to stderr; call only after it has ended."""
        if self._process.stderr is None or self._process.stderr.closed:
            return ""
        os.set_blocking(self._process.stderr.fileno(), False)
        return (self._process.stderr.read(4096) or b"").decode("utf-8", "replace").strip()


@contextmanager
def _without_cores() -> Generator[None]:
    """Have what is started in the block leave no cores: at a size limit of 1 the kernel starts no
    core handler either, which at 0 it does, as root and outside. The filter keeps it there.
    """
    found, most = resource.getrlimit(resource.RLIMIT_CORE)
    with suppress(ValueError):  # nobody but a privileged root may raise a hard limit of 0
        resource.setrlimit(resource.RLIMIT_CORE, (1, most or 1))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (found, most))


def end_orphans() -> int:
    """End what a bubblewrap killed in the middle of its start has left; returns how many.

    Such a process waits for its parent and does nothing else; it is in no cgroup yet.
    """
    found = [pid for pid in map(_starting, Path("/proc").glob("[0-9]*")) if pid]
    for pid in found:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return len(found)


def _starting(folder: Path) -> int | None:
    """The process, if it is bubblewrap's child (the first of its namespace) and that is gone."""
    with suppress(OSError):
        if not _is_ours(folder):
            return None
        status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines())
        is_child = len(status["NSpid"].split()) > 1
        if is_child and not _is_ours(folder.parent / status["PPid"]):
            return int(folder.name)
    return None


def _is_ours(folder: Path) -> bool:
    words = (folder / "cmdline").read_bytes()
    return words.partition(b"\0")[0].endswith(b"bwrap") and START.encode() in words


def _pipe_with(data: bytes) -> int:
    """The reading end of a pipe that holds `data`, which fits a pipe's buffer."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        os.write(writing, data)
    finally:
        os.close(writing)
    return reading
