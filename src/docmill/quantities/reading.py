"""Reading quantities: one whole text (`parse_quantity`) or all in a longer one (`find_quantities`).

The grammar stands in `grammar`. Linear in the length of the text, whatever it holds.
"""

import re
from dataclasses import replace

from docmill.quantities.atoms import BLOB, CURRENCY, Source
from docmill.quantities.grammar import read_phrase
from docmill.quantities.model import DecimalMark, Parsed, QuantityError, Span
from docmill.quantities.words import BEFORE, BETWEEN, CHARACTERS

MAX_LENGTH = 200
CANDIDATE = re.compile(
    r"(?P<diameter>Ø)|(?P<word>[^\W\d_])|(?P<number>[0-9]|[.,](?=[0-9]))|(?P<sign>[+\-−–±∓])|"
    r"(?P<bound>[<>≤≥=~≈])|(?P<currency>[€$£¥₹₺₽₩₴₪₫])|(?P<open>[(\[])|(?P<close>\))"
)
IDENTIFIER = re.compile(r"\w+(?:[-/_&+]\w+)*")
OPEN_WORD = re.compile(r"[\[(]")


def parse_quantity(
    text: str, *, decimal: DecimalMark | None = None, unit_hint: str | None = None
) -> Parsed:
    """The whole text as one quantity.

    `decimal` is the document's decimal mark where it is known (`detect_decimal`). `unit_hint` is
    the unit that is wanted; it only decides what is ambiguous otherwise (`$`, `5 min`,
    `50 ± 5 %`) and never stands in for a unit that isn't printed.

    Raises:
        QuantityError: no quantity, more than one, or one with two readings.
    """
    if len(text) > MAX_LENGTH:
        raise QuantityError("too_long", f"a text of {len(text)} characters is no quantity")
    clean = text.translate(CHARACTERS)
    start = len(clean) - len(clean.lstrip())
    end = len(clean.rstrip(" \n\r.;:,"))
    if start >= end:
        raise QuantityError("empty", "no text")
    source = Source(clean, text, decimal, unit_hint, finding=False)
    phrase = read_phrase(source, start)
    if phrase is None:
        digits = any(char.isdigit() for char in clean)
        raise QuantityError(
            "identifier" if digits else "no_number", f"{text.strip()[:40]!r} is no quantity"
        )
    if phrase.end < end:
        raise QuantityError("extra_text", f"more than one quantity in {text.strip()[:40]!r}")
    return replace(phrase.parsed, raw=text[start : max(end, phrase.end)])


def find_quantities(
    text: str, *, decimal: DecimalMark | None = None, unit_hint: str | None = None
) -> list[Span]:
    """All quantities of a text from left to right, each as long as possible, none overlapping.

    What can't be read in one way (identifiers, dates, fractions, `1,234` without a known decimal
    mark) is left out. Whether a number is ambiguous can be asked with `parse_quantity`.
    """
    clean = text.translate(CHARACTERS)
    source = Source(clean, text, decimal, unit_hint, finding=True)
    spans: list[Span] = []
    position, depth = 0, 0
    while match := CANDIDATE.search(clean, position):
        start = match.start()
        depth = _depth(match, depth)
        found, position = _at(source, match)
        if found is not None and not _is_footnote(clean, found, position, depth):
            spans.append(Span(start, position, replace(found, raw=text[start:position])))
    return spans


def _depth(match: re.Match[str], depth: int) -> int:
    if match["open"]:
        return depth + 1
    return max(0, depth - 1) if match["close"] else depth


def _at(source: Source, match: re.Match[str]) -> tuple[Parsed | None, int]:
    """The quantity at a candidate, and where to go on."""
    start = match.start()
    if match["close"] or not _may_begin(source.text, match):
        return None, _past(source.text, match)
    try:
        phrase = read_phrase(source, start)
    except QuantityError as error:
        end = max(error.end, start + 1)
        blob = BLOB.match(source.text, end) if source.text[end - 1] != " " else None
        return None, blob.end() if blob else end
    if phrase is None:
        return None, _past(source.text, match)
    return phrase.parsed, phrase.end


def _may_begin(text: str, match: re.Match[str]) -> bool:
    start = match.start()
    if match["word"]:
        return bool(
            BEFORE.match(text, start) or BETWEEN.match(text, start) or CURRENCY.match(text, start)
        )
    if match["sign"] and match["sign"] not in "±∓":
        return start == 0 or not (text[start - 1].isalnum() or text[start - 1] in ")]_")
    return True


def _past(text: str, match: re.Match[str]) -> int:
    """Behind a candidate that is no quantity: a whole identifier, or one sign."""
    start = match.start()
    if match["word"]:
        identifier = IDENTIFIER.match(text, start)
        return identifier.end() if identifier else start + 1
    if match["sign"] and start > 0 and text[start - 1].isalnum():
        blob = BLOB.match(text, start)
        return max(start + 1, blob.end() if blob else 0)
    return start + 1


def _is_footnote(text: str, parsed: Parsed, end: int, depth: int) -> bool:
    """`1)` outside of brackets is a mark, not a number."""
    bare = parsed.kind == "exact" and parsed.unit is None
    return bare and depth == 0 and text.startswith(")", end)
