"""What labels, rows and column headers say of a value that its own words don't: unit, min or max.

Looks only where a reader would: the quote, the label, the cells beside, the cells above.
"""

import re
from itertools import chain
from typing import Literal

from docmill.output.pagetext import Cell, Neighbours, Passage
from docmill.output.proof import Case
from docmill.output.units import bracketed_unit, is_unit, same_unit, unit_in_header
from docmill.quantities.unit_data import CURRENCIES
from docmill.quantities.units import canonical_unit

Direction = Literal["min", "typ", "max"]

_WORD = re.compile(r"[^\W\d_]+|[<>≤≥]=?")
_MIN = "min minimum minimal mindestens mind mindestwert lower untere unterer from ab >= ≥ >"
_TYP = "typ typical typisch nom nominal nennwert"
_MAX = "max maximum maximal höchstens höchstwert upper obere oberer to bis <= ≤ <"
_DIRECTIONS: dict[str, Direction] = {
    **dict.fromkeys(_MIN.split(), "min"),
    **dict.fromkeys(_TYP.split(), "typ"),
    **dict.fromkeys(_MAX.split(), "max"),
}
_ALL = re.compile(r"\b(?:all|alle|dimensions|maße|masse|values|werte|amounts|beträge)\b", re.I)
_IN_UNIT = re.compile(r"\b(?:in|en) +(\S{1,16})")
_UNIT_HEADING = re.compile(
    r"\b(?:units?|einheit|einh\.|unité|unità|unidad|jednostka|eenheid|enhet)", re.IGNORECASE
)
_NUMERIC = re.compile(r"[\d\s.,±+<>=≤≥~%()\-−–—]*")


def unit_is_stated(case: Case, value: Passage, unit: str) -> bool:
    """Whether the page gives the unit of a bare number.

    In this order, the first that gives a unit of this kind decides: the row's next cells, the
    label, the quote beside the number, the column's cells upwards, the headings above; then a
    sentence for the whole page, and for a currency the document, if it names no other.
    """
    sides = case.page.neighbours(value.box)
    stated = _in_row(case, sides, unit)
    if stated is None:
        texts = chain(
            (case.label, case.words.text),
            (cell.text for cell in sides.above),
            case.page.headings(value.box),
        )
        answers = (unit_in_header(text, unit) for text in texts if text)
        stated = next((answer for answer in answers if answer is not None), None)
    if stated is not None:
        return stated
    return _for_whole_page(case, unit) or _only_currency(case, unit)


def _in_row(case: Case, sides: Neighbours, unit: str) -> bool | None:
    """A unit column, or a label with its unit, past cells that are only numbers."""
    for cell in sides.right:
        given = _unit_of_row(case, cell)
        if given is not None:
            return same_unit(given, unit)
        if not _NUMERIC.fullmatch(cell.text):
            break
    lettered = [c.text for c in sides.left if is_unit(c.text) or not _NUMERIC.fullmatch(c.text)]
    if lettered:
        stated = unit_in_header(lettered[0], unit)
        if stated is not None:
            return stated
    return True if any(bracketed_unit(text, unit) for text in lettered) else None


def _unit_of_row(case: Case, cell: Cell) -> str | None:
    """The unit of a row where it has a column of its own, if need be set close to its neighbour."""
    if is_unit(cell.text):
        return cell.text
    *before, last = cell.words
    if not before or not is_unit(last.text):
        return None
    if not any(char.isalnum() for word in before for char in word.text):
        return last.text  # `- MΩ`: no value, and the unit
    above = case.page.neighbours(last.box).above
    return last.text if any(_UNIT_HEADING.search(header.text) for header in above) else None


def _for_whole_page(case: Case, unit: str) -> bool:
    """`All dimensions in mm`, in one row of the page."""
    for row in case.page.rows:
        if _ALL.search(row.text) and (
            bracketed_unit(row.text, unit)
            or any(same_unit(found.strip(".,;:"), unit) for found in _IN_UNIT.findall(row.text))
        ):
            return True
    return False


def _only_currency(case: Case, unit: str) -> bool:
    wanted = canonical_unit(unit)
    return wanted in CURRENCIES and case.document.currencies == {wanted}


def directions(text: str) -> set[Direction]:
    """Which of min, typ and max a text speaks of."""
    words = (word.casefold() for word in _WORD.findall(text))
    return {_DIRECTIONS[word] for word in words if word in _DIRECTIONS}


def column_direction(case: Case, value: Passage) -> Direction | None:
    """What the nearest header above says the column is; None without such a header."""
    for cell in case.page.neighbours(value.box).above:
        said = directions(cell.text)
        if len(said) == 1:
            return said.pop()
    return None


def stated_direction(case: Case, value: Passage) -> Direction | None:
    """Whether a lone bound is a minimum or a maximum, by its column, quote or label."""
    column = column_direction(case, value)
    if column is not None:
        return column
    said = directions(case.words.text) or directions(case.label)
    return said.pop() if len(said) == 1 else None
