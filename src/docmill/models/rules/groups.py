"""Rows of list fields: tables whose columns are the fields, down the page and over page breaks.

Where the fields stand down the page and the rows across, `across` reads them. Rows come in reading
order; a line of limits, units or totals is none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from docmill.documents.layout import Word
from docmill.models.rules.across import read_across
from docmill.models.rules.candidates import Candidate, answer
from docmill.models.rules.folding import fold
from docmill.models.rules.forms import Forms
from docmill.models.rules.labels import find_hits
from docmill.models.rules.layouts import Heading, find_headings, heading_cells, unit_in_caption
from docmill.models.rules.reading import Reading, read_words
from docmill.models.rules.roles import role_of, unit_of_label
from docmill.models.rules.scalars import Scene, label_starts
from docmill.models.rules.sheet import Line, Spot
from docmill.quantities.units import canonical_unit
from docmill.spec.fields import Field

_POINTS = 48
_TOTALS = re.compile(
    r"^(?:sub|grand|zwischen|gesamt|sous)?-?(?:total|totale|totals|summe|somme|suma|netto|net|brutto"
    r"|gross|vat|mwst|ust|tva|iva|btw|moms|amountdue|balance|zahlbetrag|rechnungsbetrag|gesamtbetrag"
    r"|nettobetrag|montant|imponibile)"
)
_CARRIED = re.compile(r"^(?:carried|brought|ubertrag|report|areporter|riporto|continued)")
_MOST_MISSES = 6


@dataclass
class _Row:
    """One row under construction: words and readings by field."""

    line: int
    page: int
    words: dict[str, list[Word]] = field(default_factory=dict[str, list[Word]])
    columns: dict[str, tuple[Word, ...]] = field(default_factory=dict[str, tuple[Word, ...]])
    units: dict[str, str | None] = field(default_factory=dict[str, "str | None"])


class Listed(NamedTuple):
    """The rows of a list, and the cells that head its columns."""

    rows: list[dict[str, Any]]
    headings: frozenset[tuple[int, int]]


def read_rows(
    fields: Mapping[str, Field],
    forms: Forms,
    scene: Scene,
    under: frozenset[int] | None = None,
) -> Listed:
    """All rows of a list, from the lines `under` its headings; none if no table of it is found."""
    hits = find_hits(scene.sheet, forms)
    if under is not None:
        hits = {name: [h for h in each if h.spot.row in under] for name, each in hits.items()}
    scene = replace(scene, starts=scene.starts | label_starts(hits))
    headings = find_headings(scene.sheet, hits)
    if headings:
        tables = [list(_table(fields, heading, scene)) for heading in headings]
        rows = _joined(fields, headings, tables, scene)
        if rows:
            return Listed(rows, heading_cells(headings))
    return Listed(read_across(fields, hits, scene), frozenset())


def _joined(
    fields: Mapping[str, Field],
    headings: Sequence[Heading],
    tables: Sequence[list[_Row]],
    scene: Scene,
) -> list[dict[str, Any]]:
    """Tables one after the other; a table with other fields and as many rows goes on beside."""
    groups: list[tuple[set[str], list[_Row]]] = []
    for heading, rows in zip(headings, tables, strict=True):
        own = set(heading.names)
        if not rows:
            continue
        last = groups[-1] if groups else None
        if last is not None and not own & last[0] and len(rows) == len(last[1]):
            for known, more in zip(last[1], rows, strict=True):
                known.words |= more.words
                known.columns |= more.columns
                known.units |= more.units
            last[0].update(own)
        else:
            groups.append((own, rows))
    return [_answers(fields, row, scene) for _, rows in groups for row in rows]


def _answers(fields: Mapping[str, Field], row: _Row, scene: Scene) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, part in fields.items():
        words = tuple(row.words.get(name, ()))
        context = scene.context(row.units.get(name))
        label = row.columns.get(name, ())
        found = [
            Candidate(reading, row.page, label, _POINTS, "in the column of")
            for reading in (_readings(part, words, context) if words else ())
        ]
        result[name] = answer(part, found)
    return result


def _readings(part: Field, words: tuple[Word, ...], context: Any) -> Sequence[Reading]:
    readings = read_words(part, words, context)
    text = part.type in ("text", "id", "date", "boolean")
    return [reading for reading in readings if text or reading.whole]


def _table(fields: Mapping[str, Field], heading: Heading, scene: Scene) -> Iterable[_Row]:
    """Rows below a heading, to the end of its text column; over the page break as `layouts` says."""
    units = {name: _heading_unit(heading, name) for name in fields}
    labels = {name: heading.label(name) for name in heading.names}
    for name in heading.names:
        stated = unit_in_caption(heading.caption, fields[name].unit)
        if units[name] is None and stated is not None:
            units[name], labels[name] = stated, heading.caption
    current: _Row | None = None
    misses = 0
    for whole in scene.sheet.lines[heading.last + 1 : heading.end]:
        line = heading.part_of(whole)
        if line is None:
            continue  # beside the table
        cells = heading.cells(line)
        if _is_total(line):
            break
        if (
            _sets_units(cells, units, labels, heading)
            or _is_limit(line, heading)
            or _is_carried(line)
        ):
            continue
        row = _row(fields, heading, line, cells, units, labels, scene)
        if row is not None:
            if current is not None:
                yield current
            current, misses = row, 0
        elif current is not None and _continues(fields, heading, line, cells, current, scene):
            for name, spots in cells.items():
                current.words.setdefault(name, []).extend(w for spot in spots for w in spot.words)
            current.line = line.index
        else:
            misses += 1
            last = scene.sheet.lines[current.line if current else heading.last]
            if misses > _MOST_MISSES or _ends(line, last, heading):
                break
    if current is not None:
        yield current


def _row(
    fields: Mapping[str, Field],
    heading: Heading,
    line: Line,
    cells: Mapping[str, list[Spot]],
    units: Mapping[str, str | None],
    labels: Mapping[str, tuple[Word, ...]],
    scene: Scene,
) -> _Row | None:
    """The line as a row, if at least half of the columns hold what they should."""
    row = _Row(line.index, line.page)
    readable = 0
    solid = False
    for name, spots in cells.items():
        words = tuple(word for spot in spots for word in spot.words)
        row.words[name] = list(words)
        row.columns[name] = labels[name]
        row.units[name] = units[name]
        if _readings(fields[name], words, scene.context(units[name])):
            readable += 1
            solid = solid or fields[name].type != "text" or fields[name].enum is not None
    required = [name for name in heading.names if fields[name].required]
    if required and not any(name in cells for name in required):
        return None
    dashes = sum(1 for name in heading.names if name in heading.dashed(line))
    if not solid and any(fields[name].type != "text" for name in heading.names):
        return None
    return row if readable * 2 >= len(heading.names) - dashes and readable > 0 else None


def _ends(line: Line, last: Line, heading: Heading) -> bool:
    """A line that is no row ends the table if it stands far below, or runs across its columns."""
    if line.page != last.page:
        return False
    if line.middle - last.middle > 4.5 * (line.y1 - line.y0):
        return True
    return any(
        sum(1 for column in heading.columns if spot.x0 < column.x0 and column.x1 < spot.x1) >= 2
        for spot in line.spots
    )


def _heading_unit(heading: Heading, name: str) -> str | None:
    return unit_of_label(heading.text(name))


def _sets_units(
    cells: Mapping[str, list[Spot]],
    units: dict[str, str | None],
    labels: dict[str, tuple[Word, ...]],
    heading: Heading,
) -> bool:
    """A line of units under the heading: `MPa`, `[%]`; remembers them."""
    found: dict[str, str] = {}
    for name, spots in cells.items():
        text = " ".join(spot.text for spot in spots).strip("[]()")
        if canonical_unit(text) is None:
            return False
        found[name] = text
    units.update(found)
    labels.update({name: heading.label(name) for name in found})
    return bool(found)


def _is_limit(line: Line, heading: Heading) -> bool:
    role = role_of(line.spots[0])
    return role in ("min", "max", "typ", "limit", "unit", "param")


def _is_total(line: Line) -> bool:
    first = next((spot for spot in line.spots if any(c.isalpha() for c in spot.text)), None)
    return first is not None and bool(_TOTALS.match(fold(first.text)))


def _is_carried(line: Line) -> bool:
    return any(_CARRIED.match(fold(spot.text)) for spot in line.spots)


def _continues(
    fields: Mapping[str, Field],
    heading: Heading,
    line: Line,
    cells: Mapping[str, list[Spot]],
    row: _Row,
    scene: Scene,
) -> bool:
    """Whether the line goes on with the text of the row above: text columns only, close by."""
    above = scene.sheet.lines[row.line]
    if line.page != above.page or line.middle - above.middle > 1.6 * (line.y1 - line.y0):
        return False
    if not cells or sum(len(spots) for spots in cells.values()) < len(line.spots):
        return False
    for name, spots in cells.items():
        known = row.words.get(name)
        if fields[name].type != "text" or fields[name].enum is not None or not known:
            return False
        if abs(spots[0].x0 - known[0].x0) > 14:
            return False
    return True
