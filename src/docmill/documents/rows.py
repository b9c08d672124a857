"""Visual rows of a page: words → lines by vertical overlap → cells by gaps.

`columns` decides where a page has text columns; rows of different columns are never joined.
Nothing here knows labels, values or fields.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from docmill.documents.columns import Region, split_columns
from docmill.documents.layout import Page, Word
from docmill.records.values import Box

# `[%]0.15`: a unit in brackets stuck to the number after it.
_STUCK = re.compile(r"^(.*[\])])([-+<>=≤≥]{0,2}\d.*)$")
_SAME_LINE = 0.3
"""Largest distance of two words' centres on one line, as a share of the line's height; cells
centred beside two lines of text stand 0.37 away in tightly set tables."""
_RAISED = 0.4
"""The same for words much smaller than the line: indices, exponents, footnote marks."""
_INDEX = 0.55
"""Largest distance of an index from its line, as a share of the line's height."""
_GAP = 0.72
"""Smallest gap between two cells, as a share of the line's height; a space is about 0.25."""
_AROUND = 4
"""Lines above and below that show where columns begin."""
_VALUE_START = re.compile(r"^[<>=≤≥±+\-−~]*\d|^[A-Z]\d{2}(?:\.\d)?$")
"""A number, or the code of an entry after EN 10168."""
_SHARED_STARTS = 4

REMEMBERED_PAGES = 64


class Cell(NamedTuple):
    """Words of one line that stand close together, left to right."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words with one space between them."""
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        """Union of the words' boxes."""
        return union(self.words)

    @property
    def x0(self) -> float:
        """Left edge."""
        return self.words[0].x0

    @property
    def x1(self) -> float:
        """Right edge."""
        return max(word.x1 for word in self.words)


class Row(NamedTuple):
    """One visual line of a text column."""

    page: int
    block: int
    """Number of the text column the row belongs to; rows of one block are neighbours."""
    y0: float
    y1: float
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        """All cells with one space between words."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def height(self) -> float:
        """Height of the line's boxes in points."""
        return self.y1 - self.y0


def union(words: Iterable[Word]) -> Box:
    """The smallest box around the words (at least one)."""
    boxes = [word.box for word in words]
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


@lru_cache(maxsize=REMEMBERED_PAGES)
def page_rows(page: Page) -> tuple[Row, ...]:
    """Rows of a page in reading order: top to bottom, text column by text column.

    The last pages are remembered: prompt and extraction both ask for the same ones.
    """
    lines = _at_column_starts([_with_cells(line) for line in _lines(page.words)])
    rows: list[Row] = []
    for number, region in enumerate(split_columns([_extents(line) for line in lines])):
        rows += _region_rows(page.number, number, region, lines)
    return tuple(rows)


def row_text(page: Page) -> str:
    """The page for a language model: a line per row, cells divided by ` | `."""
    parts: list[str] = []
    block = 0
    for row in page_rows(page):
        if row.block != block:
            parts.append("")
            block = row.block
        parts.append(" | ".join(cell.text for cell in row.cells))
    return "\n".join(parts)


def _region_rows(page: int, block: int, region: Region, lines: list[list[Cell]]) -> Iterable[Row]:
    for index in region.lines:
        cells = tuple(c for c in lines[index] if region.x0 <= (c.x0 + c.x1) / 2 < region.x1)
        if cells:
            words = [word for cell in cells for word in cell.words]
            box = union(words)
            yield Row(page, block, box[1], box[3], cells)


def _extents(cells: list[Cell]) -> list[tuple[float, float, str]]:
    return [(cell.x0, cell.x1, cell.text) for cell in cells]


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """Words grouped by the line they stand on, top to bottom, each from left to right."""
    whole = [part for word in words if word.text.strip() for part in _unstuck(word)]
    whole.sort(key=lambda word: (word.y0 + word.y1, word.x0))
    lines: list[list[Word]] = []
    centres: list[tuple[float, float]] = []  # centre and height of each line's first full word
    for word in whole:
        centre, height = (word.y0 + word.y1) / 2, max(word.y1 - word.y0, 0.1)
        place = _line_of(centres, centre, height)
        if place is None:
            centres.append((centre, height))
            lines.append([word])
            continue
        lines[place].append(word)
        if height > centres[place][1]:
            centres[place] = (centre, height)
    order = sorted(range(len(lines)), key=lambda index: centres[index][0])
    return _with_indices([sorted(lines[i], key=lambda w: w.x0) for i in order])


def _with_indices(lines: list[list[Word]]) -> list[list[Word]]:
    """Lines again, those that are mere indices of the line before (`V` and `OH`) set into it."""
    result: list[list[Word]] = []
    for line in lines:
        if result and _hangs_on(line, result[-1]):
            result[-1] = sorted([*result[-1], *line], key=lambda word: word.x0)
        else:
            result.append(line)
    return result


def _hangs_on(line: list[Word], above: list[Word]) -> bool:
    height = above[0].y1 - above[0].y0
    offset = (line[0].y0 + line[0].y1 - above[0].y0 - above[0].y1) / 2
    if offset > _INDEX * height:
        return False
    if not any(abs(line[0].x0 - word.x1) <= 0.12 * height for word in above):
        return False
    return not any(a.x0 < w.x1 - 0.5 and w.x0 < a.x1 - 0.5 for w in line for a in above)


def _line_of(centres: list[tuple[float, float]], centre: float, height: float) -> int | None:
    """The nearest of the last lines whose centre is close enough; words come sorted by centre."""
    best: int | None = None
    nearest = 0.0
    for index in range(len(centres) - 1, max(len(centres) - 4, -1), -1):
        distance = abs(centres[index][0] - centre)
        share = _RAISED if height < 0.8 * centres[index][1] else _SAME_LINE
        limit = share * centres[index][1]
        if distance <= limit and (best is None or distance < nearest):
            best, nearest = index, distance
    return best


def _unstuck(word: Word) -> Iterable[Word]:
    match = _STUCK.match(word.text) if len(word.text) < 40 else None
    if match is None or "(" in match[2]:
        return (word,)
    cut = word.x0 + (word.x1 - word.x0) * len(match[1]) / len(word.text)
    return (
        Word(match[1], word.x0, word.y0, cut, word.y1),
        Word(match[2], cut, word.y0, word.x1, word.y1),
    )


def _with_cells(line: list[Word]) -> list[Cell]:
    height = max(word.y1 - word.y0 for word in line)
    cells: list[list[Word]] = [[line[0]]]
    right = line[0].x1
    for word in line[1:]:
        stuck = cells[-1][-1].text[-1:] in "])" and word.x0 == cells[-1][-1].x1
        if word.x0 - right > _GAP * height or stuck:
            cells.append([])
        cells[-1].append(word)
        right = max(right, word.x1)
    return [Cell(tuple(words)) for words in cells]


def _at_column_starts(lines: list[list[Cell]]) -> list[list[Cell]]:
    """Cells cut again where a column of the lines around begins with a mere space before it."""
    return [
        _cut_line(line, _column_starts(lines, index))
        if any(len(cell.words) > 1 for cell in line)
        else line
        for index, line in enumerate(lines)
    ]


def _cut_line(line: list[Cell], starts: list[float]) -> list[Cell]:
    """Cut before values; before any word if the line is a row of the same table as the others."""
    others = [_nearest(starts, cell.x0) for cell in line[1:]]
    same = sum(others) >= _SHARED_STARTS or (len(others) >= 2 and all(others))
    return [part for cell in line for part in _cut(cell, starts, anywhere=same)]


def _column_starts(lines: Sequence[Sequence[Cell]], index: int) -> list[float]:
    """Left edges at which at least two cells of the lines around begin after a gap, ascending."""
    around = [*lines[max(0, index - _AROUND) : index], *lines[index + 1 : index + 1 + _AROUND]]
    edges = sorted(cell.x0 for line in around for cell in line[1:])
    starts: list[float] = []
    place = 0
    while place < len(edges):
        end = bisect_left(edges, edges[place] + 1.0)
        if end - place >= 2:
            starts.append(sum(edges[place:end]) / (end - place))
        place = end
    return starts


def _cut(cell: Cell, starts: list[float], *, anywhere: bool) -> Iterable[Cell]:
    begin = 0
    for index in range(1, len(cell.words)):
        word = cell.words[index]
        if _nearest(starts, word.x0) and (anywhere or _VALUE_START.match(word.text)):
            yield Cell(cell.words[begin:index])
            begin = index
    yield Cell(cell.words[begin:])


def _nearest(starts: list[float], x: float) -> bool:
    """Whether a column begins at `x`."""
    place = bisect_left(starts, x - 0.8)
    return place < len(starts) and starts[place] <= x + 0.8
