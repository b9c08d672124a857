"""Runs of a watcher: `docmill run` in a process of its own, started ahead while a drop settles.

What is to be imported and Prefect's own process are there by the time the drop is complete; the
process waits for the folder's name on stdin (`cli.standby`). Knows nothing of drops.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from docmill.errors import RunError

SAID = (0, 1, 4)
"""Exit codes of a run that has a report: all well, some documents failed, a limit was met."""
LAST_WORDS = 2000


class Runs(Protocol):
    """Runs of one pipeline, one after the other."""

    async def prepare(self) -> None:
        """There will be one soon."""
        ...

    async def run(self, documents: Path) -> Mapping[str, Any]:
        """Run the pipeline over a folder; what `docmill run --json` says.

        Raises:
            RunError: there is no report.
        """
        ...

    async def close(self) -> None:
        """There will be none for a while."""
        ...


class RunsApart:
    """Runs in processes of their own."""

    def __init__(self, root: Path, pipeline: str) -> None:
        """`root`: the workspace."""
        self._root = root
        self._pipeline = pipeline
        self._ready: Process | None = None

    async def prepare(self) -> None:
        """Have a process wait for the next run; does nothing if one does."""
        if self._ready is not None and self._ready.returncode is None:
            return
        self._ready = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "docmill.cli", "standby", self._pipeline),
            cwd=self._root,
            env=os.environ | {"DOCMILL_WORKSPACE": str(self._root)},
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            # Ctrl-C is the watcher's business: it lets the run come to its end.
            start_new_session=True,
        )

    async def run(self, documents: Path) -> Mapping[str, Any]:
        """Run the pipeline over a folder; what `docmill run --json` says.

        Raises:
            RunError: there is no report.
        """
        await self.prepare()
        process, self._ready = self._ready, None
        assert process is not None
        try:
            out, err = await process.communicate(json.dumps(str(documents)).encode() + b"\n")
        finally:
            await _end(process)
        if process.returncode not in SAID:
            words = err.decode("utf-8", "replace").strip()[-LAST_WORDS:]
            raise RunError(
                f"docmill run ended with exit code {process.returncode}: {words}",
                remedy="It is tried again.",
            )
        return json.loads(out)

    async def close(self) -> None:
        """Let nobody wait any more."""
        process, self._ready = self._ready, None
        if process is not None:
            # It ends by itself at the end of its stdin, which is closed where there is input only.
            await process.communicate(b"")


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.communicate()
