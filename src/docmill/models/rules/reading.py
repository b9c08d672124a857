"""Words of a cell read as a value of a field's type; several readings where several are possible.

Numbers, units and dates come from `docmill.quantities`; a reading keeps the words it was read from,
for they are the quote. Which cell to read is the business of `scalars` and `groups`.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from docmill.documents.layout import Word
from docmill.documents.text import normalise
from docmill.models.rules.folding import fold, fold_text, vocabulary
from docmill.models.rules.numeric import Context, numeric_readings, words_between
from docmill.quantities.dates import find_dates
from docmill.spec.fields import Field

__all__ = ["NUMERIC", "Context", "Reading", "read_words"]

NUMERIC = ("quantity", "number", "integer", "range")
"""Types of fields that hold numbers."""

_YES = vocabulary("yes y ja oui si tak true wahr x ✓ ✔ ☑ ☒ passed")
_NO = vocabulary("no n nein non nie false falsch ☐ failed")
_EMPTY = re.compile(r"^[-–—−./\s*]*$|^(?:n/?a|n\.a\.|none|tbd|k\.?a\.?)$", re.IGNORECASE)
_BEFORE_DATE = re.compile(r"^[^\d]{0,40}$")
_AFTER_DATE = re.compile(r"^[\s,.;)T]*(?:\d{1,2}[:.h]\d{2}(?::\d{2})?.{0,12})?$|^[^\d]{0,40}$")
_LEADING = re.compile(r"\d{1,2}(?=\D)")
_BULLETS = re.compile(r"^[•▪■◦‣·:=|]+$")


class Reading(NamedTuple):
    """A value with the words it was read from."""

    value: Any
    """As `submit_record` takes it: text, decimal string, ISO date, bool, `{min, typ, max}`."""
    unit: str | None
    words: tuple[Word, ...]
    key: str
    """Equal for equal values, whatever their spelling."""
    whole: bool
    """True if nothing else stands in the words that were given."""


def read_words(field: Field, words: Sequence[Word], context: Context) -> tuple[Reading, ...]:
    """All readings of the words as a value of the field; none if they hold no such value."""
    kept = tuple(words)
    while kept and _BULLETS.match(kept[0].text):
        kept = kept[1:]
    while kept and _BULLETS.match(kept[-1].text):
        kept = kept[:-1]
    if not kept or _EMPTY.match(" ".join(word.text for word in kept)):
        return ()
    if field.type in NUMERIC:
        return tuple(
            Reading(item.value, item.unit, item.words, item.key, len(item.words) == len(kept))
            for item in numeric_readings(field, kept, context)
        )
    if field.type == "date":
        return _dates(kept, context)
    if field.type == "boolean":
        return _boolean(kept)
    return _text(field, kept)


def _dates(words: tuple[Word, ...], context: Context) -> tuple[Reading, ...]:
    """The one date of the words; before it nothing or a place, behind it nothing or a time."""
    plain = [normalise(word.text) for word in words]
    text = " ".join(plain)
    spans = find_dates(text)
    if len(spans) != 1 or not _BEFORE_DATE.match(text[: spans[0].start]):
        return ()
    if not _AFTER_DATE.match(text[spans[0].end :]):
        return ()
    used = words_between(words, plain, spans[0].start, spans[0].end)
    readings = spans[0].readings
    first = _LEADING.match(text[spans[0].start :])
    if len(readings) > 1 and first and context.day_first is not None:
        part = int(first[0])
        agreeing = tuple(
            day for day in readings if part == (day.day if context.day_first else day.month)
        )
        readings = agreeing or readings
    return tuple(
        Reading(day.isoformat(), None, used, day.isoformat(), whole=True) for day in readings
    )


def _boolean(words: tuple[Word, ...]) -> tuple[Reading, ...]:
    folded = fold(words[0].text) or words[0].text
    for answers, value in ((_YES, True), (_NO, False)):
        if folded in answers and len(words) <= 2:
            return (Reading(value, None, words[:1], str(value), len(words) == 1),)
    return ()


def _text(field: Field, words: tuple[Word, ...]) -> tuple[Reading, ...]:
    if field.enum is not None:
        return _enum(field.enum, words)
    if field.pattern is not None:
        return _matching(field.pattern, words, field.type == "id")
    text = " ".join(word.text for word in words)
    if field.type == "id" and not _looks_like_id(text):
        return ()
    return (Reading(text, None, words, _text_key(field, text), whole=True),)


def _text_key(field: Field, text: str) -> str:
    plain = normalise(text).casefold()
    return plain.replace(" ", "") if field.type == "id" else plain


def _looks_like_id(text: str) -> bool:
    """Identifiers hold a digit and are short; a phrase of several words is none."""
    return any(char.isdigit() for char in text) and len(text.split()) <= 6 and len(text) <= 60


def _enum(enum: dict[str, tuple[str, ...]], words: tuple[Word, ...]) -> tuple[Reading, ...]:
    spellings = {
        _enum_form(spelling): key for key, others in enum.items() for spelling in (key, *others)
    }
    folded = [_enum_form(word.text) for word in words]
    found: dict[str, Reading] = {}
    for first in range(len(words)):
        for last in range(min(first + 6, len(words)), first, -1):
            key = spellings.get("".join(folded[first:last]))
            if key is not None and key not in found:
                whole = last - first == len(words)
                found[key] = Reading(key, None, words[first:last], key, whole)
                break
    return _longest(found)


def _enum_form(text: str) -> str:
    """The folded text, or a sign such as `€` as it is."""
    return fold_text(text) or text.strip()


def _longest(found: dict[str, Reading]) -> tuple[Reading, ...]:
    """Without readings whose words are part of another one's (`passed` in `not passed`)."""
    readings = list(found.values())
    return tuple(
        one
        for one in readings
        if not any(other is not one and set(one.words) < set(other.words) for other in readings)
    )


def _matching(pattern: str, words: tuple[Word, ...], is_id: bool) -> tuple[Reading, ...]:
    """The longest run of words that fits the pattern, from the first word that begins one."""
    try:
        expression = re.compile(pattern)
    except re.error:
        return ()
    for first in range(len(words)):
        for last in range(min(first + 8, len(words)), first, -1):
            run = words[first:last]
            for joint in (" ", ""):
                text = joint.join(word.text for word in run).strip(",;:")
                if expression.fullmatch(text):
                    key = normalise(text).casefold().replace(" ", "" if is_id else " ")
                    return (Reading(text, None, run, key, last - first == len(words)),)
    return ()
