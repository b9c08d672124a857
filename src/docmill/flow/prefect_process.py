"""Prefect's process: a child that imports prefect while the run is still being put together.

`launch` hands it a job by way of `hosting`; the program inside is `remote`. Imports nothing heavy,
so that the command line can start it first of all.
"""

import os
import socket
import subprocess
import sys

from docmill.children import ChildProcess
from docmill.flow.address import QUIET


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
                [sys.executable, "-P", "-m", "docmill.flow.remote", *map(str, handles)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=os.environ | QUIET,
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
