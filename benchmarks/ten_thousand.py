"""Whether a run of 10,000 documents costs per document what one of 100 does, and what it leaves.

Usage: `python -m benchmarks.ten_thousand [DOCUMENTS ...]` (100, 1,000 and 10,000 by default; some
20 to 25 minutes on two quiet cores). Each row is one `docmill run` with the embedded model over
distinct documents, in a workspace and with a Prefect server of its own. The bars: CPU per document
at most 1.15 times that of the first row; the runner at most 300 MiB, Prefect's server at most 450
MiB, and memory flat: the most that the runner ever holds is a quarter more than what it held when
a third was done.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.batch import DOCMILL, make_batch, run_once
from benchmarks.measuring import Measured

RATIO, RUNNER, SERVER, GROWTH = 1.15, 300, 450, 1.25
"""The bars: times the first row, MiB, MiB, times the memory of a third of the run. What judges and
reports is loaded at the end and takes 15 to 20 MiB, whatever the batch."""
KILO = 1024


class Left(NamedTuple):
    """Bytes a run has left behind."""

    prefect: int
    """Prefect's database with its log."""
    store: int
    blobs: int
    report: dict[str, int]
    """By file; `pages` are the pictures beside the report."""


class Row(NamedTuple):
    """One run."""

    documents: int
    measured: Measured
    left: Left

    @property
    def cpu_each(self) -> float:
        """CPU seconds per document, of all processes."""
        return self.measured.cpu / self.documents

    @property
    def growth(self) -> float:
        """The most the runner held, judging and reporting included, as a multiple of what it held
        when a third was done."""
        held = self.measured.held
        third, tenth = len(held) // 3, max(1, len(held) // 10)
        early = held[third : third + tenth]
        return max(held) / _mean(early) if early else 1.0


def main() -> int:
    """Print a table and what each document leaves; 1 if a bar isn't met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", nargs="*", type=int, default=[100, 1_000, 10_000])
    numbers: list[int] = parser.parse_args().documents
    rows: list[Row] = []
    print(
        f"{'documents':>9}{'wall s':>9}{'CPU s':>9}{'ms each':>9}{'runner':>8}{'server':>8}"
        f"{'ratio':>7}{'MiB':>6}{'server':>8}{'growth':>8}"
    )
    for number in numbers:
        rows.append(run(number))
        show(rows[-1], rows[0])
    for row in rows:
        tell_left(row)
    missed = list(misses(rows))
    for line in missed:
        print(f"MISSED: {line}")
    return int(bool(missed))


def run(number: int) -> Row:
    """One run from nothing; its workspace is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="docmill-bench-") as folder:
        workspace = make_batch(Path(folder) / "workspace", number)
        try:
            measured = run_once(workspace)
            return Row(checked(number, measured), measured, left_by(workspace))
        finally:
            subprocess.run([DOCMILL, "prefect", "stop"], cwd=workspace, check=False)


def checked(number: int, measured: Measured) -> int:
    """The number of documents, if the run has done so many."""
    told = json.loads(measured.stdout)
    done = sum(told["counts"].values()) if "counts" in told else len(told["documents"])
    if done != number:
        raise SystemExit(f"{done} of {number} documents were done:\n{measured.stderr[-2000:]}")
    return number


def left_by(workspace: Path) -> Left:
    """What lies on the disk; logs of databases count."""
    state = workspace / ".docmill"
    (report,) = (workspace / "reports" / "spec-check").glob("run-*")
    sizes = {path.name: size_of(path) for path in report.iterdir()}
    return Left(
        prefect=sum(map(size_of, (state / "prefect").rglob("*.db*"))),
        store=sum(map(size_of, state.glob("store.db*"))),
        blobs=size_of(state / "blobs"),
        report=sizes,
    )


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def show(row: Row, first: Row) -> None:
    """One line of the table; CPU of runner and server in milliseconds a document."""
    measured = row.measured
    each = 1000 / row.documents
    print(
        f"{row.documents:>9,}{measured.wall:>9.1f}{measured.cpu:>9.1f}{1000 * row.cpu_each:>9.1f}"
        f"{measured.cpu_runner * each:>8.1f}{measured.cpu_service * each:>8.1f}"
        f"{row.cpu_each / first.cpu_each:>7.2f}{measured.peak_runner:>6}{measured.peak_service:>8}"
        f"{row.growth:>8.2f}",
        flush=True,
    )


def tell_left(row: Row) -> None:
    """Bytes per document, and the size of the report's files."""
    left, number = row.left, row.documents
    print(
        f"{number:,} documents leave per document: Prefect {left.prefect / number / KILO:.1f} kB, "
        f"store {left.store / number / KILO:.1f} kB, blobs {left.blobs / number / KILO:.1f} kB, "
        f"report {sum(left.report.values()) / number / KILO:.1f} kB"
    )
    files = [f"{name} {size / KILO / KILO:.1f} MB" for name, size in sorted(left.report.items())]
    print(f"  {', '.join(files)}")


def misses(rows: Sequence[Row]) -> Iterator[str]:
    """The bars that aren't met."""
    for row in rows:
        number, measured = row.documents, row.measured
        if row.cpu_each > RATIO * rows[0].cpu_each:
            yield f"{number:,} documents cost more than {RATIO} times as much each as the first"
        if measured.peak_runner > RUNNER:
            yield f"{number:,} documents: the runner took {measured.peak_runner} MiB"
        if measured.peak_service > SERVER:
            yield f"{number:,} documents: Prefect's server took {measured.peak_service} MiB"
        if number >= 1_000 and row.growth > GROWTH:
            yield f"{number:,} documents: the runner's memory grew {row.growth:.2f} times"


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


if __name__ == "__main__":
    sys.exit(main())
