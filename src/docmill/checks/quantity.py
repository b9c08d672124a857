"""Values as expressions compute with them: quantities, texts, dates; and what may be combined.

Every operation checks units and raises `TypeMismatch` in words, at compile time (on sample values)
as well as at run time (on the record's). No parsing here.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from docmill.quantities import IncompatibleUnits, convert, numbers_equal
from docmill.quantities.units import LOWERED, Compound, split_unit

RATIOS = {
    "%": Decimal("0.01"),
    "‰": Decimal("0.001"),
    "ppm": Decimal("1E-6"),
    "ppb": Decimal("1E-9"),
}
TEMPERATURES = ("°C", "°F")
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class TypeMismatch(ValueError):  # noqa: N818 - reads as what it is
    """Two values that can't be combined or compared; the message says why."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, with a unit or without; `delta` marks a difference of temperatures."""

    value: Decimal
    unit: str | None = None
    delta: bool = False

    def __str__(self) -> str:
        number = format_number(self.value)
        return f"{number} {self.unit}" if self.unit else number


@dataclass(frozen=True, slots=True)
class Text:
    """A text; ids are compared without blanks and case, enumerated texts know their values."""

    value: str
    loose: bool = False
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Interval:
    """A range field's ends; None where the document states none."""

    min: Quantity | None
    typ: Quantity | None
    max: Quantity | None


Value = Quantity | Text | date | bool


def format_number(value: Decimal) -> str:
    """Plain digits, no exponent; at most 12 significant ones, those of the page otherwise."""
    if len(value.as_tuple().digits) > 12:
        value = Decimal(f"{value:.12g}").normalize()
    return f"{value:f}"


def trimmed(value: Decimal) -> str:
    """The same without zeros at the end, for numbers that were computed."""
    return f"{Decimal(format_number(value)).normalize():f}"


def kind_of(value: Value) -> str:
    """How to name a value's type to the author of an expression."""
    match value:
        case Quantity(unit=None):
            return "a number"
        case Quantity(unit=unit):
            return f"a quantity in {unit}"
        case Text():
            return "a text"
        case bool():
            return "true or false"
        case _:
            return "a date"


def loosen(text: str) -> str:
    """A text without blanks and case, for comparing ids."""
    return "".join(text.split()).casefold()


def negate(a: Value) -> Quantity:
    """`-a`."""
    number = _number(a, "negate")
    return Quantity(-number.value, number.unit, number.delta)


def absolute(a: Value) -> Quantity:
    """`abs(a)`."""
    number = _number(a, "take abs() of")
    return Quantity(abs(number.value), number.unit, number.delta)


def add(a: Value, b: Value) -> Value:
    """`a + b`; a date plus days is a date, a temperature plus a difference a temperature."""
    if isinstance(a, date) or isinstance(b, date):
        day, span = (a, b) if isinstance(a, date) else (b, a)
        if isinstance(day, date) and not isinstance(span, date):
            return day + timedelta(days=_days(span))
    first, second = _number(a, "add"), _number(b, "add")
    if _is_point(second):
        first, second = second, first
    if not _is_point(first):
        return _linear(first, second, Decimal(1))
    if _is_point(second):
        raise TypeMismatch(f"two temperatures can't be added ({first.unit} + {second.unit})")
    return Quantity(
        first.value + _as(second, str(first.unit), difference=True), first.unit, first.delta
    )


def subtract(a: Value, b: Value) -> Value:
    """`a - b`; two dates give days, two temperatures a difference in K."""
    if isinstance(a, date) and isinstance(b, date):
        return Quantity(Decimal((a - b).days), "d")
    if isinstance(a, date):
        return a - timedelta(days=_days(b))
    first, second = _number(a, "subtract"), _number(b, "subtract")
    if not (_is_point(first) or _is_point(second)):
        return _linear(first, second, Decimal(-1))
    if _is_point(second):
        kelvin = _as(first, "K") - _as(second, "K")
        return Quantity(kelvin, "K", delta=True)
    return Quantity(first.value - _as(second, str(first.unit), difference=True), first.unit)


def multiply(a: Value, b: Value) -> Quantity:
    """`a * b`; a percentage of a quantity is a share of it, pieces don't count as a unit."""
    first, second = _number(a, "multiply"), _number(b, "multiply")
    if second.unit is None:
        return Quantity(first.value * second.value, first.unit, first.delta)
    if first.unit is None:
        return Quantity(first.value * second.value, second.unit, second.delta)
    if second.unit in RATIOS:
        return Quantity(first.value * second.value * RATIOS[second.unit], first.unit)
    if first.unit in RATIOS:
        return Quantity(first.value * second.value * RATIOS[first.unit], second.unit)
    return Quantity(first.value * second.value, _combined(first.unit, second.unit, 1))


def divide(a: Value, b: Value) -> Quantity:
    """`a / b`; equal kinds of quantities give a number."""
    first, second = _number(a, "divide"), _number(b, "divide")
    if second.unit is None:
        return Quantity(first.value / second.value, first.unit, first.delta)
    if second.unit in RATIOS and first.unit not in RATIOS:
        return Quantity(first.value / (second.value * RATIOS[second.unit]), first.unit)
    if first.unit is None:
        return Quantity(first.value / second.value, _combined(None, second.unit, -1))
    try:
        return Quantity(_as(first, second.unit, difference=first.delta) / second.value)
    except TypeMismatch:
        return Quantity(first.value / second.value, _combined(first.unit, second.unit, -1))


def compare(a: Value, symbol: str, b: Value) -> bool:
    """`a < b` and so on; `==` and `!=` also for texts and truth values."""
    if symbol in ("==", "!="):
        return _equal(a, b) == (symbol == "==")
    if isinstance(a, date) and isinstance(b, date):
        return ORDER[symbol](a, b)
    if not (isinstance(a, Quantity) and isinstance(b, Quantity)):
        raise TypeMismatch(f"{kind_of(a)} and {kind_of(b)} have no order")
    left, right = _alike(a, b)
    if numbers_equal(left, right):
        return symbol in ("<=", ">=")
    return ORDER[symbol](left, right)


def _equal(a: Value, b: Value) -> bool:
    if isinstance(a, Text) and isinstance(b, Text):
        return _same_text(a, b)
    if isinstance(a, Quantity) and isinstance(b, Quantity):
        return numbers_equal(*_alike(a, b))
    if isinstance(a, bool) and isinstance(b, bool):
        return a is b
    if type(a) is date and type(b) is date:
        return a == b
    raise TypeMismatch(f"{kind_of(a)} is never equal to {kind_of(b)}")


def _same_text(a: Text, b: Text) -> bool:
    for known, other in ((a, b), (b, a)):
        if known.allowed and not other.allowed and other.value not in known.allowed:
            raise TypeMismatch(
                f"{other.value!r} is none of the field's values: {', '.join(known.allowed)}"
            )
    if a.loose or b.loose:
        return loosen(a.value) == loosen(b.value)
    return " ".join(a.value.split()) == " ".join(b.value.split())


def _alike(a: Quantity, b: Quantity) -> tuple[Decimal, Decimal]:
    """Both values in one unit; a bare 0 fits any unit without an offset."""
    if a.delta != b.delta and (a.unit in TEMPERATURES or b.unit in TEMPERATURES):
        raise TypeMismatch("a difference of temperatures is compared with K, not with °C or °F")
    if (a.unit is None) != (b.unit is None):
        bare, other = (a, b) if a.unit is None else (b, a)
        if bare.value == 0 and other.unit not in TEMPERATURES:
            return a.value, b.value
        raise TypeMismatch(f"{format_number(bare.value)} has no unit beside {other.unit}")
    if a.unit is None or b.unit is None:
        return a.value, b.value
    return a.value, _as(b, a.unit, difference=b.delta)


def _linear(a: Quantity, b: Quantity, sign: Decimal) -> Quantity:
    if a.unit is None and b.unit in RATIOS:
        return Quantity(a.value + sign * b.value * RATIOS[b.unit])
    if b.unit is None and a.unit in RATIOS:
        return Quantity(a.value * RATIOS[a.unit] + sign * b.value)
    left, right = _alike(a, b)
    return Quantity(left + sign * right, a.unit or b.unit, a.delta or b.delta)


def _is_point(a: Quantity) -> bool:
    """A temperature on a scale with an offset, not a difference."""
    return a.unit in TEMPERATURES and not a.delta


def _as(a: Quantity, unit: str, *, difference: bool = False) -> Decimal:
    if a.unit is None:
        raise TypeMismatch(f"{format_number(a.value)} has no unit beside {unit}")
    try:
        return convert(a.value, a.unit, unit, difference=difference)
    except IncompatibleUnits as error:
        raise TypeMismatch(f"{a.unit} and {unit} measure different things") from error


def _number(a: Value, verb: str) -> Quantity:
    if isinstance(a, Quantity):
        return a
    raise TypeMismatch(f"can't {verb} {kind_of(a)}")


def _days(a: Value) -> int:
    span = _number(a, "add to a date")
    days = span.value if span.unit is None else _as(span, "d")
    if days != days.to_integral_value() or abs(days) > 1_000_000:
        raise TypeMismatch(f"{a} is no whole number of days")
    return int(days)


def _combined(first: str | None, second: str, sign: int) -> str | None:
    """Unit of a product (`sign` 1) or quotient (-1) of two units."""
    left = split_unit(first) if first else Compound(())
    right = split_unit(second)
    if left is None or right is None:
        raise TypeMismatch(f"units {first} and {second} can't be combined")
    powers = dict(left.powers)
    for symbol, power in right.powers:
        powers[symbol] = powers.get(symbol, 0) + sign * power
    kept = {symbol: power for symbol, power in powers.items() if power}
    if sign == 1:
        kept.pop("pcs", None)
    if any(abs(power) not in LOWERED for power in kept.values()):
        raise TypeMismatch(f"units {first} and {second} can't be combined")
    if not kept:
        return None
    spelling = str(Compound(tuple(kept.items())))
    if spelling in ("V·A", "kV·A"):  # printed it is apparent power, computed it is a power
        spelling = str(Compound(tuple(reversed(kept.items()))))
    return spelling
