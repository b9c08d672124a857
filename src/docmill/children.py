"""Processes of docmill's own that end with the block they were started for.

What they run and how they are talked to is their owners' business (`flow`, `checks`, `report`).
"""

from subprocess import Popen
from types import TracebackType
from typing import Any, Self


class ChildProcess:
    """One child; leaving the block ends it in any case."""

    def __init__(self, process: Popen[Any]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def close(self) -> None:
        """End the process, whatever it is doing; may be called twice."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
