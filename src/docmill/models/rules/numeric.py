"""Words read as numbers, quantities and ranges, with the unit from the cell or from beside it.

Refuses what `docmill.quantities` refuses; a unit of another dimension than the field's is no
reading at all.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, cast

from docmill.documents.layout import Word
from docmill.documents.text import normalise
from docmill.quantities.convert import compatible, convert
from docmill.quantities.model import DecimalMark, Parsed, QuantityError
from docmill.quantities.reading import find_quantities, parse_quantity
from docmill.quantities.units import canonical_unit, resolve_shared
from docmill.spec.fields import Field

_LEAD = re.compile(
    r"^(?:is|was|of|ca\.?|approx\.?|about|typ\.?|nom\.?|typical|nominal)$", re.IGNORECASE
)
_TAIL = re.compile(
    r"^(?:typ\.?|nom\.?|typical|nominal|\(typ\.?\)|\(nom\.?\)|abs\.?)$", re.IGNORECASE
)


_GOES_ON = re.compile(r"[*/×+\-_=]|[x·⋅]\s*\d")


_ALSO = frozenset([("lbf·ft", "J")])
"""Units of another kind that are also used for the wanted one: impact energy in ft·lbf."""


class Context(NamedTuple):
    """What is known about a cell beside its words."""

    decimal: DecimalMark | None = None
    unit: str | None = None
    """Unit from the column, the header or the label."""
    bound: str | None = None
    """`min` or `max` if column or label say so."""
    stated: tuple[str, ...] = ()
    """Units the document states for all its values: its only currency."""
    day_first: bool | None = None
    """Whether `05/06/2024` begins with the day, if the document tells."""


class Numeric(NamedTuple):
    """A reading in numbers."""

    value: Any
    unit: str | None
    words: tuple[Word, ...]
    key: str


def numeric_readings(
    field: Field, words: tuple[Word, ...], context: Context
) -> tuple[Numeric, ...]:
    """The words as a value of a numeric field; at most one."""
    words = _without_comments(words)
    parsed, used = _parse(words, context.decimal, field.unit)
    if parsed is None:
        return ()
    try:
        unit = _unit(field, parsed, context)
    except _OtherKindError:
        return ()
    if unit is None and len(words) > len(used):
        if field.type not in ("number", "integer") and len(words) == len(used) + 1:
            unit, used = words[-1].text, words  # a unit nobody knows; the check says so
        else:
            return ()
    value = _range(parsed, context) if field.type == "range" else _scalar(field, parsed, context)
    if value is None:
        return ()
    return (Numeric(value, unit, used, value_key(value, unit, field.unit)),)


def _without_comments(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words without `approx.` before and `typ.` behind the value."""
    first, end = 0, len(words)
    while first < end - 1 and _LEAD.match(words[first].text):
        first += 1
    while end > first + 1 and _TAIL.match(words[end - 1].text):
        end -= 1
    return words[first:end]


def _parse(
    words: tuple[Word, ...], decimal: DecimalMark | None, wanted: str | None
) -> tuple[Parsed | None, tuple[Word, ...]]:
    """The whole of the words as one quantity, else the one at their beginning."""
    plain = [normalise(word.text) for word in words]
    plain[0] = plain[0].lstrip("=:") or plain[0]
    text = " ".join(plain)
    try:
        return parse_quantity(text, decimal=decimal, unit_hint=wanted), words
    except QuantityError:
        pass
    for span in find_quantities(text, decimal=decimal, unit_hint=wanted):
        if span.start == 0:
            used = _words_until(plain, span.end)
            if used and not _goes_on(text[span.end :].lstrip()):
                return span.parsed, words[:used]
        break
    return None, ()


def _goes_on(rest: str) -> bool:
    """Whether what follows a number shows that it isn't one: a product, a sum, a part of a name."""
    return bool(_GOES_ON.match(rest))


def _words_until(plain: Sequence[str], end: int) -> int:
    """How many words the first `end` characters are; 0 if they end inside a word."""
    length = 0
    for count, word in enumerate(plain, start=1):
        length += len(word)
        if length >= end:
            tail = word[len(word) - (length - end) :] if length > end else ""
            return count if not tail.strip(".,;:)") else 0
        length += 1
    return len(plain)


def words_between(
    words: tuple[Word, ...], plain: Sequence[str], start: int, end: int
) -> tuple[Word, ...]:
    """The words that hold the characters `start` to `end` of their text with single spaces."""
    used: list[Word] = []
    place = 0
    for word, text in zip(words, plain, strict=True):
        if place < end and place + len(text) > start:
            used.append(word)
        place += len(text) + 1
    return tuple(used)


class _OtherKindError(ValueError):
    """A unit that measures something else than the field."""


def _unit(field: Field, parsed: Parsed, context: Context) -> str | None:
    """The value's unit, if any.

    Raises:
        _OtherKindError: it can't be the field's.
    """
    printed = parsed.unit or context.unit or _stated(field, context)
    if printed is None:
        return None
    printed = normalise(printed)
    if field.unit is None:
        return printed
    unit = resolve_shared(canonical_unit(printed) or printed, field.unit)
    if canonical_unit(unit) is None:
        return printed
    if compatible(unit, field.unit) or (canonical_unit(unit), field.unit) in _ALSO:
        return unit
    raise _OtherKindError(unit)


def _stated(field: Field, context: Context) -> str | None:
    if field.type in ("number", "integer") or field.unit is None:
        return None
    return next((unit for unit in context.stated if compatible(unit, field.unit)), None)


def _scalar(field: Field, parsed: Parsed, context: Context) -> str | None:
    """The number; where the field picks an end, that end of what was printed, not a bare value."""
    number = parsed.value
    if field.pick in ("min", "max"):
        number = parsed.low if field.pick == "min" else parsed.high
        if parsed.kind == "exact" and context.bound == field.pick:
            number = parsed.value
    elif parsed.kind == "interval":
        number = None
    if number is None or (field.type == "integer" and number != number.to_integral_value()):
        return None
    return plain(number)


def _range(parsed: Parsed, context: Context) -> dict[str, str] | None:
    if parsed.kind == "exact":
        if parsed.value is None or context.bound is None:
            return None
        return {context.bound: plain(parsed.value)}
    ends = {"min": parsed.low, "typ": parsed.nominal, "max": parsed.high}
    return {name: plain(number) for name, number in ends.items() if number is not None} or None


def plain(number: Decimal) -> str:
    """The number without exponent, its printed digits kept."""
    return format(number, "f")


def value_key(value: Any, unit: str | None, wanted: str | None) -> str:
    """Equal for equal numbers and ranges, whatever their digits and, if it converts, their unit."""
    if isinstance(value, dict):
        parts = cast("dict[str, str]", value)
        return ";".join(f"{name}={value_key(parts[name], unit, wanted)}" for name in sorted(parts))
    number = Decimal(str(value))
    if unit and wanted and canonical_unit(unit) and compatible(unit, wanted):
        number = convert(number, unit, wanted)
    return str(number.normalize())
