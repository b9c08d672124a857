"""Candidates in the row of a label, taken by what the table's header says of the columns."""

import re
from collections.abc import Mapping, Sequence

from docmill.documents.layout import Word
from docmill.documents.text import normalise
from docmill.models.rules.candidates import Candidate
from docmill.models.rules.labels import Hit
from docmill.models.rules.numeric import value_key
from docmill.models.rules.reading import NUMERIC, Context, Reading, read_words
from docmill.models.rules.roles import Header, Role
from docmill.models.rules.sheet import Spot
from docmill.spec.fields import Field

_DASH = re.compile(r"^[-–—−./\s*]*$|^n/?a$", re.IGNORECASE)
_POINTS = 9
"""Above the label's strength: the header leaves no doubt which column it is."""
_ENDS: tuple[Role, ...] = ("min", "typ", "max")
_Cells = Mapping[Role, list[tuple[Spot, str | None]]]
"""Cells by role, each with the unit of its column's heading."""


def holds_values(header: Header, spots: Sequence[Spot]) -> bool:
    """Whether any of the cells stands in a column for values or limits."""
    columns = [header.column_of(spot) for spot in spots]
    return any(c is not None and c.role in ("min", "typ", "max", "value", "limit") for c in columns)


def by_role(
    field: Field, hit: Hit, spots: Sequence[Spot], header: Header, context: Context
) -> list[Candidate]:
    """Values of the cells whose column the field asks for."""
    cells: dict[Role, list[tuple[Spot, str | None]]] = {}
    for spot in spots:
        column = header.column_of(spot)
        if column is not None and column.role is not None and not _DASH.match(spot.text):
            cells.setdefault(column.role, []).append((spot, column.unit))
    printed = next((normalise(spot.text) for spot, _ in cells.get("unit", [])), None)
    context = context._replace(unit=printed or context.unit)
    if field.type == "range":
        readings = _range(field, cells, spots, context)
    else:
        readings = [
            reading
            for role in _roles_for(field, cells)
            for spot, own in cells[role]
            for reading in read_words(field, spot.words, _of_column(context, role, own))
        ]
    return [
        Candidate(reading, hit.spot.page, hit.words, hit.strength + _POINTS, "in the row of")
        for reading in readings
    ]


def _of_column(context: Context, role: Role, unit: str | None) -> Context:
    bound = role if role in ("min", "max") else context.bound
    return context._replace(unit=unit or context.unit, bound=bound)


def _roles_for(field: Field, cells: _Cells) -> list[Role]:
    """Columns a scalar may be taken from; several only if none of them is preferred."""
    order: tuple[Role, ...] = ("value",)
    if field.pick is not None:
        order = (field.pick, "value")
    elif "value" not in cells:
        order = _ENDS if field.type in NUMERIC else ("limit",)
    present: list[Role] = [role for role in order if role in cells]
    return present if order is _ENDS else present[:1]


def _range(field: Field, cells: _Cells, row: Sequence[Spot], context: Context) -> Sequence[Reading]:
    """The ends of a range from their columns, else the whole of it from the column of values."""
    ends: dict[str, str] = {}
    used: list[Spot] = []
    unit = context.unit
    number = Field(type="quantity", unit=field.unit)
    for role in _ENDS:
        found = cells.get(role, [])
        if len(found) > 1:
            return ()
        for spot, own in found:
            readings = read_words(number, spot.words, context._replace(unit=own or unit))
            if len(readings) != 1 or not readings[0].whole:
                return ()
            ends[role] = readings[0].value
            unit = readings[0].unit
            used.append(spot)
    if ends:
        words = _from_first_to_last(row, used)
        return (Reading(ends, unit, words, value_key(ends, unit, field.unit), whole=True),)
    whole = [*cells.get("value", []), *cells.get("limit", [])]
    return read_words(field, whole[0][0].words, context) if whole else ()


def _from_first_to_last(row: Sequence[Spot], used: Sequence[Spot]) -> tuple[Word, ...]:
    """The words of the cells and of those between them: a quote leaves nothing out."""
    left, right = min(spot.x0 for spot in used), max(spot.x1 for spot in used)
    return tuple(word for spot in row if left <= spot.x0 <= right for word in spot.words)
