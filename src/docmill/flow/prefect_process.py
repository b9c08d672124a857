"""Prefect's process: a child that imports prefect while the run is still being put together.

`launch` hands it a job by way of `hosting`; the program inside is `remote`. Imports nothing heavy,
so that the command line can start it first of all.
"""

import os
import socket
import subprocess
import sys
from types import TracebackType

from docmill.flow.address import QUIET


class PrefectProcess:
    """One child process for one run; leaving the block ends it in any case."""

    def __init__(self) -> None:
        self.work, work = socket.socketpair()
        """For calls that take their time, many at once."""
        self.quick, quick = socket.socketpair()
        """For calls the process waits for."""
        handles = (work.fileno(), quick.fileno())
        with work, quick:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "docmill.flow.remote", *map(str, handles)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=os.environ | QUIET,
                pass_fds=handles,
                # Ctrl-C at the terminal is the run's business: it says when to stop.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def close(self) -> None:
        """End the process, whatever it is doing; may be called twice.

        Once it has said that the run ended, all it had for Prefect's server is there.
        """
        self.work.close()
        self.quick.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "PrefectProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
