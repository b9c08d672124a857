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
from dataclasses import dataclass
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
    peak: int
    peak_runner: int
    peak_service: int
    stdout: str
    stderr: str


@dataclass
class Peaks:
    """Largest PSS seen, in MiB."""

    everything: int = 0
    runner: int = 0
    service: int = 0


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
) -> Measured:
    """Run a command to its end.

    `service` gives the process that works for it beside it, or 0; `settle` is how many seconds
    after the end its CPU is still counted.
    """
    peaks = Peaks()
    done = threading.Event()
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        service_before = cpu_of_tree(service())
        begun = time.monotonic()
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr)
        watcher = threading.Thread(target=watch, args=(process.pid, service, peaks, done))
        watcher.start()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.monotonic() - begun
        cpu_runner, cpu_children = cpu_times(process.pid)
        code = process.wait()
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
            peak=peaks.everything,
            peak_runner=peaks.runner,
            peak_service=peaks.service,
            stdout=stdout.read(),
            stderr=stderr.read(),
        )


def watch(runner: int, service: Callable[[], int], peaks: Peaks, done: threading.Event) -> None:
    """Sample the memory of the runner, its descendants and the service."""
    while not done.wait(INTERVAL):
        beside = {pid: pss(pid) for pid in descendants(service())}
        sizes = {pid: pss(pid) for pid in descendants(runner)}
        peaks.runner = max(peaks.runner, sizes.get(runner, 0))
        peaks.service = max(peaks.service, sum(beside.values()))
        peaks.everything = max(peaks.everything, sum({**sizes, **beside}.values()))


def descendants(pid: int) -> list[int]:
    """A process and all below it; nothing for 0."""
    if not pid:
        return []
    found: list[int] = []
    waiting = [pid]
    while waiting:
        found.append(waiting.pop())
        for task in Path(f"/proc/{found[-1]}/task").glob("*"):
            try:
                waiting += map(int, (task / "children").read_text().split())
            except OSError:
                continue
    return found


def pss(pid: int) -> int:
    """Proportional set size in MiB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("Pss:")), 0)


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
