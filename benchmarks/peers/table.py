"""The tables, and the bars beside the figures they are for."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from benchmarks.measuring import Measured
from benchmarks.peers.rows import Figures

COLUMNS = (
    f"{'window':>8}{'x bare':>8}{'wall s':>8}{'CPU s':>8}{'all':>7}{'MiB':>7}{'all':>7}{'calls':>7}"
)


class Middle(NamedTuple):
    """Medians of a row's runs, each figure by itself."""

    window: float
    calls: int
    wall: float
    cpu: float
    cpu_runner: float
    cpu_service: float
    cpu_helper: float
    peak: int
    peak_runner: int
    course: tuple[int, ...]
    """The runner's largest memory in each quarter of its last run."""


class Bar(NamedTuple):
    """A figure and what it may be at most."""

    what: str
    figure: float
    limit: float
    unit: str


def middle(runs: Sequence[Figures]) -> Middle:
    """The medians of one row."""
    measured: list[Measured] = [run.measured for run in runs]
    return Middle(
        window=median(run.window for run in runs),
        calls=int(median(run.calls for run in runs)),
        wall=median(one.wall for one in measured),
        cpu=median(one.cpu for one in measured),
        cpu_runner=median(one.cpu_runner for one in measured),
        cpu_service=median(one.cpu_service for one in measured),
        cpu_helper=median(one.cpu_helper for one in measured),
        peak=int(median(one.peak for one in measured)),
        peak_runner=int(median(one.peak_runner for one in measured)),
        course=_quarters(measured[-1].course),
    )


def _quarters(samples: Sequence[int]) -> tuple[int, ...]:
    edges = [len(samples) * quarter // 4 for quarter in range(5)]
    return tuple(max(samples[a:b], default=0) for a, b in pairwise(edges))


def line(label: str, row: Middle, bare: Middle, *, documents: int) -> str:
    """One line under `COLUMNS`: the runner's CPU and memory, then those of all processes."""
    return (
        f"{label:<24}{row.window:>8.2f}{row.window / bare.window:>8.2f}{row.wall:>8.1f}"
        f"{row.cpu_runner:>8.1f}{row.cpu:>7.1f}{row.cpu_runner / documents * 1000:>8.1f}"
        f"{row.peak_runner:>7}{row.peak:>7}{row.calls:>7}"
    )


def parts(row: Middle) -> str:
    """Where docmill's CPU went, and how its memory went on."""
    sandboxes = row.cpu - row.cpu_runner - row.cpu_service - row.cpu_helper
    quarters = ", ".join(map(str, row.course))
    return (
        f"  CPU s: runner {row.cpu_runner:.1f}, sandboxes {sandboxes:.1f}, Prefect's client "
        f"{row.cpu_helper:.1f} and server {row.cpu_service:.1f}\n"
        f"  runner's memory by quarters of the run: {quarters} MiB"
    )


def one_call_bars(row: Middle, bare: Middle, *, documents: int) -> list[Bar]:
    """What one call a document may cost."""
    above = (row.cpu_runner - bare.cpu_runner) / documents * 1000
    return [
        Bar("model window over the bare loop's", row.window / bare.window, 1.2, "x"),
        Bar("runner's CPU above the bare loop's, a document", above, 20, "ms"),
        Bar("runner's memory", row.peak_runner, 250, "MiB"),
        Bar("CPU of all processes, 200 documents", row.cpu * 200 / documents, 10, "s"),
        Bar("memory of all processes", row.peak, 550, "MiB"),
    ]


def many_turns_bars(row: Middle, bare: Middle) -> list[Bar]:
    """What a call may cost in a conversation of several."""
    above = (row.cpu_runner / row.calls - bare.cpu_runner / bare.calls) * 1000
    return [Bar("runner's CPU above the bare loop's, a call", above, 12, "ms")]


def show_bars(bars: Sequence[Bar]) -> None:
    """Each bar with its figure."""
    for bar in bars:
        kept = "kept" if bar.figure <= bar.limit else "MISSED"
        print(
            f"  {bar.what:<50}{bar.figure:>8.2f} {bar.unit:<4}"
            f"at most {bar.limit:g} {bar.unit}: {kept}",
            flush=True,
        )
