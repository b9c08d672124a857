"""Units of claims: compared, converted where that is exact, found in headers.

What a unit is says `quantities`; this is only about units as proof.
"""

import re
from decimal import Decimal

from docmill.documents.text import legible, normalise
from docmill.quantities.convert import IncompatibleUnits, compatible, convert
from docmill.quantities.unit_data import CURRENCIES
from docmill.quantities.units import canonical_unit, resolve_shared

_STRIPPED = ",;:.*"
_BEFORE_UNIT = ("in", "en", "/", "|")
_BRACKETED = re.compile(r"[\[(]([^\[\]()]{1,48})[\])]")
_DIVIDER = re.compile("[,;]")
_BY_MASS = re.compile(
    r"(?:%|percent|per cent) by (?:mass|weight)|(?:mass|weight) (?:%|percent|per cent)|"
    r"(?:massen|gewichts)(?:-?%|anteile? in %|prozent)",
    re.IGNORECASE,
)


def spelling(unit: str | None, wanted: str | None) -> str | None:
    """A unit in the field's own spelling if it is the same, else canonical, else as given."""
    if unit is None:
        return None
    if wanted is not None and same_unit(unit, wanted):
        return wanted
    return canonical(unit) or normalise(unit)[:40]


def canonical(unit: str) -> str | None:
    """The one spelling of a unit, symbol fonts and compatibility characters included."""
    return canonical_unit(legible(unit.strip(_STRIPPED)))


def same_unit(a: str, b: str) -> bool:
    """Whether two spellings mean one unit; `$` is the same as `USD` or `CAD`."""
    one, other = canonical(a), canonical(b)
    if one is None or other is None:
        return a.strip() == b.strip()
    return one == other or resolve_shared(one, other) == other or resolve_shared(other, one) == one


def in_unit(value: Decimal, unit: str | None, wanted: str | None) -> Decimal:
    """A value in the wanted unit if it converts there and back without a trace, else as it is."""
    if unit is None or wanted is None or same_unit(unit, wanted):
        return value
    try:
        source, target = legible(unit), legible(wanted)
        converted = convert(value, source, target)
        return converted if convert(converted, target, source) == value else value
    except IncompatibleUnits:
        return value


def equal_after_conversion(
    printed: Decimal, printed_unit: str, claimed: Decimal, claimed_unit: str
) -> bool:
    """Whether the printed quantity is exactly the claimed one."""
    if same_unit(printed_unit, claimed_unit):
        return printed == claimed
    try:
        return convert(printed, printed_unit, legible(claimed_unit)) == claimed
    except IncompatibleUnits:
        return False


def unit_in_header(text: str, unit: str) -> bool | None:
    """Whether a label or column header gives this unit: `U [V]`, `Length in mm`, `Rm / MPa`, `EUR`.

    None if it gives no unit of this kind at all; a number's own unit (`5 A`) isn't the header's.
    """
    found = [candidate for candidate in _units_of(text) if _comparable(candidate, unit)]
    return any(same_unit(candidate, unit) for candidate in found) if found else None


def bracketed_unit(text: str, unit: str) -> bool:
    """Whether the text gives this unit in brackets."""
    return any(same_unit(inner, unit) for inner in _BRACKETED.findall(text))


def is_unit(text: str) -> bool:
    """Whether the text is a unit and nothing else."""
    return canonical(text) is not None


def _units_of(text: str) -> list[str]:
    """Units in brackets, behind `in` or `/`, at the end, or a currency or percentage anywhere."""
    found = [part for inner in _BRACKETED.findall(text) for part in _DIVIDER.split(str(inner))]
    found += ["%"] * len(_BY_MASS.findall(text))
    words = [word.strip(_STRIPPED) for word in _BRACKETED.sub(" ", text).split()]
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        placed = number == len(words) - 1 or before in _BEFORE_UNIT
        if (placed or word in CURRENCIES) and not any(char.isdigit() for char in before):
            found.append(word)
    return [unit for unit in found if canonical(unit) is not None]


def _comparable(a: str, b: str) -> bool:
    return same_unit(a, b) or compatible(a, b)
