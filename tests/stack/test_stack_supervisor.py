"""Parts of a stack: started in order, started again, stopped in time; small programs stand in."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.processes import Process, born, offspring
from docmill.stack.health import end_leftovers, read_status, sole_stack, write_status
from docmill.stack.parts import Part, PartStatus, StackStatus
from docmill.stack.supervisor import Patience, Supervisor

QUICK = Patience(grace=20, first_delay=0.01, longest_delay=0.02, steady=30, poll=0.01)
STAYS = "print('here', flush=True)\nimport signal\nsignal.sigwait({signal.SIGTERM})"


def part(
    name: str,
    program: str,
    *,
    needs: tuple[str, ...] = (),
    once: bool = False,
    drains: bool = False,
    fatal: frozenset[int] = frozenset(),
    ready: Callable[[], bool] | None = None,
) -> Part:
    """A part that runs a few lines of Python."""
    command = (sys.executable, "-I", "-S", "-c", program)
    return Part(name, command, needs=needs, once=once, drains=drains, fatal=fatal, ready=ready)


class Stack:
    """A supervisor whose words are kept, and that is stopped by what is said."""

    def __init__(self, *parts: Part, patience: Patience = QUICK) -> None:
        self.said: list[tuple[str, str]] = []
        self.statuses: list[StackStatus] = []
        self.stop = asyncio.Event()
        self._waits: list[tuple[Callable[[], bool], asyncio.Event]] = []
        self.supervisor = Supervisor(
            parts, say=self._say, publish=self.statuses.append, patience=patience
        )

    def _say(self, name: str, what: str) -> None:
        self.said.append((name, what))
        for condition, event in self._waits:
            if condition():
                event.set()

    async def until(self, name: str, what: str, *, times: int = 1) -> None:
        """Wait until a part has said or done something."""

        def so() -> bool:
            return sum(each == name and what in text for each, text in self.said) >= times

        event = asyncio.Event()
        self._waits.append((so, event))
        if so():
            event.set()
        async with asyncio.timeout(50):
            await event.wait()

    def pid(self, name: str) -> int:
        """The process of a part."""
        return next(p.pid for p in self.supervisor.status().parts if p.name == name)


async def test_parts_start_after_what_they_need_and_stop_before_it() -> None:
    """Server, then what is done once, then the worker; the other way round at the end."""
    stack = Stack(
        part("worker", STAYS, needs=("server", "deploy")),
        part("deploy", "print('deployed')", needs=("server",), once=True),
        part("server", STAYS),
    )
    running = asyncio.create_task(stack.supervisor.run(stack.stop))
    await stack.until("worker", "here")
    stack.stop.set()
    assert await running == 0
    told = [(name, what.partition(":")[0]) for name, what in stack.said]
    starts = [name for name, what in told if what == "starting"]
    ends = [name for name, what in told if what == "stopped"]
    assert starts == ["server", "deploy", "worker"]
    assert ends == ["worker", "server"]
    assert ("deploy", "deployed") in told


async def test_what_dies_is_started_again(tmp_path: Path) -> None:
    """However it died; how often, the status says."""
    stack = Stack(part("worker", STAYS))
    running = asyncio.create_task(stack.supervisor.run(stack.stop))
    await stack.until("worker", "here")
    os.kill(stack.pid("worker"), signal.SIGKILL)
    await stack.until("worker", "here", times=2)
    (status,) = stack.supervisor.status().parts
    stack.stop.set()
    await running
    assert any("ended by SIGKILL; again in 0.01 s" in what for _, what in stack.said)
    assert status.restarts == 1


async def test_what_no_second_start_would_change_ends_the_stack() -> None:
    """Its exit code is the stack's."""
    stack = Stack(
        part("deploy", "raise SystemExit(2)", once=True, fatal=frozenset({2})),
        part("worker", STAYS, needs=("deploy",)),
    )
    assert await stack.supervisor.run(stack.stop) == 2
    assert not any(name == "worker" and "starting" in what for name, what in stack.said)


async def test_what_does_not_end_in_time_is_killed() -> None:
    """With all that it has started."""
    deaf = (
        "import signal, subprocess, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('here', flush=True)\nchild.wait()"
    )
    stack = Stack(part("worker", deaf), patience=Patience(grace=0, poll=0.01))
    running = asyncio.create_task(stack.supervisor.run(stack.stop))
    await stack.until("worker", "here")
    (children,) = offspring(stack.pid("worker"))
    stack.stop.set()
    await running
    assert any("killed" in what for _, what in stack.said)
    assert not any(child.alive for child in children)


async def test_a_worker_is_told_after_what_it_runs(tmp_path: Path) -> None:
    """Its runs get the time to end by themselves; it begins nothing new meanwhile."""
    run = (
        "import signal, pathlib, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
        "print('begun', flush=True)\n"
        "signal.sigwait({signal.SIGTERM})\npathlib.Path(sys.argv[1]).write_text('ended cleanly')"
    )
    worker = (
        "import subprocess, sys, signal\n"
        f"run = subprocess.Popen([sys.executable, '-c', {run!r}, {str(tmp_path / 'end')!r}],"
        " start_new_session=True)\n"
        "signal.sigwait({signal.SIGTERM})\nrun.kill()\nrun.wait()"
    )
    stack = Stack(part("worker", worker, drains=True))
    running = asyncio.create_task(stack.supervisor.run(stack.stop))
    await stack.until("worker", "begun")
    stack.stop.set()
    await running
    assert (tmp_path / "end").read_text() == "ended cleanly"


async def test_a_part_is_starting_until_it_is_ready() -> None:
    """What needs it waits."""
    ready: list[bool] = []
    stack = Stack(
        part("server", STAYS, ready=lambda: bool(ready)), part("worker", STAYS, needs=("server",))
    )
    running = asyncio.create_task(stack.supervisor.run(stack.stop))
    await stack.until("server", "here")
    states = {each.name: each.state for each in stack.supervisor.status().parts}
    ready.append(True)
    await stack.until("worker", "here")
    stack.stop.set()
    await running
    assert states == {"server": "starting", "worker": "waiting"}


def test_there_is_one_stack_per_workspace(tmp_path: Path) -> None:
    """A second one is refused; without any there is no status, whatever file was left."""
    with sole_stack(tmp_path):
        write_status(tmp_path, StackStatus(pid=1, parts=()))
        assert read_status(tmp_path) == StackStatus(pid=1, parts=())
        with pytest.raises(PrerequisiteError, match="runs already"), sole_stack(tmp_path):
            pass
    assert read_status(tmp_path) is None


def test_what_a_killed_stack_left_running_is_ended(tmp_path: Path) -> None:
    """But never a process that only has the number of one of its parts."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    left = PartStatus(name="worker", state="running", pid=child.pid, born=born(child.pid))
    other = PartStatus(name="watch", state="running", pid=os.getpid(), born=1)
    (tmp_path / "stack.json").write_text(
        json.dumps(StackStatus(pid=1, parts=(other, left)).model_dump())
    )
    end_leftovers(tmp_path)
    assert child.wait(30) == -signal.SIGTERM
    assert not Process(child.pid, left.born).alive
