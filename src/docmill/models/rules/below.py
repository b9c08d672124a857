"""Candidates below a label: a form's box with its heading, or a column of a transposed table."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from docmill.documents.layout import Word
from docmill.documents.text import normalise
from docmill.models.rules.candidates import Candidate
from docmill.models.rules.labels import CODE, Hit
from docmill.models.rules.reading import Context, Reading, read_words
from docmill.models.rules.roles import Role, role_of, split_unit_off
from docmill.models.rules.scene import Scene
from docmill.models.rules.sheet import Line, Spot
from docmill.quantities.units import canonical_unit
from docmill.spec.fields import Field

_DASH = re.compile(r"^[-–—−./\s*]*$")
_REACH = 2.4
"""Line heights between a label and the value below it, or between two values."""
_MOST = 40


def below(field: Field, hit: Hit, scene: Scene, context: Context) -> Iterable[Candidate]:
    """Candidates in the column under a label that has its cell to itself."""
    if not hit.whole:
        return []
    if field.type in ("text", "id", "boolean") or field.enum is not None:
        return _first(field, hit, scene, context)
    rows = list(_column(field, hit, scene, context))
    return _chosen(field, rows, hit)


def _first(field: Field, hit: Hit, scene: Scene, context: Context) -> Iterable[Candidate]:
    stack: list[Spot] = []
    for spot in _spots_under(hit, scene):
        if scene.is_label(spot) or len(stack) == 3:
            break
        stack.append(spot)
    for spot in _without_label_lines(hit, stack)[:1]:
        if hit.code and CODE.match(spot.words[0].text):
            return
        for reading in read_words(field, spot.words, context):
            yield Candidate(reading, spot.page, hit.words, hit.strength + 6, "below")


def _spots_under(hit: Hit, scene: Scene) -> Iterable[Spot]:
    """Cells of the label's column, top to bottom, until one is far off or a line crosses it."""
    last = hit.spots[-1]
    middle = last.middle
    for lower in scene.sheet.near_below(scene.sheet.lines[last.row], reach=_REACH):
        spot = _under(hit.spot, lower)
        if spot is None:
            if any(other.x0 < hit.spot.x1 < other.x1 for other in lower.spots):
                return
            if len(lower.spots) > 1:
                middle = lower.middle  # a row of the table whose cell is empty
            continue
        height = max(spot.y1 - spot.y0, last.y1 - last.y0)
        if spot.middle - middle > _REACH * height:
            return
        yield spot
        last, middle = spot, spot.middle


def _without_label_lines(hit: Hit, stack: list[Spot]) -> list[Spot]:
    """Cells below without those the label itself runs on in: same font, while the next differs."""
    last = hit.spots[-1]
    runs_on = last.text.endswith(("/", "-"))
    for index, spot in enumerate(stack):
        same = abs(spot.height - last.height) <= 0.03
        others = any(abs(later.height - last.height) > 0.03 for later in stack[index + 1 :])
        if not (same and (others or (runs_on and index == 0))):
            return stack[index:]
    return []


def _under(label: Spot, line: Line) -> Spot | None:
    """The cell of a line that stands under the label."""
    best: Spot | None = None
    if sum(1 for s in line.spots if min(s.x1, label.x1) - max(s.x0, label.x0) > 1) > 1:
        return None  # an axis, or columns under a common heading
    for spot in line.spots:
        overlap = min(spot.x1, label.x1) - max(spot.x0, label.x0)
        near = min(
            abs(spot.x0 - label.x0), abs(spot.centre - label.centre), abs(spot.x1 - label.x1)
        )
        if overlap > 0 and (
            near <= 4 or overlap >= 0.6 * min(spot.x1 - spot.x0, label.x1 - label.x0)
        ):
            best = spot
    return best


class _Row(NamedTuple):
    role: Role | None
    reading: Reading
    page: int
    label: tuple[Word, ...]


def _column(field: Field, hit: Hit, scene: Scene, context: Context) -> Iterable[_Row]:
    unit = context.unit
    for count, spot in enumerate(_spots_under(hit, scene)):
        if count == _MOST:
            return
        first = scene.sheet.lines[spot.row].spots[0]
        heading = first if first.cell != spot.cell else None
        role = role_of(heading) if heading is not None else None
        own = normalise(spot.text).strip("[]()")
        if canonical_unit(own) is not None:
            unit = own
            continue
        if _DASH.match(spot.text):
            continue
        own_unit = split_unit_off(heading.text)[1] if heading is not None else None
        bound = role if role in ("min", "max") else context.bound
        here = context._replace(unit=own_unit or unit, bound=bound)
        readings = [r for r in read_words(field, spot.words, here) if r.whole]
        if not readings and role is None:
            return
        # The label has to show the unit, wherever that stands.
        label = heading.words if heading is not None and own_unit else hit.words
        for reading in readings:
            yield _Row(role, reading, spot.page, label)


def _chosen(field: Field, rows: list[_Row], hit: Hit) -> Iterable[Candidate]:
    wanted: Role = field.pick or "value"
    points = 8
    kept = [row for row in rows if row.role == wanted]
    if not kept and field.pick is None:
        kept = [row for row in rows if row.role is None]
        points = 6
    for row in kept:
        yield Candidate(row.reading, row.page, row.label, hit.strength + points, "below")
