"""A process that writes report.xlsx beside the other formats: half of a large report's time.

It imports what it needs while the run is still at work, then reads the run from report.json alone.
`build` says when and where; the program inside is `beside_child`.
"""

import subprocess
import sys
from pathlib import Path

from docmill.children import ChildProcess


class SheetProcess(ChildProcess):
    """One child process for one report.xlsx; leaving the block ends it in any case."""

    def __init__(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "docmill.report.beside_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        super().__init__(process)

    def begin(self, source: Path, target: Path) -> None:
        """Let it write `target` from the report.json at `source`."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{source}\n{target}\n")
        self._process.stdin.flush()

    def finish(self) -> None:
        """Wait until the file is written.

        Raises:
            OSError: it could not be; with the last line of what the process had to say.
        """
        _, complaints = self._process.communicate()
        if self._process.returncode != 0:
            raise OSError(complaints.strip().rpartition("\n")[2] or "report.xlsx was not written")
