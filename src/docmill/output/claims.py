"""One submitted claim: from untrusted JSON to a `Claim` with its value in normal form.

Every error says what is wrong, where, and what would be right. Whether a claim is true is the
business of `grounding`; which claims a record has, of `submitted`.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, cast

from pydantic import ValidationError
from pydantic_core import SchemaValidator, core_schema
from rapidfuzz import process

from docmill.documents.text import normalise
from docmill.records.values import Claim, Range
from docmill.spec.fields import Field, FieldType

Value = bool | Decimal | date | Range | str

MAX_TEXT = 2000
"""Characters of a value, a quote, a label or a reason."""
_MAX_NUMBER = 60
_MAX_EXPONENT = 60
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLAIM_KEYS = tuple(Claim.model_fields)
_FORM: dict[FieldType, str] = {
    "text": 'a text, e.g. "value": "as printed"',
    "id": 'a text, e.g. "value": "A-1234"',
    "integer": 'a whole number, e.g. "value": 12',
    "number": 'a number, e.g. "value": "1200.50"',
    "quantity": 'a number and its unit apart, e.g. "value": "3.3", "unit": "V"',
    "range": 'an object, e.g. "value": {"min": "-40", "max": "85"}, "unit": "°C"',
    "date": 'a date, e.g. "value": "2024-03-31"',
    "boolean": '"value": true or "value": false',
}


class ClaimError(ValueError):
    """A claim that can't be used; `key` is the place inside the claim, `code` is stable."""

    def __init__(self, code: str, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.key = key


class ReadClaim(NamedTuple):
    """A claim of the right form, and its value: never NaN, never longer than allowed."""

    claim: Claim
    value: Value


def read_claim(submitted: Mapping[str, Any], field: Field) -> ReadClaim:
    """A claim of the field's type.

    Raises:
        ClaimError: the first thing that is wrong with it.
    """
    _check_keys(submitted)
    value = read_value(submitted["value"], field)
    meta = {key: item for key, item in submitted.items() if key != "value"}
    for key in ("quote", "label", "unit"):
        text = meta.get(key)
        if isinstance(text, str) and len(text) > MAX_TEXT:
            message = f"{len(text)} characters; at most {MAX_TEXT}: the fewest words that prove it"
            raise ClaimError("too_long", message, key=key)
    try:
        claim = Claim.model_validate({**meta, "value": None})
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(str(part) for part in detail["loc"][:2])
        raise ClaimError("bad_claim", _lower_first(detail["msg"]), key=key) from None
    return ReadClaim(claim, value)


def _check_keys(submitted: Mapping[str, Any]) -> None:
    for key in submitted:
        if key not in _CLAIM_KEYS:
            message = f"{show(key)} is no part of a claim{did_you_mean(key, _CLAIM_KEYS)}"
            raise ClaimError("unknown_key", message)
    for key in ("value", "page", "quote"):
        if key not in submitted:
            raise ClaimError("incomplete", f"`{key}` is missing; a claim has value, page and quote")


def read_value(value: object, field: Field) -> Value:
    """The value in normal form.

    Raises:
        ClaimError: it isn't of the field's type.
    """
    return _READERS[field.type](value, field)


def _wrong_type(value: object, field: Field) -> ClaimError:
    return ClaimError("wrong_type", f"{show(value)} is not {_FORM[field.type]}", key="value")


def _read_text(value: object, field: Field) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 200:
        value = str(value)
    if not isinstance(value, str):
        raise _wrong_type(value, field)
    if len(value) > MAX_TEXT:
        raise ClaimError("too_long", f"{len(value)} characters; at most {MAX_TEXT}", key="value")
    text = normalise(value)
    if not text:
        raise ClaimError("empty", "the value is empty; give null if there is none", key="value")
    if field.enum is not None:
        return _canonical(text, field.enum)
    if field.pattern is not None and not _matches(field.pattern, text):
        message = f"{show(text)} doesn't match the pattern {field.pattern}"
        raise ClaimError("pattern", message, key="value")
    return text


def _canonical(text: str, enum: Mapping[str, tuple[str, ...]]) -> str:
    folded = text.casefold()
    for canonical, spellings in enum.items():
        if any(folded == normalise(known).casefold() for known in (canonical, *spellings)):
            return canonical
    known = ", ".join(enum)
    hint = did_you_mean(text, tuple(enum))
    raise ClaimError("not_in_enum", f"{show(text)} is none of: {known}{hint}", key="value")


def _matches(pattern: str, text: str) -> bool:
    # The Rust engine of pydantic matches in linear time; `re` would not.
    try:
        _validator(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _validator(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=rf"^(?:{pattern})$"))


def read_decimal(value: object, field: Field) -> Decimal:
    """A finite number of sane size from a JSON number or a decimal string.

    Raises:
        ClaimError: it isn't one.
    """
    if isinstance(value, str):
        number = _from_string(value.strip(), field)
    elif isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise _wrong_type(value, field)
    elif isinstance(value, int) and value.bit_length() > 200:
        raise ClaimError("number_size", "a number of more than 60 digits", key="value")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ClaimError("wrong_type", f"{value} is not a number a document states", key="value")
    else:
        number = Decimal(str(value))
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        raise ClaimError("number_size", f"{show(value)} is beyond any quantity", key="value")
    return number


def _from_string(text: str, field: Field) -> Decimal:
    if len(text) <= _MAX_NUMBER and _NUMBER.fullmatch(text):
        return Decimal(text)
    message = f'{show(text)} is not a plain number: digits, "." as decimal mark, no groups, no unit'
    if field.type == "quantity":
        message += "; the unit goes into `unit`"
    raise ClaimError("wrong_type", message, key="value")


def _read_integer(value: object, field: Field) -> Decimal:
    number = read_decimal(value, field)
    if number != number.to_integral_value():
        raise ClaimError("wrong_type", f"{show(value)} is not a whole number", key="value")
    return number


def _read_range(value: object, field: Field) -> Range:
    if not isinstance(value, dict):
        raise _wrong_type(value, field)
    ends = cast("dict[str, object]", value)
    for key in ends:
        if key not in ("min", "typ", "max"):
            raise ClaimError("unknown_key", f"{show(key)}: a range has min, typ, max", key="value")
    read = {key: read_decimal(end, field) for key, end in ends.items() if end is not None}
    if not read:
        raise ClaimError("empty", "a range has at least one of min, typ, max", key="value")
    given = [read[key] for key in ("min", "typ", "max") if key in read]
    if given != sorted(given):
        raise ClaimError("reversed", "a range has min <= typ <= max", key="value")
    return Range(**read)


def _read_date(value: object, field: Field) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        raise _wrong_type(value, field)
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ClaimError("wrong_type", f"{show(value)} is no day of the calendar") from None


def _read_boolean(value: object, field: Field) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, field)
    return value


_READERS: dict[FieldType, Callable[[object, Field], Value]] = {
    "text": _read_text,
    "id": _read_text,
    "integer": _read_integer,
    "number": read_decimal,
    "quantity": read_decimal,
    "range": _read_range,
    "date": _read_date,
    "boolean": _read_boolean,
}


def show(value: object) -> str:
    """A submitted value for a message: short, on one line, whatever it is."""
    if isinstance(value, str):
        text = normalise(value[:80])
        return f'"{text[:60]}…"' if len(value) > 60 else f'"{text}"'
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"
    return str(value)[:60]


def did_you_mean(name: str, known: tuple[str, ...]) -> str:
    """` (did you mean `total`?)`, or nothing if no known name comes close."""
    best = process.extractOne(name[:80], known, score_cutoff=60)
    return f"; did you mean `{best[0]}`?" if best else ""


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
