"""What a heading of a column or row says about the values under or beside it.

A table header is a line with several such words and no value. Used by `scalars` and `groups`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from docmill.documents.text import normalise
from docmill.models.rules.folding import vocabulary
from docmill.models.rules.sheet import Line, Sheet, Spot, part_of
from docmill.quantities.units import canonical_unit

Role = Literal["min", "typ", "max", "value", "limit", "unit", "condition", "param"]

_WORDS: dict[Role, str] = {
    "min": "min minimum minimal mini mindestwert untergrenze lsl lower kleinst lo low",
    "max": "max maximum maximal maxi hochstwert obergrenze usl upper grosst hi high",
    "condition": "condition conditions note notes remark remarks bedingung bedingungen comment"
    " comments method methode standard norm verdict status assessment bewertung uncertainty"
    " unsicherheit remarque bemerkung testbedingung testbedingungen footnote reference clause"
    " pass p f ok condizione condizioni esito urteil",
    "limit": "limit limits spec specification specified requirement requirements required"
    " grenzwert grenzwerte tolerance toleranz vorgabe anforderung allowed permitted exigence"
    " deviation abweichung",
    "unit": "unit units einheit unite jednostka uom unidad unita eenheid me",
    "typ": "typ typical nom nominal nennwert nennmass soll sollwert target",
    "value": "value values actual measured measurement result results reading wert messwert"
    " istwert ist ergebnis valeur resultat reel mesure found observed wartosc wynik medido"
    " gemessen actuals valore misurato misurata rilevato mesuree messwerte",
    "param": "parameter parameters characteristic characteristics description name property test"
    " item merkmal prufung symbol kenngrosse grosse prufmerkmal designation bezeichnung pos"
    " position property eigenschaft caracteristique kennwert symbole quantity grandeur"
    " caratteristica grandezza messgrosse step name",
}
_ROLE: dict[str, Role] = {
    word: role for role, words in _WORDS.items() for word in vocabulary(words)
}
_FILLERS = vocabulary("of the der die das de du la and und et test tested as")
_ORDER: tuple[Role, ...] = tuple(_WORDS)
_VALUES: frozenset[Role] = frozenset(("min", "typ", "max", "value", "limit"))
_BRACKETED = re.compile(
    r"^(.*?)\s*[\[(]([^\[\]()]{1,12})[\])]$|^(.*?),\s*(\S{1,8})$|^(.*?)\s+in\s+(\S{1,8})$"
)
_NUMBER = re.compile(r"^[<>=≤≥±+\-−~]*[.,]?\d")
_FAR = 45.0
"""Points a cell may be off its column's heading if they don't overlap."""


class Column(NamedTuple):
    """A column of a table."""

    x0: float
    x1: float
    role: Role | None
    unit: str | None
    """Unit in the heading: `Rm [MPa]`."""
    text: str


@dataclass(frozen=True)
class Header:
    """The heading line of a table of parameters."""

    line: int
    columns: tuple[Column, ...]

    def column_of(self, spot: Spot) -> Column | None:
        """The column a cell stands in."""
        return nearest_column(self.columns, spot)

    def has(self, role: Role) -> bool:
        """Whether a column of this role is there."""
        return any(column.role == role for column in self.columns)


def nearest_column(columns: Sequence[Column], spot: Spot) -> Column | None:
    """The column whose left edge, right edge or centre fits a cell best."""
    best: Column | None = None
    least = 0.0
    for column in columns:
        overlap = min(column.x1, spot.x1) - max(column.x0, spot.x0)
        distance = min(
            abs(column.x0 - spot.x0),
            abs(column.x1 - spot.x1),
            abs((column.x0 + column.x1) / 2 - spot.centre),
        )
        if overlap <= 0 and distance > _FAR:
            continue
        if overlap > 0:
            distance /= 2
        if best is None or distance < least:
            best, least = column, distance
    return best


def split_unit_off(text: str) -> tuple[str, str | None]:
    """A heading and the unit it ends in: `Rm [MPa]` → `Rm`, `MPa`."""
    match = _BRACKETED.match(text)
    if match is None:
        return text, None
    name = match[1] or match[3] or match[5] or ""
    unit = match[2] or match[4] or match[6]
    return (name, unit) if unit and canonical_unit(unit) else (text, None)


def unit_of_label(text: str) -> str | None:
    """The unit a label or heading gives: in brackets, after `in`, or as its last word."""
    unit = split_unit_off(text)[1]
    if unit is not None:
        return unit
    words = text.split()
    if len(words) < 2 or (len(words[-1]) < 2 and words[-1].isalpha()):
        return None
    if _NUMBER.match(words[-2]):
        return None  # the unit of that number: `VAT 20 %`
    return words[-1] if canonical_unit(normalise(words[-1])) else None


def role_of(spot: Spot) -> Role | None:
    """The role a heading gives its column or row; None if any of its words is no such word."""
    if len(spot.words) > 6 or _NUMBER.match(spot.text):
        return None
    found: set[Role] = set()
    for token in spot.tokens:
        role = _ROLE.get(token.text)
        if role is not None:
            found.add(role)
        elif token.text not in _FILLERS and not canonical_unit(spot.words[token.word].text):
            return None
    return next((role for role in _ORDER if role in found), None)


def find_headers(sheet: Sheet) -> dict[int, Header]:
    """Line index → the header in force there; headers themselves are not in it."""
    force: dict[int, Header] = {}
    current: Header | None = None
    place = (0, 0)
    for line in sheet.lines:
        if (line.page, line.block) != place:
            current, place = None, (line.page, line.block)
        header = _header(line)
        if header is not None:
            current = header
        elif current is not None and _breaks(line, current):
            current = None
        elif current is not None:
            force[line.index] = current
    return force


def _header(line: Line) -> Header | None:
    spots = [part for spot in line.spots for part in _apart(spot)]
    roles: list[Role | None] = [role_of(spot) for spot in spots]
    known = [role for role in roles if role is not None]
    if len(known) < 2 or not _VALUES & set(known) or len(set(known)) < 2:
        return None
    if any(_NUMBER.match(spot.words[0].text) for spot in spots):
        return None
    if len(known) < len(spots) / 2:
        return None
    columns = [
        Column(spot.x0, spot.x1, role, split_unit_off(spot.text)[1], spot.text)
        for spot, role in zip(spots, roles, strict=True)
    ]
    return Header(line.index, tuple(columns))


def _apart(spot: Spot) -> tuple[Spot, ...]:
    """Two headings that stand close together: `Max Unit`, `Result Unit`."""
    if len(spot.words) != 2:
        return (spot,)
    parts = (part_of(spot, 0, 1), part_of(spot, 1, 2))
    first, second = (role_of(part) for part in parts)
    return parts if first is not None and first != "unit" and second == "unit" else (spot,)


def split_at_unit(spot: Spot, header: Header) -> tuple[Spot, ...]:
    """A value and the unit beside it that stands in a column of its own (`0.670 Ω`)."""
    if len(spot.words) < 2 or not header.has("unit"):
        return (spot,)
    last = part_of(spot, len(spot.words) - 1, len(spot.words))
    column = header.column_of(last)
    if column is None or column.role != "unit" or canonical_unit(normalise(last.text)) is None:
        return (spot,)
    first = part_of(spot, 0, len(spot.words) - 1)
    return (first, last) if header.column_of(first) != column else (spot,)


def _breaks(line: Line, header: Header) -> bool:
    """A line of running text, wider than three columns, ends a table."""
    for spot in line.spots:
        inside = [c for c in header.columns if c.x0 >= spot.x0 - 2 and c.x1 <= spot.x1 + 2]
        if len(inside) >= 3 and len(spot.words) > 6:
            return True
    return False
