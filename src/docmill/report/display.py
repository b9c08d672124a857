"""How values, amounts and sizes read as text; the same in HTML, Markdown and Excel.

Escaping is not done here: each writer escapes for its own format.
"""

import re
from datetime import date, datetime
from decimal import Decimal

from docmill.records.checked import CheckedValue, Reading
from docmill.records.values import Range

QUALIFIERS = {"=": "", "<": "< ", "<=": "≤ ", ">": "> ", ">=": "≥ ", "~": "≈ "}
NOTHING = "—"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def number_text(number: Decimal) -> str:
    """All digits as stored, a real minus sign, no exponent unless it would be absurdly long."""
    if abs(number.adjusted()) > 18 or len(number.as_tuple().digits) > 30:
        return str(number)
    return format(number, "f").replace("-", "\u2212")


def range_text(interval: Range) -> str:
    """`−40 … 85`, `≤ 12`, or `min 1 · typ 2 · max 3` where a typical value is stated."""
    if interval.typ is not None:
        named = (("min", interval.min), ("typ", interval.typ), ("max", interval.max))
        return " · ".join(f"{name} {number_text(n)}" for name, n in named if n is not None)
    if interval.min is not None and interval.max is not None:
        return f"{number_text(interval.min)} … {number_text(interval.max)}"
    if interval.min is not None:
        return f"≥ {number_text(interval.min)}"
    return f"≤ {number_text(interval.max)}" if interval.max is not None else NOTHING


def plain_text(reading: Reading) -> str:
    """The value without qualifier and unit."""
    match reading.value:
        case bool():
            return "yes" if reading.value else "no"
        case Decimal():
            return number_text(reading.value)
        case date():
            return reading.value.isoformat()
        case Range():
            return range_text(reading.value)
        case str():
            return reading.value
        case None:
            return NOTHING


def reading_text(reading: Reading) -> str:
    """The value as a person writes it: `≤ 12 mA`."""
    text = QUALIFIERS[reading.qualifier] + plain_text(reading)
    return f"{text}\u00a0{reading.unit}" if reading.unit else text


def value_text(value: CheckedValue) -> str:
    """What was found; all rivals of an ambiguous value, `—` for a missing one."""
    if value.candidates:
        return " or ".join(reading_text(candidate) for candidate in value.candidates)
    return reading_text(value.reading) if value.reading else NOTHING


def visible(text: str) -> str:
    """One line that can't hide anything: control characters become their pictures (`␊`).

    Marks that change the direction of writing are shown as `�`.
    """
    pictured = _CONTROL.sub(lambda m: chr(0x2400 + ord(m[0])) if m[0] != "\x7f" else "\u2421", text)
    return _DIRECTION.sub("\ufffd", pictured)


def clip(text: str, length: int) -> str:
    """At most `length` characters; says how many were left out.

    Characters that turn the direction of writing become `�`: after one, `12.5` would read `5.21`.
    """
    text = _TURNS.sub("\ufffd", text)
    if len(text) <= length:
        return text
    return f"{text[:length]}… ({len(text) - length:,} more characters)"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 value`, `3 values`, `1,200 values`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def usd_text(usd: Decimal, unpriced_calls: int = 0) -> str:
    """Dollars, small amounts with more digits; says `unpriced` where a price is unknown."""
    if unpriced_calls and not usd:
        return "unpriced"
    digits = 2 if usd == 0 or usd >= 10 else 3 if usd >= Decimal("0.01") else 5
    return f"${usd:,.{digits}f}" + (" + unpriced" if unpriced_calls else "")


def duration_text(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def size_text(size: int) -> str:
    """Bytes in decimal units, as file managers show them: `48 kB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def time_text(moment: datetime | None) -> str:
    """`22 Nov 2026, 19:33:05 UTC`, in the zone the moment carries."""
    if moment is None:
        return NOTHING
    zone = moment.strftime(" %Z") if moment.tzinfo else ""
    return f"{moment.day} {moment:%b %Y, %H:%M:%S}{zone}"
