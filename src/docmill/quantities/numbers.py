"""Numbers as printed: separators, groups, powers of ten; refused where two readings remain.

`grammar` builds quantities from these. No units here, and no binary floats anywhere.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from docmill.quantities.model import DecimalMark, QuantityError
from docmill.quantities.units import canonical_unit

MAX_DIGITS = 30
GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:[ '’][0-9]{3})+(?![0-9])(?! [0-9])(?:[.,][0-9]+)*")
PLAIN = re.compile(r"[.,]?[0-9]+(?:[.,'’][0-9]+)*")
EXPONENT = re.compile(r"[eE]([+\-−]?[0-9]{1,2})(?![0-9A-Za-z_.,])")
POWER = re.compile(
    r" ?[x×·⋅*] ?10(?:\^ ?\(?([+\-−]?[0-9]{1,2})\)?|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2}))(?![0-9])"
)
FLATTENED_POWER = re.compile(r" ?[x×·⋅*] ?10[-−–]?[0-9]{1,2}(?![0-9.,])")
BARE_POWER = re.compile(r"10(⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,2})(?![0-9])")
SUPERSCRIPT = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]")
PLAIN_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻−–", "0123456789+---")
SPACES = dict.fromkeys(
    map(ord, "\u00a0\u2007\u2009\u202f\u2002\u2003\u2005\u2008\u200a\u2004\u2006\u3000\t"), " "
)
EVIDENCE = re.compile(
    r"(?<![\w.,'’/:-])(?:[1-9][0-9]{0,2}(?:[ '’][0-9]{3})+(?:[.,][0-9]+)?|[0-9]+(?:[.,'’][0-9]+)+)"
    r"(?![\w.,'’/:-]?[0-9])( ?[^\W\d_]{1,4}\b| ?[%‰°€])?"
)

STEEL_NUMBER = re.compile(r"1\.[0-9]{4}")
"""`1.0577`, after EN 10027-2: its point says nothing about the document's decimal mark."""


class Number(NamedTuple):
    """An unsigned number found at a place in a text."""

    value: Decimal
    end: int
    spaced: bool
    """True if its groups were joined across ordinary spaces."""


def read_number(text: str, start: int, decimal: DecimalMark | None) -> Number | None:
    """The unsigned number that begins at `start`, powers of ten included; None if there is none.

    Raises:
        QuantityError: digits stand there that can't be read in exactly one way.
    """
    bare = BARE_POWER.match(text, start)
    if bare:
        return Number(Decimal(f"1E{bare[1].translate(PLAIN_DIGITS)}"), bare.end(), spaced=False)
    match = GROUPED.match(text, start) or PLAIN.match(text, start)
    if match is None:
        return None
    value = _value(match[0], decimal, end=match.end())
    return _with_power(text, Number(value, match.end(), spaced=" " in match[0]))


def _with_power(text: str, number: Number) -> Number:
    end = number.end
    exponent = EXPONENT.match(text, end) or POWER.match(text, end)
    if exponent:
        digits = next(group for group in exponent.groups() if group).translate(PLAIN_DIGITS)
        return Number(number.value.scaleb(int(digits)), exponent.end(), number.spaced)
    flattened = FLATTENED_POWER.match(text, end)
    if flattened:
        raise QuantityError(
            "ambiguous_power",
            f"{text[end : flattened.end()].strip()!r} may be a power of ten or a factor",
            end=flattened.end(),
        )
    if SUPERSCRIPT.match(text, end):
        raise QuantityError(
            "superscript", "a raised digit may be a power or a footnote", end=end + 1
        )
    return number


def _value(raw: str, decimal: DecimalMark | None, *, end: int) -> Decimal:
    if len(raw) > MAX_DIGITS:
        raise QuantityError("too_long", f"a number of {len(raw)} characters", end=end)
    try:
        return Decimal(_plain(raw, decimal))
    except QuantityError as error:
        error.end = end
        raise


def _plain(raw: str, decimal: DecimalMark | None) -> str:
    """Digits with `.` as decimal mark and no groups."""
    for mark in " '’":
        if mark in raw:
            return _plain_grouped(raw, mark, decimal)
    marks = [char for char in raw if char in ".,"]
    if not marks:
        return raw
    if len(set(marks)) == 2:
        last = marks[-1]
        other = "." if last == "," else ","
        whole, _, part = raw.rpartition(last)
        if marks.count(last) > 1 or not _is_grouped(whole, other):
            raise QuantityError("bad_number", f"{raw!r} is not a number")
        _agree(raw, last, decimal)
        return f"{whole.replace(other, '')}.{part}"
    return _plain_one_mark(raw, marks[0], decimal)


def _plain_one_mark(raw: str, mark: str, decimal: DecimalMark | None) -> str:
    if raw.count(mark) > 1:
        if not _is_grouped(raw, mark):
            raise QuantityError("bad_number", f"{raw!r} is not a number")
        _agree(raw, "." if mark == "," else ",", decimal)
        return raw.replace(mark, "")
    whole, _, part = raw.partition(mark)
    could_be_group = len(part) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    if not could_be_group:
        _agree(raw, mark, decimal)
        return f"{whole or '0'}.{part}"
    if decimal is None:
        raise QuantityError(
            "ambiguous_separator",
            f"{raw!r} may be {whole}{part} or {whole}.{part}: the decimal mark is unknown",
        )
    return f"{whole}.{part}" if mark == decimal else whole + part


def _plain_grouped(raw: str, mark: str, decimal: DecimalMark | None) -> str:
    whole, part, found = raw, "", ""
    for candidate in ".,":
        if candidate in raw:
            whole, found, part = raw.rpartition(candidate)
    if not _is_grouped(whole, mark) or not (part.isdigit() or not found):
        raise QuantityError("bad_number", f"{raw!r} is not a number")
    if found:
        _agree(raw, found, decimal)
    return whole.replace(mark, "") + (f".{part}" if found else "")


def _is_grouped(whole: str, mark: str) -> bool:
    first, *rest = whole.split(mark)
    return (
        1 <= len(first) <= 3
        and first.isdigit()
        and not first.startswith("0")
        and bool(rest)
        and all(len(group) == 3 and group.isdigit() for group in rest)
    )


def _agree(raw: str, mark: str, decimal: DecimalMark | None) -> None:
    if decimal is not None and mark != decimal:
        raise QuantityError(
            "decimal_conflict", f"{raw!r} does not fit the document's decimal mark {decimal!r}"
        )


def parse_number(text: str, decimal: DecimalMark | None = None) -> Decimal:
    """The whole text as one number with optional sign, e.g. `-1 200,50` or `1.5·10⁻³`.

    Raises:
        QuantityError: it is none, or it can be read in two ways.
    """
    stripped = text.translate(SPACES).strip()
    sign = -1 if stripped[:1] in ("-", "−", "–") else 1
    start = 1 if stripped[:1] in ("-", "−", "–", "+") else 0
    number = read_number(stripped, start, decimal)
    if number is None:
        raise QuantityError("no_number" if stripped else "empty", f"no number in {text[:40]!r}")
    if number.end != len(stripped):
        raise QuantityError("extra_text", f"more than a number in {text[:40]!r}")
    return sign * number.value


def numbers_equal(a: Decimal, b: Decimal) -> bool:
    """Whether two numbers are the same up to the rounding of a unit conversion (1 part in 10¹²)."""
    if not (a.is_finite() and b.is_finite()):
        return False
    return abs(a - b) <= max(abs(a), abs(b)) * Decimal("1E-12")


def detect_decimal(texts: Iterable[str]) -> DecimalMark | None:
    """The decimal mark a document uses; None if nothing proves one, or both are in use.

    Only numbers that can be read in one way are evidence. Chapter and version numbers (`3.1`) are
    none: two short groups count only with a unit behind them or a zero before the mark.
    """
    seen: set[DecimalMark] = set()
    for text in texts:
        for match in EVIDENCE.finditer(text.translate(SPACES)):
            mark = _evidence(match)
            if mark is not None:
                seen.add(mark)
        if len(seen) == 2:
            return None
    return seen.pop() if seen else None


def _evidence(match: re.Match[str]) -> DecimalMark | None:
    raw = match[0][: len(match[0]) - len(match[1] or "")]
    if not ("." in raw or "," in raw) or len(raw) > MAX_DIGITS:
        return None
    readable: set[DecimalMark] = {mark for mark in (".", ",") if _readable(raw, mark)}
    if len(readable) != 1:
        return None
    if STEEL_NUMBER.fullmatch(raw) and not match[1]:
        return None
    parts = re.split(r"[.,]", raw)
    looks_like_month = len(parts) == 2 and len(parts[0]) <= 2 and parts[1][:2] in ("19", "20")
    looks_like_chapter = len(parts) == 2 and len(parts[0]) <= 2 and len(parts[1]) <= 2
    if (looks_like_month and len(parts[1]) == 4) or looks_like_chapter:
        return readable.pop() if parts[0] == "0" or _is_unit(match[1]) else None
    return readable.pop()


def _is_unit(text: str | None) -> bool:
    """Whether a short word behind a number is a unit for certain, and not a word of a sentence."""
    word = (text or "").strip()
    return word not in ("in", "d", "h", "t", "l") and canonical_unit(word) is not None


def _readable(raw: str, decimal: DecimalMark) -> bool:
    try:
        _plain(raw, decimal)
    except QuantityError:
        return False
    return True
