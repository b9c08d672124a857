"""Runs of a watcher: `docmill run` in a process of its own, started ahead while a drop settles.

What is to be imported and Prefect's own process are there by the time the drop is complete; the
process waits for the folder's name on stdin (`cli.standby`). Knows nothing of drops.
"""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from docmill.errors import RunError

STANDBY = (sys.executable, "-P", "-m", "docmill.cli", "standby")
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

    def __init__(self, root: Path, pipeline: str, *, standby: Sequence[str] = STANDBY) -> None:
        """`root`: the workspace; `standby`: the command, to which the pipeline's name is added."""
        self._root = root
        self._command = (*standby, pipeline)
        self._ready: Process | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        """Processes that have said all they had to."""

    async def prepare(self) -> None:
        """Have a process wait for the next run; does nothing if one does."""
        if self._ready is not None and self._ready.returncode is None:
            return
        self._ready = await asyncio.create_subprocess_exec(
            *self._command,
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
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        talking = asyncio.create_task(process.stderr.read())
        try:
            # One that has ended can't be told anything; what it said last is told below.
            with contextlib.suppress(ConnectionError):
                process.stdin.write(json.dumps(str(documents)).encode() + b"\n")
                await process.stdin.drain()
            said = await process.stdout.read()
            answer = _answer(said)
            if answer is None:
                await process.wait()
                raise _no_report(process, await talking)
        except BaseException:
            if process.returncode is None:
                process.terminate()
            await _leave(process, talking)
            raise
        leaving = asyncio.create_task(_leave(process, talking))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        return answer

    async def close(self) -> None:
        """Let nobody wait any more."""
        process, self._ready = self._ready, None
        if process is not None:
            if process.returncode is None:
                process.terminate()
            await process.communicate()
        await asyncio.gather(*self._leaving)


async def _leave(process: Process, talking: asyncio.Task[bytes]) -> None:
    """Until a process has gone."""
    assert process.stdin is not None
    process.stdin.close()
    await talking
    await process.wait()


def _answer(said: bytes) -> dict[str, Any] | None:
    """What a run said that came to its end."""
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        # The process was killed.
        return None
    return None if answer["status"] == "cancelled" else answer


def _no_report(process: Process, words: bytes) -> RunError:
    last = words.decode("utf-8", "replace").strip()[-LAST_WORDS:]
    return RunError(
        f"docmill run ended with exit code {process.returncode}: {last}",
        remedy="It is tried again.",
    )
