"""Headings of tables whose columns are fields: which line, whose columns, how far they reach.

A heading may take three lines, and is often repeated on the next page. Used by `groups`.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from docmill.documents.layout import Word
from docmill.documents.text import normalise
from docmill.models.rules.labels import CLOSE, Hit
from docmill.models.rules.roles import Column, nearest_column
from docmill.models.rules.sheet import Line, Sheet, Spot
from docmill.quantities.convert import compatible
from docmill.quantities.units import canonical_unit
from docmill.spec.fields import Field

_VALUE = re.compile(r"^[<>=≤≥±+\-−~]*[.,]?\d")
_DASH = re.compile(r"^[-–—−./\s*]+$")
_MARGIN = 24.0
"""Points a cell may stand beside the headings of the outer columns."""
_LINES = 3
"""Lines a heading may take."""
_CAPTION = 3
"""Lines above a heading among which its caption is looked for."""


@dataclass(frozen=True)
class Heading:
    """The heading of one table."""

    first: int
    last: int
    """First and last line of the heading."""
    end: int
    """Line behind the last one that may belong to the table."""
    columns: tuple[Column, ...]
    names: tuple[str, ...]
    """Fields that have a column, left to right."""
    places: Mapping[int, str]
    """Index of a column → its field."""
    hits: Mapping[str, Hit]
    caption: tuple[Word, ...]
    """Words of the lines above: `Heat analysis [%]`."""

    def part_of(self, line: Line) -> Line | None:
        """The cells of a line that stand in the table's width; None if there are none."""
        left, right = self.columns[0].x0 - _MARGIN, self.columns[-1].x1 + _MARGIN
        spots = tuple(spot for spot in line.spots if spot.x1 > left and spot.x0 < right)
        if not spots:
            return None
        return line if len(spots) == len(line.spots) else replace(line, spots=spots)

    def cells(self, line: Line) -> dict[str, list[Spot]]:
        """Cells of a line by field; those of other columns, and dashes, are left out."""
        found: dict[str, list[Spot]] = {}
        for spot in line.spots:
            name = self._name_of(spot)
            if name is not None and not _DASH.match(spot.text):
                found.setdefault(name, []).append(spot)
        return found

    def dashed(self, line: Line) -> set[str]:
        """Fields whose column holds a dash: known to be empty."""
        names = {self._name_of(spot) for spot in line.spots if _DASH.match(spot.text)}
        return {name for name in names if name is not None}

    def label(self, name: str) -> tuple[Word, ...]:
        """Words of a column's heading."""
        return self.hits[name].words

    def text(self, name: str) -> str:
        """Text of a column's heading cell, with its unit."""
        if name not in self.hits:
            return ""
        return " ".join(spot.text for spot in self.hits[name].spots)

    def _name_of(self, spot: Spot) -> str | None:
        column = nearest_column(self.columns, spot)
        return self.places.get(self.columns.index(column)) if column is not None else None


def find_headings(
    sheet: Sheet, hits: Mapping[str, Sequence[Hit]], fields: Mapping[str, Field]
) -> list[Heading]:
    """Headings with columns for at least two of the fields, in reading order.

    One of them has to be a required field, unless the table goes on beside an earlier one.
    """
    by_line: dict[int, list[Hit]] = {}
    for several in hits.values():
        for hit in several:
            if hit.strength >= CLOSE and not hit.rest and not hit.marked:
                by_line.setdefault(hit.spot.row, []).append(hit)
    wanted = min(2, len(fields))
    keys = {name for name, part in fields.items() if part.required} or set(fields)
    known: set[str] = set()
    headings: list[Heading] = []
    after = 0
    for index in sorted(by_line):
        if index < after:
            continue
        heading = _heading(sheet, index, by_line, wanted)
        if heading is None:
            continue
        names = set(heading.names)
        if keys & names or (headings and not names & known):
            headings.append(heading)
            after = heading.last + 1
            known |= names
    return [_limited(heading, headings, sheet) for heading in headings]


def caption_above(sheet: Sheet, index: int) -> tuple[Word, ...]:
    """Words of the nearest line above that is no row of a table; none if it is far off."""
    first = sheet.lines[index]
    for line in reversed(sheet.lines[max(0, index - _CAPTION) : index]):
        if line.page != first.page or line.block != first.block:
            return ()
        lead = line.spots[0]
        if len(line.spots) <= 2 and not _has_values(line):
            return lead.words
    return ()


def heading_cells(headings: Iterable[Heading]) -> frozenset[tuple[int, int]]:
    """Cells (row, cell) that head a column."""
    return frozenset(
        (spot.row, spot.cell)
        for heading in headings
        for hit in heading.hits.values()
        for spot in hit.spots
    )


def unit_in_caption(caption: Sequence[Word], wanted: str | None) -> str | None:
    """A unit of the wanted kind in a caption."""
    for word in caption if wanted is not None else ():
        unit = (
            canonical_unit(normalise(word.text).strip("[](),;:")) if len(word.text) < 12 else None
        )
        if unit is not None and wanted is not None and compatible(unit, wanted):
            return unit
    return None


def _limited(heading: Heading, headings: Sequence[Heading], sheet: Sheet) -> Heading:
    later = [other.first for other in headings if other.first > heading.last]
    return replace(heading, end=min([*later, len(sheet.lines)]))


def _heading(
    sheet: Sheet, index: int, by_line: Mapping[int, list[Hit]], wanted: int
) -> Heading | None:
    lines = list(_heading_lines(sheet, sheet.lines[index], by_line))
    chosen: dict[str, Hit] = {}
    for line in lines:
        for hit in by_line.get(line.index, ()):
            chosen.setdefault(hit.field, hit)
    if len({hit.spot.x0 for hit in chosen.values()}) < wanted or len(chosen) < wanted:
        return None
    last = max([lines[-1].index, *(spot.row for hit in chosen.values() for spot in hit.spots)])
    columns, places = _columns(sheet.lines[index : last + 1], chosen)
    names = tuple(places[number] for number in sorted(places))
    caption = caption_above(sheet, index)
    return Heading(index, last, len(sheet.lines), columns, names, places, chosen, caption)


def _heading_lines(sheet: Sheet, first: Line, by_line: Mapping[int, list[Hit]]) -> Iterable[Line]:
    """The line with the first label, and those below that also hold labels and no values."""
    labels = [hit.spot for hit in by_line.get(first.index, ())]
    left = min(spot.x0 for spot in labels) - _MARGIN
    right = max(spot.x1 for spot in labels) + _MARGIN
    if _has_values(first, left, right):
        return
    yield first
    for count, line in enumerate(sheet.near_below(first, reach=1.6), start=2):
        if count > _LINES or line.index not in by_line or _has_values(line, left, right):
            return
        yield line


def _has_values(line: Line, left: float = 0.0, right: float = math.inf) -> bool:
    """Whether a cell between two edges begins with a number."""
    return any(
        _VALUE.match(spot.words[0].text)
        for spot in line.spots
        if spot.x1 > left and spot.x0 < right
    )


def _columns(
    lines: Sequence[Line], chosen: Mapping[str, Hit]
) -> tuple[tuple[Column, ...], dict[int, str]]:
    """Columns of the heading left to right: the fields' own, and the others between them."""
    boxes: list[tuple[float, float, str | None]] = []
    for name, hit in chosen.items():
        x0 = min(spot.x0 for spot in hit.spots)
        boxes.append((x0, max(spot.x1 for spot in hit.spots), name))
    for line in lines:
        for spot in line.spots:
            if not any(x0 < spot.x1 and spot.x0 < x1 for x0, x1, _ in boxes):
                boxes.append((spot.x0, spot.x1, None))
    boxes.sort(key=lambda box: box[0])
    columns = tuple(Column(x0, x1, None, None, name or "") for x0, x1, name in boxes)
    places = {number: name for number, (_, _, name) in enumerate(boxes) if name is not None}
    return columns, places
