"""One signed number with what belongs to it: currency or bracketed unit before, unit or fit behind.

`grammar` joins atoms into quantities. What looks like part of an identifier, a fraction, a date or
an uncertainty in brackets is refused here.
"""

import re
from decimal import Decimal
from typing import NamedTuple

from docmill.quantities.fits import FIT
from docmill.quantities.model import DecimalMark, QuantityError
from docmill.quantities.numbers import read_number
from docmill.quantities.unit_data import CURRENCIES
from docmill.quantities.units import canonical_unit, resolve_shared, scan_unit

CURRENCY = re.compile(
    rf"(?P<symbol>(?:US|AU?|CA?|NZ|HK|S|R)?\$|[€£¥₹₺₽₩₴₪₫]|SFr\.|"
    rf"(?:{'|'.join(CURRENCIES)})(?![^\W\d_])) ?(?=[+\-−–]? ?[0-9.,])"
)
BRACKETED = re.compile(
    r"(?:\[(?P<square>[^\[\]]{1,16})\]|\((?P<round>[^()\[\]]{2,16})\)) {0,2}(?=[+\-−–.,0-9])"
)
DIAMETER = re.compile(r"Ø ?")
SIGN = re.compile(r"(?P<sign>[+\-−–])(?P<gap> {0,2})(?=[0-9.,])")
GAP = re.compile(r" {0,2}")
BLOB = re.compile(r"[\w.,:/\-+'^]*")
UNCERTAINTY = re.compile(r"\([0-9.,]{1,6}\)")
DIGITS_APART = re.compile(r"[0-9] [0-9]{3}")
LETTER_FIRST = re.compile(r" *[\w]")


class Atom(NamedTuple):
    """A signed number at `start:end` with its unit."""

    value: Decimal
    unit: str | None
    fit: str | None
    start: int
    end: int
    sign: str
    """The sign as printed, or empty."""
    unit_first: bool
    """True if the unit stands before the number."""
    spaced: bool
    diameter: bool


class Source(NamedTuple):
    """A text being read: `text` normalised character by character, `raw` as it was."""

    text: str
    raw: str
    decimal: DecimalMark | None
    hint: str | None
    finding: bool
    """True when looking for quantities in running text, where more has to be refused."""


def read_atom(source: Source, start: int, *, sign_may_stand_off: bool = False) -> Atom | None:
    """The atom that begins at `start`, or None if no number does.

    Raises:
        QuantityError: a number stands there that is no quantity, or is ambiguous.
    """
    text = source.text
    diameter = DIAMETER.match(text, start)
    position = diameter.end() if diameter else start
    first_unit, position = _unit_before(text, position)
    sign = SIGN.match(text, position)
    if sign:
        _check_sign(source, sign, sign_may_stand_off)
        position = sign.end()
    if first_unit is None:
        first_unit, position = _currency(text, position)
    number = read_number(text, position, source.decimal)
    if number is None:
        return None
    spaced = DIGITS_APART.search(source.raw, position, number.end) is not None
    unit, fit, end = _behind(source, number.end, first_unit is None)
    _check_end(text, number.end, end, unit or fit)
    value = -number.value if sign and sign["sign"] != "+" else number.value
    if fit and unit is None:
        unit = "mm"
    resolved = resolve_shared(unit or first_unit or "", source.hint) or None
    return Atom(value, resolved, fit, start, end, sign["sign"] if sign else "", unit is None
                and first_unit is not None, spaced, diameter is not None)  # fmt: skip


def _unit_before(text: str, position: int) -> tuple[str | None, int]:
    bracketed = BRACKETED.match(text, position)
    if bracketed:
        unit = canonical_unit(bracketed["square"] or bracketed["round"])
        if unit:
            return unit, bracketed.end()
    return _currency(text, position)


def _currency(text: str, position: int) -> tuple[str | None, int]:
    currency = CURRENCY.match(text, position)
    if currency:
        unit = canonical_unit(currency["symbol"])
        if unit:
            return unit, currency.end()
    return None, position


def _check_sign(source: Source, sign: re.Match[str], may_stand_off: bool) -> None:
    """A hyphen with a space behind it may be a bullet or a dash; a true minus is a minus."""
    if sign["gap"] and sign["sign"] in "-–" and not may_stand_off:
        raise QuantityError(
            "ambiguous_sign",
            "a dash that stands off its number may be a minus or a bullet",
            end=_blob_end(source.text, sign.end()),
        )


def _behind(source: Source, end: int, unit_wanted: bool) -> tuple[str | None, str | None, int]:
    """Unit and fit behind a number, and where they end."""
    text = source.text
    gap = GAP.match(text, end)
    position = gap.end() if gap else end
    fit = _fit(text, position)
    if fit:
        after = GAP.match(text, fit.end())
        unit = scan_unit(text, after.end() if after else fit.end())
        return (unit.unit, fit[0], unit.end) if unit else (None, fit[0], fit.end())
    unit = scan_unit(text, position)
    if unit is None or not _is_unit_here(source, position, unit.end, unit.unit):
        return None, None, end
    if not unit_wanted and unit.unit in ("in", "h", "d", "t"):
        return None, None, end
    gap = GAP.match(text, unit.end)
    fit = _fit(text, gap.end()) if gap and gap.end() > unit.end and unit.unit == "mm" else None
    return (unit.unit, fit[0], fit.end()) if fit else (unit.unit, None, unit.end)


def _fit(text: str, position: int) -> re.Match[str] | None:
    fit = FIT.match(text, position)
    if fit and (
        fit.end() == len(text) or not (text[fit.end()].isalnum() or text[fit.end()] in "/_")
    ):
        return fit
    return None


def _is_unit_here(source: Source, start: int, end: int, unit: str) -> bool:
    """Whether a spelling that is also a word or a quotation mark is a unit at this place."""
    text = source.text
    printed = text[start:end]
    if printed in ('"', "”"):
        attached = start > 0 and text[start - 1] != " "
        return attached and text.count('"', max(0, start - 200), start) % 2 == 0
    if printed in ("in", "a", "each", "lei") or (printed == "A" and source.finding):
        rest = text[end : end + 3]
        return LETTER_FIRST.match(rest) is None or (printed == "A" and not rest[1:2].islower())
    return bool(unit)


def _check_end(text: str, number_end: int, end: int, marked: str | None) -> None:
    following = text[end : end + 2]
    if not following:
        return
    first, second = following[0], following[1:2]
    identifier = not marked and (
        first.isalnum()
        or first in "_^"
        or (first == "/" and (second.isalnum() or second in ("+", "-")))
        or (first in "-–−" and (second.isalpha() and second not in "Ø"))
    )
    if identifier or (first in ":/" and second.isdigit()) or UNCERTAINTY.match(text, number_end):
        raise QuantityError(
            "identifier",
            f"{text[number_end : number_end + 8].strip()!r} behind the number: an identifier, a "
            "fraction or an uncertainty, not a plain quantity",
            end=_blob_end(text, end),
        )


def _blob_end(text: str, position: int) -> int:
    blob = BLOB.match(text, position)
    return blob.end() if blob else position
