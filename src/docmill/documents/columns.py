"""Whether a page is set in two text columns, and where they part.

A table has gutters too; only signs of independent text on both sides part a region: prose,
bullets, or two lists of labels and values side by side. Used by `rows`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

Extent = tuple[float, float, str]
"""Left edge, right edge and text of a cell."""
_MIN_LINES = 4
_MIN_GUTTER = 9.0
_BULLETS = "•▪■◦‣–−-*·"
_VALUE = re.compile(r"^[<>=≤≥±+\-−~]*\s*\d|^(?:max|min|typ)\b", re.IGNORECASE)
_PROSE_WORDS = 5
_PROSE_LINES = 8
_BESIDE_PROSE = 5


_Gap = tuple[float, float]
"""Left and right edge of free space."""


class Region(NamedTuple):
    """Lines that belong together, and the strip of the page they are read in."""

    lines: tuple[int, ...]
    x0: float
    x1: float


class _Gutter(NamedTuple):
    first: int
    last: int
    x: float


def split_columns(lines: Sequence[Sequence[Extent]]) -> list[Region]:
    """Regions of a page in reading order; together they hold every cell exactly once."""
    regions: list[Region] = []
    start = 0
    for gutter in _gutters(lines):
        _add_full(regions, start, gutter.first)
        span = tuple(range(gutter.first, gutter.last + 1))
        regions.append(Region(span, float("-inf"), gutter.x))
        regions.append(Region(span, gutter.x, float("inf")))
        start = gutter.last + 1
    _add_full(regions, start, len(lines))
    return regions


def _add_full(regions: list[Region], first: int, end: int) -> None:
    if end > first:
        regions.append(Region(tuple(range(first, end)), float("-inf"), float("inf")))


def _gutters(lines: Sequence[Sequence[Extent]]) -> Iterator[_Gutter]:
    """Runs of lines parted by one gutter, without overlap, top to bottom."""
    if not any(lines):
        return
    left = min(cell[0] for line in lines for cell in line)
    right = max(cell[1] for line in lines for cell in line)
    width = right - left
    low, high = left + 0.3 * width, left + 0.7 * width
    gaps = [_gaps(line, low, high) for line in lines]
    after = 0
    while after < len(lines):
        found = _longest(lines, gaps, after)
        if found is None:
            return
        yield found
        after = found.last + 1


def _longest(
    lines: Sequence[Sequence[Extent]], gaps: Sequence[list[_Gap]], start: int
) -> _Gutter | None:
    """The first run of lines from `start` on that a gutter through their gaps parts."""
    for first in range(start, len(lines)):
        common = gaps[first]
        last = first
        for index in range(first + 1, len(lines)):
            narrowed = _common(common, gaps[index])
            if not narrowed:
                break
            common, last = narrowed, index
        if last - first + 1 < _MIN_LINES:
            continue
        x = max(common, key=lambda gap: gap[1] - gap[0])
        run = lines[first : last + 1]
        cut = (x[0] + x[1]) / 2
        if _independent(run, cut):
            return _Gutter(first, last, cut)
    return None


def _gaps(line: Sequence[Extent], low: float, high: float) -> list[_Gap]:
    """Free intervals of a line between `low` and `high`, at least a gutter wide."""
    gaps: list[_Gap] = []
    edge = low
    for x0, x1, _ in line:
        if x0 - edge >= _MIN_GUTTER:
            gaps.append((edge, min(x0, high)))
        edge = max(edge, x1)
    if high - edge >= _MIN_GUTTER:
        gaps.append((edge, high))
    return [gap for gap in gaps if gap[1] - gap[0] >= _MIN_GUTTER]


def _common(one: list[_Gap], other: list[_Gap]) -> list[_Gap]:
    found: list[_Gap] = []
    for a0, a1 in one:
        for b0, b1 in other:
            x0, x1 = max(a0, b0), min(a1, b1)
            if x1 - x0 >= _MIN_GUTTER:
                found.append((x0, x1))
    return found


def _independent(run: Sequence[Sequence[Extent]], cut: float) -> bool:
    """Whether the text left and right of `cut` is read apart."""
    left = [line for line in ([c for c in cells if c[1] <= cut] for cells in run) if line]
    right = [line for line in ([c for c in cells if c[0] >= cut] for cells in run) if line]
    if min(len(left), len(right)) < _MIN_LINES:
        return False
    if all(_share(side, _bulleted) >= 0.4 for side in (left, right)):
        return True
    if min(len(left), len(right)) >= _BESIDE_PROSE and any(
        len(side) >= _PROSE_LINES and _is_prose(side) for side in (left, right)
    ):
        return True
    return all(_share(side, _label_value) >= 0.6 for side in (left, right))


def _share(side: list[list[Extent]], test: Callable[[list[Extent]], bool]) -> float:
    return sum(1 for line in side if test(line)) / len(side)


def _bulleted(line: list[Extent]) -> bool:
    return line[0][2][:1] in _BULLETS and line[0][2][1:2] in ("", " ")


def _is_prose(side: list[list[Extent]]) -> bool:
    """Most lines are one long cell reaching as far right as the others, and sentences run on."""
    edge = max(line[-1][1] for line in side)
    start = min(line[0][0] for line in side)
    full = [
        line
        for line in side
        if len(line) == 1
        and len(line[0][2].split()) >= _PROSE_WORDS
        and line[0][1] - start >= 0.8 * (edge - start)
    ]
    running = _share(side, lambda line: line[0][2][:1].islower())
    return len(full) >= 0.6 * len(side) and running >= 0.3


def _label_value(line: list[Extent]) -> bool:
    if len(line) != 2:
        return False
    return not _VALUE.match(line[0][2]) and bool(_VALUE.match(line[1][2]))
