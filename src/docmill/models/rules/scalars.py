"""Candidates of fields outside lists: the value in the label's cell, right of it, or below it.

`labels` says where the labels are, `roles` what columns mean, `reading` what the words say.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from docmill.documents.layout import Word
from docmill.models.rules.below import below
from docmill.models.rules.by_role import by_role, holds_values
from docmill.models.rules.candidates import Candidate
from docmill.models.rules.labels import CODE, WEAK, Hit
from docmill.models.rules.reading import NUMERIC, Context, Reading, read_words
from docmill.models.rules.roles import split_at_unit, unit_of_label
from docmill.models.rules.scene import Scene
from docmill.models.rules.sheet import Line, Sheet, Spot
from docmill.quantities.units import canonical_unit
from docmill.spec.fields import Field

_DASH = re.compile(r"^[-–—−./\s*]*$|^n/?a$", re.IGNORECASE)
_CONDITION = re.compile(r"[A-Za-z]\S*\s*(?:=|≤|≥|<|>)\s*\S")
_BOUND = re.compile(r"^\(?(min|max)(?:imum|imal)?\.?\)?:?$", re.IGNORECASE)
_SYMBOL = re.compile(r"^[A-Za-zΑ-ωµØ∆Δ][A-Za-z0-9,./_()-]{0,9}$")
_LEADER = re.compile(r"^[._·…]{3,}$")
_BARE = 8
"""Points less for a number without a unit where one is wanted."""
_OVERPRINTED = 10
"""Points less for a value printed over a leader: the value is where the leader ends."""
_DIGIT_IN = re.compile(r"\d")


def candidates(
    field: Field, hits: Iterable[Hit], scene: Scene, *, shared: bool = False
) -> list[Candidate]:
    """All candidates of a field; `shared` says that another field goes by the same label.

    Then a field with a unit takes only values that print one. A plain number leaves percentages to
    others wherever there is another value.
    """
    found: list[Candidate] = []
    for hit in hits:
        if hit.strength > WEAK and _bound_fits(field, hit):
            found += _of_hit(field, hit, scene)
    if field.unit is not None:
        found = [_without_unit(each) for each in found]
    if shared and field.unit is not None:
        found = [each for each in found if each.reading.unit is not None]
    if field.type in ("number", "integer"):
        found = [each for each in found if each.reading.unit != "%"] or found
    return found


def _without_unit(candidate: Candidate) -> Candidate:
    """A bare number has a weaker case where a unit is wanted."""
    if candidate.reading.unit is not None:
        return candidate
    return replace(candidate, points=candidate.points - _BARE)


def _bound_fits(field: Field, hit: Hit) -> bool:
    if hit.bound is None or field.type == "range" or field.type not in NUMERIC:
        return True
    return field.pick == hit.bound


def _of_hit(field: Field, hit: Hit, scene: Scene) -> list[Candidate]:
    unit = _unit_of_label(hit)
    context = scene.context(unit, hit.bound)
    inline = _inline(field, hit, context)
    if inline and (hit.spot.row in scene.headers or field.type not in NUMERIC):
        return inline
    if inline:
        spots = _right_of(hit, scene)
        return [*inline, *_numbers(field, hit, spots, scene, context)]
    spots = _right_of(hit, scene)
    if spots and hit.field in scene.labels_of(spots[0]):
        return []  # a code with its label beside it, which is a label of its own
    beside = list(_beside(field, hit, spots, scene, context))
    return beside or list(below(field, hit, scene, context))


def _unit_of_label(hit: Hit) -> str | None:
    if hit.rest:
        return None
    return next(
        (unit for spot in hit.spots if (unit := unit_of_label(spot.text.rstrip(" :")))), None
    )


def _inline(field: Field, hit: Hit, context: Context) -> list[Candidate]:
    if field.enum is not None and hit.after:
        return _made(read_words(field, hit.after, context), hit, hit.strength + 8, "beside")
    if hit.chain:
        return _made(read_words(field, hit.chain, context), hit, hit.strength + 8, "around")
    if hit.inner and field.unit is not None:
        return _made(read_words(field, hit.inner, context), hit, hit.strength + 8, "beside")
    if not hit.rest:
        return []
    plain = field.type in NUMERIC or hit.marked
    if not plain and not (field.type in ("id", "date") and _DIGIT_IN.search(hit.rest[0].text)):
        return []
    points = hit.strength + (9 if hit.marked else 8)
    if _over_leader(hit):
        points -= _OVERPRINTED
    return _made(read_words(field, hit.rest, context), hit, points, "beside")


def _over_leader(hit: Hit) -> bool:
    """Whether the value is printed over the dots that lead from the label to a value."""
    first = hit.rest[0]
    return any(
        _LEADER.match(word.text) and word.x1 > (first.x0 + first.x1) / 2
        for word in hit.spot.words
        if word.x0 < first.x0
    )


def _made(readings: Sequence[Reading], hit: Hit, points: int, whence: str) -> list[Candidate]:
    return [Candidate(reading, hit.spot.page, hit.words, points, whence) for reading in readings]


def _right_of(hit: Hit, scene: Scene) -> list[Spot]:
    """Cells right of a label, left to right: on its line, else on lines beside a wrapped label."""
    edge = max(spot.x1 for spot in hit.spots) - 1
    for spot in hit.spots:
        line = scene.sheet.lines[spot.row]
        right = [other for other in line.spots if other.x0 >= edge]
        if right:
            return right
    first = scene.sheet.lines[hit.spot.row]
    for line in scene.sheet.band(first, hit.spot.y0, hit.spots[-1].y1):
        if line.x0 >= edge:
            return list(line.spots)
    return []


def _beside(
    field: Field, hit: Hit, spots: list[Spot], scene: Scene, context: Context
) -> Iterable[Candidate]:
    if not spots:
        return []
    header = scene.headers.get(hit.spot.row)
    if header is not None and spots:
        column = header.column_of(hit.spot)
        if column is not None and column.role in ("value", "limit", "condition", "unit"):
            return []
        spots = [part for spot in spots for part in split_at_unit(spot, header)]
        found = by_role(field, hit, spots, header, context)
        if found or holds_values(header, spots):
            return found
    if field.type in NUMERIC:
        return _numbers(field, hit, spots, scene, context)
    return _text(field, hit, spots, scene, context)


def _numbers(
    field: Field, hit: Hit, spots: list[Spot], scene: Scene, context: Context
) -> Iterable[Candidate]:
    """Values in the cells right of a label; a second value is a rival unless it is marked."""
    unit = context.unit
    taken = 0
    for index, spot in enumerate(spots):
        if _DASH.match(spot.text):
            continue
        if scene.begins_label(spot):
            return
        if canonical_unit(spot.text) is not None or spot.text in ("C", "F"):
            unit = spot.text
            continue
        bound = _BOUND.match(spot.words[0].text)
        if bound and len(spot.words) > 1 and bound[1].lower() != field.pick and taken:
            continue
        following = spots[index + 1].text if index + 1 < len(spots) else ""
        here = context._replace(unit=unit or (following if canonical_unit(following) else None))
        readings = read_words(field, spot.words, here)
        if readings:
            yield from _made(readings, hit, hit.strength + (8 if not taken else 7), "right of")
            taken += 1
            unit = unit or readings[0].unit
        elif _CONDITION.search(spot.text[:200]):
            continue
        elif taken or not _SYMBOL.match(spot.text):
            return


def _text(
    field: Field, hit: Hit, spots: list[Spot], scene: Scene, context: Context
) -> list[Candidate]:
    spot = spots[0]
    if scene.is_label(spot) or (not hit.whole and not hit.marked and hit.strength < 40):
        return []
    words = spot.words
    if field.type == "text" and field.enum is None:
        if _is_heading_row(scene, hit):
            return []
        words = (*words, *_wrapped_value(scene.sheet, spot))
    return _made(read_words(field, words, context), hit, hit.strength + 8, "right of")


def _is_heading_row(scene: Scene, hit: Hit) -> bool:
    """Whether the label's line heads columns: other labels on it, and values aligned below."""
    line = scene.sheet.lines[hit.spot.row]
    others = [spot for spot in line.spots if spot.cell > hit.spot.cell]
    if any(scene.labels_of(spot) - {hit.field} for spot in others):
        return not any(_DIGIT_IN.search(spot.text) for spot in others if not scene.is_label(spot))
    if others and _has_code(hit.spot) and _has_code(others[0]):
        return True
    if others and _fonts_alternate(scene, hit.spot, others[0]):
        return True
    if len(line.spots) < 3 or any(_DIGIT_IN.search(spot.text) for spot in line.spots):
        return False
    for lower in scene.sheet.near_below(line, reach=2.0):
        if len(lower.spots) != len(line.spots):
            return False
        return all(
            min(abs(a.x0 - b.x0), abs(a.centre - b.centre), abs(a.x1 - b.x1)) <= 3
            for a, b in zip(line.spots, lower.spots, strict=True)
        )
    return False


def _fonts_alternate(scene: Scene, label: Spot, right: Spot) -> bool:
    """Whether a cell right of a label is set like the label, and what stands below isn't."""
    if not _same_font(label, right):
        return False
    for lower in scene.sheet.near_below(scene.sheet.lines[label.row], reach=2.4):
        under = [
            next((s for s in lower.spots if abs(s.x0 - above.x0) <= 4), None)
            for above in (label, right)
        ]
        return all(spot is not None and not _same_font(label, spot) for spot in under)
    return False


def _same_font(one: Spot, other: Spot) -> bool:
    return abs(one.height - other.height) <= 0.03 * one.height


def _has_code(spot: Spot) -> bool:
    return len(spot.words) > 1 and bool(CODE.match(spot.words[0].text))


def _wrapped_value(sheet: Sheet, spot: Spot) -> list[Word]:
    """Words of the lines below that a value runs on in: its own line was full."""
    line = sheet.lines[spot.row]
    edge = _right_edge(sheet, line, spot)
    words: list[Word] = []
    last = spot
    for below_line in sheet.near_below(line, reach=1.45):
        first = below_line.spots[0]
        if len(below_line.spots) != 1 or abs(first.x0 - spot.x0) > 1.5:
            break
        if last.x1 + (first.words[0].x1 - first.words[0].x0) < edge - 1:
            break
        words += first.words
        last = first
    return words


def _right_edge(sheet: Sheet, line: Line, spot: Spot) -> float:
    same = [
        other.x1
        for near in sheet.lines[max(0, line.index - 30) : line.index + 30]
        if near.page == line.page and near.block == line.block
        for other in near.spots
        if abs(other.x0 - spot.x0) <= 1.5
    ]
    return max(same, default=spot.x1)
