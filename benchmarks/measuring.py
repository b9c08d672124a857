"""What a command costs: wall and CPU seconds and peaks of memory, of one process and of all.

Neighbours: `batch` and `peers` decide what is run. CPU of the command alone is read when it has
ended and before it is reaped, so nothing of it is lost to a sampling interval.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

INTERVAL = 0.25
TICKS = os.sysconf("SC_CLK_TCK")


class Measured(NamedTuple):
    """One command, run once. CPU is user and system time in seconds, memory is PSS in MiB."""

    code: int
    wall: float
    cpu: float
    """All processes: the command, its descendants, the service beside it."""
    cpu_runner: float
    """The command's own process."""
    cpu_service: float
    """The service beside it, over the time of the command."""
    cpu_helper: float
    """The child whose command line has `helper` in it, as last seen."""
    peak: int
    peak_runner: int
    peak_service: int
    course: tuple[int, ...]
    """The runner's memory, sample by sample."""
    held: tuple[int, ...]
    """The part of it that is no file's: other processes that map the same files don't change it."""
    stdout: str
    stderr: str


@dataclass
class Seen:
    """What sampling saw: largest PSS in MiB, and CPU seconds of the helper."""

    everything: int = 0
    service: int = 0
    helper: float = 0.0
    course: list[int] = field(default_factory=list[int])
    held: list[int] = field(default_factory=list[int])


def no_service() -> int:
    """Nothing runs beside the command."""
    return 0


def measure(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    service: Callable[[], int] = no_service,
    settle: float = 0.0,
    helper: str = "",
    timeout: float = 3600.0,
) -> Measured:
    """Run a command to its end.

    `service` gives the process that works for it beside it, or 0; `settle` is how many seconds
    after the end its CPU is still counted. `helper` names a child whose CPU is told apart.
    After `timeout` seconds the command is killed.
    """
    seen = Seen()
    done = threading.Event()
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        service_before = cpu_of_tree(service())
        begun = time.monotonic()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr)
        watcher = threading.Thread(target=watch, args=(process.pid, service, helper, seen, done))
        watcher.start()
        patience = threading.Timer(timeout, process.kill)
        patience.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.monotonic() - begun
        cpu_runner, cpu_children = cpu_times(process.pid)
        code = process.wait()
        patience.cancel()
        done.set()
        watcher.join()
        time.sleep(settle)
        cpu_service = cpu_of_tree(service()) - service_before
        stdout.seek(0)
        stderr.seek(0)
        return Measured(
            code=code,
            wall=wall,
            cpu=cpu_runner + cpu_children + cpu_service,
            cpu_runner=cpu_runner,
            cpu_service=cpu_service,
            cpu_helper=seen.helper,
            peak=seen.everything,
            peak_runner=max(seen.course, default=0),
            peak_service=seen.service,
            course=tuple(seen.course),
            held=tuple(seen.held),
            stdout=stdout.read(),
            stderr=stderr.read(),
        )


def watch(
    runner: int, service: Callable[[], int], helper: str, seen: Seen, done: threading.Event
) -> None:
    """Sample the runner, its descendants and the service until it is done."""
    while not done.wait(INTERVAL):
        beside = {pid: pss(pid) for pid in descendants(service())}
        sizes = {pid: pss(pid) for pid in descendants(runner)}
        seen.course.append(sizes.get(runner, 0))
        seen.held.append(pss(runner, "Pss_Anon:"))
        seen.service = max(seen.service, sum(beside.values()))
        seen.everything = max(seen.everything, sum({**sizes, **beside}.values()))
        if helper:
            helping = (sum(cpu_times(pid)) for pid in sizes if helper in command_line(pid))
            seen.helper = max(seen.helper, *helping, 0.0)


def command_line(pid: int) -> str:
    """Command line of a process; empty if it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def descendants(pid: int) -> list[int]:
    """A process and all below it; nothing for 0."""
    if not pid:
        return []
    found: list[int] = []
    waiting = [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += _children(found[-1])
    return found


def _children(pid: int) -> list[int]:
    """Children of a process, whichever of its threads started them; none once it has gone."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except OSError:
        pass
    return found


def pss(pid: int, part: str = "Pss:") -> int:
    """Proportional set size in MiB, or a part of it as the kernel names it; 0 once it has gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith(part)), 0)


def cpu_times(pid: int) -> tuple[float, float]:
    """CPU seconds of a process so far, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return own / TICKS, ended / TICKS


def cpu_of_tree(pid: int) -> float:
    """CPU seconds so far of a process and all below it."""
    return sum(sum(cpu_times(one)) for one in descendants(pid))
