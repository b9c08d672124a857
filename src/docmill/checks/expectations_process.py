"""A process that has Great Expectations imported and waits for one request.

Importing takes seconds, so a run may start it while its last documents are still being read.
`expectations` says what to ask; the program inside is `expectations_child`.
"""

import os
import resource
import subprocess
import sys
from contextlib import suppress
from tempfile import TemporaryDirectory

from docmill.children import ChildProcess


class NoAnswerError(Exception):
    """The process gave no answer; the message says why."""


class LibraryProcess(ChildProcess):
    """One child process for one question; leaving the block ends it in any case."""

    def __init__(self, *, memory: int | None = None) -> None:
        """`memory`: bytes of address space it may have, where the system can see to that."""
        self._home = TemporaryDirectory(prefix="docmill-expectations-")
        environment = {
            "HOME": self._home.name,
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "LANG": "C.UTF-8",
            "GX_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "docmill.checks.expectations_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=self._home.name,
        )
        super().__init__(process)
        if memory is not None and hasattr(resource, "prlimit"):
            with suppress(ProcessLookupError):  # it has failed already: `ask` says how
                resource.prlimit(process.pid, resource.RLIMIT_AS, (memory, memory))

    def ask(self, request: bytes, *, seconds: float) -> bytes:
        """The answer to a request, both JSON.

        Raises:
            NoAnswerError: none came in time, or the process failed.
        """
        try:
            answer, complaints = self._process.communicate(request, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise NoAnswerError(f"no answer within {seconds:g} seconds") from error
        if self._process.returncode != 0:
            last = complaints.decode(errors="replace").strip().rpartition("\n")[2]
            why = last[:300] or f"the process ended with {self._process.returncode}"
            raise NoAnswerError(why)
        return answer

    def close(self) -> None:
        """End the process, whatever it is doing; may be called twice."""
        super().close()
        self._home.cleanup()
