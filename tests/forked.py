"""Prefect's processes without their imports: a template that has them forks itself for each.

Importing Prefect takes 2.5 CPU-s, which tests of many small runs would spend dozens of times. What
is forked runs the same program in a process and a session of its own, and can be killed like it.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from docmill.children import ChildProcess
from docmill.flow import launch
from docmill.flow.address import ServerAddress
from docmill.flow.job import Job, RunOutcome
from docmill.flow.prefect_process import environment

_STEP = 0.01
_templates: list["Template"] = []


class Side:
    """Implements `FlowSide`, in the place of a `PrefectProcess`."""

    def __init__(self, pid: int, work: socket.socket, quick: socket.socket) -> None:
        self.pid = pid
        self.work = work
        self.quick = quick

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.work.close()
        self.quick.close()
        process = Path(f"/proc/{self.pid}")
        while process.exists():
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            time.sleep(_STEP)


class Template(ChildProcess):
    """The process that forks; leaving the block ends it."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment(os.environ),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        super().__init__(process)

    def fork(self) -> Side:
        """A process of Prefect's that waits for its job."""
        (work, work_there), (quick, quick_there) = socket.socketpair(), socket.socketpair()
        with work_there, quick_there:
            handles = [work_there.fileno(), quick_there.fileno()]
            socket.send_fds(self._line, [b"fork"], handles)
            return Side(int(self._line.recv(32)), work, quick)

    def close(self) -> None:
        """End the template; what it has forked goes on."""
        self._line.close()
        super().close()


@contextmanager
def template() -> Generator[None]:
    """A template for `run`, as long as the block lasts."""
    with Template() as made:
        _templates.append(made)
        try:
            yield
        finally:
            _templates.remove(made)


def fork() -> Side:
    """A process of Prefect's, by the template of this test."""
    return _templates[-1].fork()


def run(job: Job, address: ServerAddress, side: Side | None = None) -> RunOutcome:
    """`launch.run` with a process of Prefect's that was forked."""
    return launch.run(job, address, side or fork())


def _serve(line: socket.socket) -> None:
    from docmill.flow import remote

    # Nobody waits for what is forked.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        word, handles, _, _ = socket.recv_fds(line, 16, 2)
        if not word:
            return
        pid = os.fork()
        if not pid:
            line.close()
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.argv = ["remote", *map(str, handles)]
            try:
                remote.main()
            finally:
                os._exit(0)
        for handle in handles:
            os.close(handle)
        line.send(str(pid).encode())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
