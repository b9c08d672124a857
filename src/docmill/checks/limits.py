"""Decision rules: whether a stated value lies within limits, after ISO 14253-1 and JCGM 106.

A value beyond a limit fails; one inside but closer to a limit than the guard band is `marginal`
(guarded acceptance); a statement that leaves it open is `not_comparable`, never a pass.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from docmill.checks.quantity import RATIOS, TEMPERATURES, trimmed
from docmill.quantities import (
    IncompatibleUnits,
    QuantityError,
    convert,
    numbers_equal,
    parse_quantity,
)
from docmill.records.checked import Qualifier
from docmill.records.results import VerdictKind
from docmill.records.values import Range


class Finding(NamedTuple):
    """What comparing with limits came to, with one sentence that says why."""

    verdict: VerdictKind
    message: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard band: an amount in `unit`, or a share of the tolerance zone where `share` is set."""

    amount: Decimal
    unit: str | None = None
    share: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """A lower and an upper limit in `unit`, both allowed values; None where there is none."""

    low: Decimal | None
    high: Decimal | None
    unit: str | None
    guard: Decimal = Decimal(0)
    """Width of the guard band in `unit`, inside of each limit."""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            if self.low == self.high:
                return f"= {trimmed(self.low)}{unit}"
            return f"{trimmed(self.low)} … {trimmed(self.high)}{unit}"
        if self.high is not None:
            return f"≤ {trimmed(self.high)}{unit}"
        return f"≥ {trimmed(self.low or Decimal(0))}{unit}"

    def guarded(self, guard: Guard | None) -> "Limits":
        """The same limits with a guard band.

        A share is one of the tolerance zone (high - low); with one limit only, of the limit's size.

        Raises:
            QuantityError: `guard_unit`: an amount in another unit, or a share of one temperature.
        """
        if guard is None:
            return self
        if not guard.share:
            return replace(self, guard=self._in_unit(guard))
        if self.low is not None and self.high is not None:
            return replace(self, guard=(self.high - self.low) * guard.amount)
        if self.unit in TEMPERATURES:
            raise QuantityError(
                "guard_unit", f"a share of one limit has no meaning in {self.unit}: give it in K"
            )
        limit = self.high if self.high is not None else self.low
        return replace(self, guard=abs(limit or Decimal(0)) * guard.amount)

    def _in_unit(self, guard: Guard) -> Decimal:
        if guard.unit is None or self.unit is None:
            if guard.unit == self.unit:
                return guard.amount
            raise QuantityError("guard_unit", "limits and guard band need the same kind of unit")
        try:
            return convert(guard.amount, guard.unit, self.unit, difference=True)
        except IncompatibleUnits as error:
            raise QuantityError("guard_unit", f"the guard band's {error}") from error


def parse_guard(text: str) -> Guard:
    """`10 %` (a share of the tolerance) or `0.02 mm`.

    Raises:
        QuantityError: neither, or not between 0 and half of the tolerance.
    """
    found = parse_quantity(text, decimal=".")
    if found.kind != "exact" or found.qualifier != "=" or found.value is None:
        raise QuantityError("guard_unit", f"{text!r} is neither a share nor an amount")
    if found.unit in RATIOS:
        share = found.value * RATIOS[found.unit]
        if not 0 <= share < Decimal("0.5"):
            raise QuantityError("guard_unit", "a guard band is less than 50 % of the tolerance")
        return Guard(share, share=True)
    if found.value < 0:
        raise QuantityError("guard_unit", "a guard band isn't negative")
    return Guard(found.value, found.unit)


def judge_number(value: Decimal, qualifier: Qualifier, limits: Limits) -> Finding:
    """A value in the limits' unit. A bound (`< 0.001`) passes where all it allows lies inside."""
    match qualifier:
        case "=":
            return _within(value, value, limits)
        case "<" | "<=":
            return _below(value, qualifier, limits)
        case ">" | ">=":
            return _above(value, qualifier, limits)
        case _:
            return Finding("not_comparable", "The value is stated as approximate only.")


def judge_range(value: Range, limits: Limits) -> Finding:
    """A stated range in the limits' unit: all of it has to lie inside.

    An end that isn't stated passes only where there is no limit on that side.
    """
    if value.min is None and value.max is None:
        return Finding("not_comparable", "Only a typical value is stated, no limits.")
    low = value.min if value.min is not None else value.max
    high = value.max if value.max is not None else value.min
    assert low is not None
    assert high is not None
    found = _within(low, high, limits)
    if found.verdict == "fail":
        return found
    if (limits.low is not None and value.min is None) or (
        limits.high is not None and value.max is None
    ):
        return Finding("not_comparable", "The range is stated at one end only.")
    return found


def _within(low: Decimal, high: Decimal, limits: Limits) -> Finding:
    """All from `low` to `high`; both are the same for a single value."""
    if limits.high is not None and _exceeds(high, limits.high):
        return _fail(high - limits.high, "above the upper limit", limits)
    if limits.low is not None and _exceeds(limits.low, low):
        return _fail(limits.low - low, "below the lower limit", limits)
    room = _room(low, high, limits)
    if room is not None and limits.guard > 0 and room < limits.guard:
        unit = f" {limits.unit}" if limits.unit else ""
        guard = _rough(limits.guard)
        return Finding(
            "marginal",
            f"Within the limits, but {_rough(room)}{unit} from one: the guard band is "
            f"{guard}{unit}.",
        )
    return Finding("pass", "Within the limits.")


def _below(bound: Decimal, qualifier: Qualifier, limits: Limits) -> Finding:
    """Stated as `< bound`: the true value may be anything below."""
    if limits.low is not None:
        certainly_low = bound < limits.low or (bound == limits.low and qualifier == "<")
        if certainly_low:
            return _fail(limits.low - bound, "below the lower limit", limits)
        return Finding("not_comparable", "Stated as an upper bound; there is a lower limit, too.")
    if limits.high is not None and _exceeds(bound, limits.high):
        return Finding("not_comparable", "The stated bound lies above the limit.")
    return _within(bound, bound, limits)


def _above(bound: Decimal, qualifier: Qualifier, limits: Limits) -> Finding:
    if limits.high is not None:
        certainly_high = bound > limits.high or (bound == limits.high and qualifier == ">")
        if certainly_high:
            return _fail(bound - limits.high, "above the upper limit", limits)
        return Finding("not_comparable", "Stated as a lower bound; there is an upper limit, too.")
    if limits.low is not None and _exceeds(limits.low, bound):
        return Finding("not_comparable", "The stated bound lies below the limit.")
    return _within(bound, bound, limits)


def _exceeds(a: Decimal, b: Decimal) -> bool:
    """Beyond, and not only by the last digit of a unit conversion."""
    return a > b and not numbers_equal(a, b)


def _room(low: Decimal, high: Decimal, limits: Limits) -> Decimal | None:
    """Distance to the nearest limit."""
    rooms = [max(limits.high - high, Decimal(0))] if limits.high is not None else []
    rooms += [max(low - limits.low, Decimal(0))] if limits.low is not None else []
    return min(rooms, default=None)


def _fail(by: Decimal, where: str, limits: Limits) -> Finding:
    unit = f" {limits.unit}" if limits.unit else ""
    amount = f"{_rough(by)}{unit} {where}" if by else where.capitalize()
    return Finding("fail", f"{amount}.")


def _rough(value: Decimal) -> str:
    """Four significant digits are enough to say how far; the comparison was exact."""
    return trimmed(Decimal(f"{value:.4g}"))
