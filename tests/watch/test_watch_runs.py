"""Processes that wait for a drop's run: what they say counts, not how long they take to go."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from docmill.errors import RunError
from docmill.watch.runs import RunsApart

SAY = """
import json, os, sys
documents = json.loads(sys.stdin.readline())
print(json.dumps({"status": "finished", "documents": [documents]}), flush=True)
os.dup2(2, 1)
open("gone", "w").write(sys.stdin.read())
"""
"""A run whose process goes once nobody has anything to tell it any more."""
KILLED = """
import os, signal, sys
sys.stdin.readline()
print('{"status": "fini', end="", flush=True)
print("out of memory", file=sys.stderr, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
CANCELLED = """
import sys
sys.stdin.readline()
print('{"status": "cancelled", "documents": []}')
sys.exit(130)
"""


def is_there(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


@contextlib.asynccontextmanager
async def runs(root: Path, program: str) -> AsyncGenerator[RunsApart]:
    """Runs that are this program."""
    made = RunsApart(root, "p", standby=(sys.executable, "-I", "-S", "-c", program))
    try:
        yield made
    finally:
        await made.close()


async def test_what_a_run_says_is_heard_before_its_process_has_gone(tmp_path: Path) -> None:
    """Closing waits for that, and leaves nobody behind."""
    async with runs(tmp_path, SAY) as apart:
        await apart.prepare()
        await apart.prepare()
        said = await apart.run(tmp_path / "a \n b")
        assert said["documents"] == [str(tmp_path / "a \n b")]
    assert (tmp_path / "gone").is_file()


@pytest.mark.parametrize(
    ("program", "told"),
    [(KILLED, "out of memory"), (CANCELLED, "130")],
    ids=["killed", "cancelled"],
)
async def test_a_run_without_a_report_is_tried_again(
    tmp_path: Path, program: str, told: str
) -> None:
    """Half an answer is none, nor is that of a run that was stopped; its last words are told."""
    async with runs(tmp_path, program) as apart:
        with pytest.raises(RunError, match=told) as raised:
            await apart.run(tmp_path)
    assert raised.value.remedy == "It is tried again."


WAITS = """
import os, time
with open("sign", "w") as sign:
    sign.write(str(os.getpid()))
time.sleep(600)
"""
"""A process that says who it is, and then gets ready for longer than anybody has time."""


async def test_one_that_is_not_needed_after_all_is_told_to_end(tmp_path: Path) -> None:
    """It needn't get ready first."""
    os.mkfifo(tmp_path / "sign")
    async with runs(tmp_path, WAITS) as apart:
        await apart.prepare()
        pid = int(await asyncio.to_thread((tmp_path / "sign").read_text))
    assert not is_there(pid)


async def test_a_watcher_that_is_stopped_stops_the_run(tmp_path: Path) -> None:
    """The next one goes on with it."""
    os.mkfifo(tmp_path / "sign")
    async with runs(tmp_path, WAITS) as apart:
        run = asyncio.create_task(apart.run(tmp_path))
        pid = int(await asyncio.to_thread((tmp_path / "sign").read_text))
        run.cancel()
        await asyncio.wait({run})
        assert run.cancelled()
        assert not is_there(pid)
