"""Rows below a heading whose columns are fields, over page breaks, to the end of the table.

A line of limits, units, totals or sums carried over is no row; a line of text only goes on with the
row above. Used by `groups`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from docmill.documents.layout import Word
from docmill.models.rules.folding import fold
from docmill.models.rules.layouts import Heading, unit_in_caption
from docmill.models.rules.reading import Reading, read_words
from docmill.models.rules.roles import role_of, unit_of_label
from docmill.models.rules.scene import Scene
from docmill.models.rules.sheet import Line, Spot
from docmill.quantities.units import canonical_unit
from docmill.spec.fields import Field

_TOTAL = (
    r"(?:sub|grand|zwischen|gesamt|sous|rechnungs)?(?:total|totale|totaal|totals|summe|summa|somme"
    r"|suma|netto|net|brutto|gross|vat|mwst|ust|tva|iva|btw|moms|amountdue|balance|zahlbetrag"
    r"|betrag|montant|imponibile)"
)
_TOTALS = re.compile(rf"^{_TOTAL}")
_JUST_TOTAL = re.compile(
    rf"^(?:{_TOTAL}|amount|ht|ttc|excl?|incl?|inkl|exkl|eur|chf|usd|gbp|sek)+$"
)
_CARRIED = re.compile(r"^(?:carried|brought|ubertrag|report|areporter|riporto|continued)")
_MOST_MISSES = 6
_FAR = 4.5
"""Line heights below the last row at which a line doesn't belong to the table any more."""


@dataclass
class Row:
    """One row under construction: words, unit and heading of each field's cell."""

    line: int
    page: int
    words: dict[str, list[Word]] = field(default_factory=dict[str, list[Word]])
    labels: dict[str, tuple[Word, ...]] = field(default_factory=dict[str, tuple[Word, ...]])
    units: dict[str, str | None] = field(default_factory=dict[str, "str | None"])

    def add(self, other: "Row") -> None:
        """Take in the cells of a row that goes on beside this one."""
        self.words |= other.words
        self.labels |= other.labels
        self.units |= other.units

    def text(self, name: str) -> str:
        """Text of a cell; empty without one."""
        return " ".join(word.text for word in self.words.get(name, ()))

    def readings(self, name: str, part: Field, scene: Scene) -> Sequence[Reading]:
        """Readings of a cell; a number has to be all that stands in it."""
        words = tuple(self.words.get(name, ()))
        if not words:
            return ()
        readings = read_words(part, words, scene.context(self.units.get(name)))
        text = part.type in ("text", "id", "date", "boolean")
        return [reading for reading in readings if text or reading.whole]


class TableReader:
    """Reads one table line by line."""

    def __init__(self, fields: Mapping[str, Field], heading: Heading, scene: Scene) -> None:
        self._fields = fields
        self._heading = heading
        self._scene = scene
        self._units = {name: unit_of_label(heading.text(name)) for name in heading.names}
        self._labels = {name: heading.label(name) for name in heading.names}
        for name in heading.names:
            stated = unit_in_caption(heading.caption, fields[name].unit)
            if self._units[name] is None and stated is not None:
                self._units[name], self._labels[name] = stated, heading.caption

    def rows(self) -> Iterator[Row]:
        """Rows in reading order."""
        current: Row | None = None
        misses = 0
        for line in self._lines():
            cells = self._heading.cells(line)
            if self._is_no_row(line, cells):
                continue
            row = self._row(line, cells)
            complete = row is not None and self._is_complete(row)
            if not complete and any(_CARRIED.match(fold(spot.text)) for spot in line.spots):
                continue
            if _is_total(line, complete=complete):
                break
            if row is not None:
                if current is not None:
                    yield current
                current, misses = row, 0
            elif current is not None and self._goes_on(line, cells, current):
                _extend(current, line, cells)
            else:
                misses += 1
                if misses > _MOST_MISSES or self._ends(line, current):
                    break
        if current is not None:
            yield current

    def _lines(self) -> Iterator[Line]:
        """Lines below the heading, without what stands beside the table."""
        for whole in self._scene.sheet.lines[self._heading.last + 1 : self._heading.end]:
            line = self._heading.part_of(whole)
            if line is not None:
                yield line

    def _is_no_row(self, line: Line, cells: Mapping[str, list[Spot]]) -> bool:
        if self._sets_units(cells):
            return True
        return role_of(line.spots[0]) in ("min", "max", "typ", "limit", "unit", "param")

    def _sets_units(self, cells: Mapping[str, list[Spot]]) -> bool:
        """A line of units under the heading: `MPa`, `[%]`; remembers them."""
        found: dict[str, str] = {}
        for name, spots in cells.items():
            text = " ".join(spot.text for spot in spots).strip("[]()")
            if canonical_unit(text) is None:
                return False
            found[name] = text
        self._units.update(found)
        self._labels.update({name: self._heading.label(name) for name in found})
        return bool(found)

    def _row(self, line: Line, cells: Mapping[str, list[Spot]]) -> Row | None:
        """The line as a row, if at least half of its columns hold what they should."""
        row = Row(line.index, line.page)
        for name, spots in cells.items():
            row.words[name] = [word for spot in spots for word in spot.words]
            row.labels[name] = self._labels[name]
            row.units[name] = self._units[name]
        names = self._heading.names
        readable = [n for n in cells if row.readings(n, self._fields[n], self._scene)]
        required = [name for name in names if self._fields[name].required]
        if required and not any(name in cells for name in required):
            return None
        if not any(map(self._is_solid, readable)) and any(map(self._is_solid, names)):
            return None
        dashes = len(self._heading.dashed(line))
        return row if readable and len(readable) * 2 >= len(names) - dashes else None

    def _is_solid(self, name: str) -> bool:
        """Whether a field can't hold just any text."""
        return self._fields[name].type != "text" or self._fields[name].enum is not None

    def _is_complete(self, row: Row) -> bool:
        return all(
            row.readings(name, self._fields[name], self._scene)
            for name in self._heading.names
            if self._fields[name].required
        )

    def _goes_on(self, line: Line, cells: Mapping[str, list[Spot]], row: Row) -> bool:
        """Whether the line goes on with the text of the row above: text columns only, close by."""
        above = self._scene.sheet.lines[row.line]
        if line.page != above.page or line.middle - above.middle > 1.6 * (line.y1 - line.y0):
            return False
        if not cells or sum(map(len, cells.values())) < len(line.spots):
            return False
        return all(
            not self._is_solid(name)
            and bool(row.words.get(name))
            and abs(spots[0].x0 - row.words[name][0].x0) <= 14
            for name, spots in cells.items()
        )

    def _ends(self, line: Line, current: Row | None) -> bool:
        """A line that is no row ends the table far below it, or running across its columns."""
        last = self._scene.sheet.lines[current.line if current else self._heading.last]
        if line.page != last.page:
            return False
        if line.middle - last.middle > _FAR * (line.y1 - line.y0):
            return True
        columns = self._heading.columns
        return any(
            sum(1 for column in columns if spot.x0 < column.x0 and column.x1 < spot.x1) >= 2
            for spot in line.spots
        )


def _extend(row: Row, line: Line, cells: Mapping[str, list[Spot]]) -> None:
    for name, spots in cells.items():
        row.words[name] += [word for spot in spots for word in spot.words]
    row.line = line.index


def _is_total(line: Line, *, complete: bool) -> bool:
    """A line of a total; one that is a complete row is none, unless it says nothing else."""
    first = next((spot for spot in line.spots if any(c.isalpha() for c in spot.text)), None)
    if first is None:
        return False
    text = fold(first.text[:80])
    return bool(_JUST_TOTAL.match(text)) or (not complete and bool(_TOTALS.match(text)))
