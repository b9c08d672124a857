"""Lists whose fields stand down the page and whose rows stand across, and lists of a single row.

`Symbol | C | Si | Mn` above `Actual | 0.17 | 0.22 | 1.38`: each column is a row of the list. Used
by `groups` where no table with the fields as columns is found.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docmill.documents.layout import Word
from docmill.models.rules.candidates import Candidate, answer, decide
from docmill.models.rules.labels import CLOSE, Hit
from docmill.models.rules.layouts import caption_above, unit_in_caption
from docmill.models.rules.reading import Reading, read_words
from docmill.models.rules.roles import unit_of_label
from docmill.models.rules.scalars import candidates
from docmill.models.rules.scene import Scene
from docmill.models.rules.sheet import Spot, part_of
from docmill.quantities.units import canonical_unit
from docmill.spec.fields import Field

_POINTS = 48
_NEAR = 14.0
"""Points two cells' centres or edges may differ and still be one column."""
_ITEMS = 3
"""Lines of fields that make a block although it has one column only."""
_APART = 8
"""Lines of the sheet between two lines of one block."""


@dataclass(frozen=True)
class _Item:
    """A line of the block: a field's label with the cells right of it."""

    hit: Hit
    spots: tuple[Spot, ...]
    unit: str | None


def read_across(
    fields: Mapping[str, Field], hits: Mapping[str, Sequence[Hit]], scene: Scene
) -> list[dict[str, Any]]:
    """Rows of all blocks, left to right; a single row from labels anywhere if there is no block."""
    blocks = [block for block in _blocks(hits, scene) if len({i.hit.field for i in block}) >= 2]
    wide = [
        block
        for block in blocks
        if len(block) >= _ITEMS or max(len(item.spots) for item in block) >= 2
    ]
    rows = [row for block in wide for row in _rows(fields, block, scene)]
    return rows or _single(fields, hits, scene)


def _blocks(hits: Mapping[str, Sequence[Hit]], scene: Scene) -> list[list[_Item]]:
    """Lines that begin with labels of different fields, close to each other."""
    cells = {
        (hit.spot.row, hit.spot.cell)
        for several in hits.values()
        for hit in several
        if hit.strength >= CLOSE
    }
    items = sorted(
        (i for several in hits.values() for hit in several for i in _items(hit, cells, scene)),
        key=lambda item: item.hit.spot.row,
    )
    blocks: list[list[_Item]] = []
    for item in items:
        last = blocks[-1] if blocks else None
        place = scene.sheet.lines[item.hit.spot.row]
        known = scene.sheet.lines[last[-1].hit.spot.row] if last else None
        near = (
            known is not None
            and (known.page, known.block) == (place.page, place.block)
            and place.index - known.index <= _APART
        )
        if last is None or not near or any(i.hit.field == item.hit.field for i in last):
            blocks.append([item])
        else:
            last.append(item)
    return blocks


def _items(hit: Hit, cells: set[tuple[int, int]], scene: Scene) -> Iterable[_Item]:
    """The label's line, if the label stands first on it or the cells repeat it (`Heat L40417`)."""
    if hit.strength < CLOSE or (hit.marked and not hit.rest):
        return
    line = scene.sheet.lines[hit.spot.row]
    right = [spot for spot in line.spots if spot.cell > hit.spot.cell]
    unit = unit_of_label(hit.spot.text)
    if hit.rest and not hit.marked:
        if hit.spot.cell > 0 and hit.field in _repeated(line.spots, hit, scene):
            return
        first = part_of(hit.spot, len(hit.spot.words) - len(hit.rest), len(hit.spot.words))
        yield _Item(hit, (first, *_stripped(hit, right)), unit)
        return
    if hit.spot.cell > 0 or not hit.whole:
        return
    values: list[Spot] = []
    for index, spot in enumerate(right):
        # A field's name with a value behind it is a label; among other names (`C | Si`) a value.
        following = right[index + 1 : index + 2]
        valued = any(next_.text[:1].isdigit() for next_ in following)
        if (spot.row, spot.cell) in cells or (scene.is_label(spot) and valued):
            break
        if canonical_unit(spot.text) is not None and not values and valued:
            unit = spot.text
            continue
        values.append(spot)
    if values:
        yield _Item(hit, tuple(values), unit)


def _repeated(spots: Sequence[Spot], hit: Hit, scene: Scene) -> set[str]:
    """The hit's field, if an earlier cell of the line begins with the same label."""
    label = [word.text for word in hit.words]
    earlier = [spot for spot in spots if spot.cell < hit.spot.cell]
    same = any([word.text for word in spot.words[: len(label)]] == label for spot in earlier)
    return {hit.field} if same else set()


def _stripped(hit: Hit, spots: Sequence[Spot]) -> Iterable[Spot]:
    """Cells right of the first, the repeated label taken off."""
    label = [word.text for word in hit.words]
    for spot in spots:
        if [word.text for word in spot.words[: len(label)]] != label:
            return
        if len(spot.words) > len(label):
            yield part_of(spot, len(label), len(spot.words))


def _rows(fields: Mapping[str, Field], block: list[_Item], scene: Scene) -> list[dict[str, Any]]:
    widest = max(block, key=lambda item: len(item.spots))
    caption = caption_above(scene.sheet, min(item.hit.spot.row for item in block))
    rows: list[dict[str, Any]] = []
    for column in widest.spots:
        row: dict[str, Any] = {}
        for name, part in fields.items():
            item = next((i for i in block if i.hit.field == name), None)
            spot = _in_column(item.spots, column) if item is not None else None
            row[name] = (
                answer(part, _found(part, item, spot, caption, scene)) if item and spot else None
            )
        if any(row[name] for name in row) and _has_required(fields, row):
            rows.append(row)
    return rows


def _has_required(fields: Mapping[str, Field], row: Mapping[str, Any]) -> bool:
    required = [name for name, part in fields.items() if part.required]
    return not required or any(row[name] is not None for name in required)


def _in_column(spots: Sequence[Spot], column: Spot) -> Spot | None:
    near = [
        (min(abs(s.x0 - column.x0), abs(s.x1 - column.x1), abs(s.centre - column.centre)), s)
        for s in spots
    ]
    best = min(near, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] <= _NEAR else None


def _found(
    part: Field, item: _Item, spot: Spot, caption: tuple[Word, ...], scene: Scene
) -> list[Candidate]:
    unit, label = item.unit, item.hit.words
    if unit is None:
        unit = unit_in_caption(caption, part.unit)
        label = caption if unit is not None else label
    readings: Sequence[Reading] = read_words(part, spot.words, scene.context(unit))
    return [Candidate(reading, spot.page, label, _POINTS, "in the line of") for reading in readings]


def _single(
    fields: Mapping[str, Field], hits: Mapping[str, Sequence[Hit]], scene: Scene
) -> list[dict[str, Any]]:
    """One row whose fields stand by labels like those of the record itself."""
    row = {
        name: answer(part, decide(candidates(part, hits.get(name, ()), scene)))
        for name, part in fields.items()
    }
    found = [name for name, value in row.items() if value is not None]
    required = [name for name, part in fields.items() if part.required]
    complete = all(row[name] is not None for name in required)
    return [row] if complete and len(found) >= min(2, len(fields)) else []
