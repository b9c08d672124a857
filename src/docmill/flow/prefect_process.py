"""Prefect's process: a child that imports prefect while the run is still being put together.

`launch` hands it a job by way of `hosting`; the program inside is `remote`. Imports nothing heavy,
so that the command line can start it first of all.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from docmill.children import ChildProcess
from docmill.flow.address import QUIET

HANDLES = "_DOCMILL_FLOW_HANDLES"
"""Environment variable of a run that a deployment's flow started: its two sockets, `5,6`."""

NO_AUTHORITY = Path(__file__).with_name("no_authority.pem")
"""A certificate nobody has the key of: who trusts it alone trusts no server."""


class FlowSide(Protocol):
    """Whoever runs Prefect's flow for a run, at the other end of two sockets."""

    @property
    def work(self) -> socket.socket:
        """For calls that take their time, many at once."""
        ...

    @property
    def quick(self) -> socket.socket:
        """For calls the other side waits for."""
        ...

    def __enter__(self) -> Self:
        """The connection lasts as long as the block."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class StartingFlow:
    """The deployed flow that started this run, in the place of a `PrefectProcess`."""

    def __init__(self, work: int, quick: int) -> None:
        self.work = socket.socket(fileno=work)
        self.quick = socket.socket(fileno=quick)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.work.close()
        self.quick.close()


def flow_side() -> FlowSide:
    """Prefect's side for the run of this command: a child, or the flow that started it."""
    handles = os.environ.pop(HANDLES, "")
    if not handles:
        return PrefectProcess()
    work, quick = map(int, handles.split(","))
    return StartingFlow(work, quick)


class PrefectProcess(ChildProcess):
    """One child process for one run; leaving the block ends it in any case."""

    def __init__(self) -> None:
        self.work, work = socket.socketpair()
        """For calls that take their time, many at once."""
        self.quick, quick = socket.socketpair()
        """For calls the process waits for."""
        handles = (work.fileno(), quick.fileno())
        with work, quick:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "docmill.flow.remote_start", *map(str, handles)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=environment(os.environ),
                pass_fds=handles,
                # Ctrl-C at the terminal is the run's business: it says when to stop.
                start_new_session=True,
            )
        super().__init__(process)

    def close(self) -> None:
        """End the process, whatever it is doing; may be called twice.

        Once it has said that the run ended, all it had for Prefect's server is there.
        """
        self.work.close()
        self.quick.close()
        super().close()


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The process's environment, given that of the run.

    The workspace's own server speaks HTTP on the loopback interface. Prefect's client makes seven
    TLS contexts for it all the same, and loading the usual authorities takes each 0.1 CPU-s.
    """
    own = {} if environ.get("PREFECT_API_URL") else {"SSL_CERT_FILE": str(NO_AUTHORITY)}
    return {**environ, **QUIET, **own}
