"""What a whole run costs: N distinct documents from YAML to report, cold, warm and all cached.

Usage: `python benchmarks/batch.py [DOCUMENTS ...]` (200 by default). Each row is one `docmill run`
in a workspace of its own: wall and CPU seconds, and the peak of memory (PSS, all processes and the
runner alone). The documents are those of `sample_data/spec-check` that can be read, each made
distinct by a comment after its end.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from docmill.scaffold import make_workspace

UNREADABLE = ("protected", "scan_", "upload-0", "nameplate", "0120", "_Kopie")
INTERVAL = 0.25


class Row(NamedTuple):
    """One measured run."""

    label: str
    wall: float
    cpu: float
    peak_all: int
    peak_runner: int
    peak_server: int


@dataclass
class Peaks:
    """Largest PSS seen, in MiB."""

    everything: int = 0
    runner: int = 0
    server: int = 0


def make_batch(folder: Path, number: int) -> Path:
    """A workspace with `number` distinct readable reports."""
    make_workspace(folder)
    samples = folder / "sample_data" / "spec-check" / "documents"
    sources = [
        path
        for path in sorted(samples.glob("*.pdf"))
        if not any(part in path.name for part in UNREADABLE)
    ]
    contents = [path.read_bytes() for path in sources]
    shutil.rmtree(samples)
    samples.mkdir()
    for index in range(number):
        content = contents[index % len(contents)]
        (samples / f"report-{index:05d}.pdf").write_bytes(content + b"\n%% copy %d\n" % index)
    return folder


def measure(workspace: Path, label: str) -> Row:
    """Run `spec-check` once and watch its processes and the server's."""
    peaks = Peaks()
    done = threading.Event()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    server_before = cpu_of(server_pid(workspace))
    begun = time.monotonic()
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("docmill")), "run", "spec-check", "--json"],
        cwd=workspace,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watcher = threading.Thread(target=watch, args=(process.pid, workspace, peaks, done))
    watcher.start()
    _, talk = process.communicate()
    wall = time.monotonic() - begun
    done.set()
    watcher.join()
    if process.returncode not in (0, 1):
        raise SystemExit(f"docmill run ended with {process.returncode}:\n{talk[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    cpu += cpu_of(server_pid(workspace)) - server_before
    return Row(label, wall, cpu, peaks.everything, peaks.runner, peaks.server)


def watch(runner: int, workspace: Path, peaks: Peaks, done: threading.Event) -> None:
    """Sample the memory of the runner, its descendants and the workspace's server."""
    while not done.wait(INTERVAL):
        sizes = {pid: pss(pid) for pid in descendants(runner)}
        server = sum(pss(pid) for pid in descendants(server_pid(workspace)))
        peaks.runner = max(peaks.runner, sizes.get(runner, 0))
        peaks.server = max(peaks.server, server)
        peaks.everything = max(peaks.everything, sum(sizes.values()) + server)


def server_pid(workspace: Path) -> int:
    """Process of the workspace's Prefect server; 0 if none runs."""
    try:
        pid = int((workspace / ".docmill/prefect/server.lock").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pid if Path(f"/proc/{pid}").exists() else 0


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
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


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", nargs="*", type=int, default=[200])
    numbers: list[int] = parser.parse_args().documents
    print(f"{'run':<34}{'wall s':>8}{'CPU s':>8}{'all MiB':>9}{'runner':>8}{'server':>8}")
    for number in numbers:
        with tempfile.TemporaryDirectory(prefix="docmill-bench-") as folder:
            workspace = make_batch(Path(folder) / "workspace", number)
            try:
                for label in ("cold server", "all cached, server up"):
                    show(measure(workspace, f"{number} documents, {label}"))
                shutil.rmtree(workspace / ".docmill/blobs")
                (workspace / ".docmill/store.db").unlink()
                show(measure(workspace, f"{number} documents, server up"))
            finally:
                docmill = str(Path(sys.executable).with_name("docmill"))
                subprocess.run([docmill, "prefect", "stop"], cwd=workspace, check=False)


def show(row: Row) -> None:
    """One line of the table."""
    print(
        f"{row.label:<34}{row.wall:>8.1f}{row.cpu:>8.1f}"
        f"{row.peak_all:>9}{row.peak_runner:>8}{row.peak_server:>8}",
        flush=True,
    )


if __name__ == "__main__":
    main()
