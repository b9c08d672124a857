"""The functions of the expression language: sum, min, max, mean, count, all, any, abs, round, date.

Those over rows take a list field and an expression per row: `all(lines, price * n == amount)`.
What is missing in a row is never left out silently.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple, Protocol

from docmill.checks import quantity as q
from docmill.checks.quantity import Interval, Quantity, Text, TypeMismatch
from docmill.checks.view import Unproven
from docmill.spec.suggest import remedy_for


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a list field, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Collected:
    """One field of all rows: `lines.amount`; a row without a proven value keeps its reason."""

    name: str
    items: tuple[q.Value | Unproven, ...]


Result = q.Value | Interval | Rows | Collected


class Run(Protocol):
    """What a function needs of the evaluation it runs in."""

    def evaluate(self, node: ast.expr) -> Result:
        """Any value."""
        ...

    def scalar(self, node: ast.expr) -> q.Value:
        """A single value."""
        ...

    def truth(self, node: ast.expr) -> bool:
        """True or false."""
        ...

    def each_row(self, name: str) -> Iterator[None]:
        """Enter the rows of a list field one after the other."""
        ...

    def count_rows(self, name: str) -> int:
        """Number of rows."""
        ...


class Function(NamedTuple):
    """A function of the language."""

    least: int
    most: int
    run: Callable[[Run, list[ast.expr]], q.Value]


def call(run: Run, name: str, arguments: list[ast.expr]) -> q.Value:
    """Call a function by its name.

    Raises:
        TypeMismatch: no such function, or not with these arguments.
        Unproven: a value it needs isn't there.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise TypeMismatch(f"`{name}` is no function; {remedy_for(name, FUNCTIONS)}")
    if not function.least <= len(arguments) <= function.most:
        raise TypeMismatch(f"{name}() doesn't take {len(arguments)} arguments")
    return function.run(run, arguments)


def _values(run: Run, arguments: list[ast.expr], name: str) -> list[q.Value]:
    """What a function over many values is about; never empty, never with holes.

    Raises:
        Unproven: there are no rows, or one of them has no proven value.
    """
    first = run.evaluate(arguments[0])
    if isinstance(first, Collected) and len(arguments) == 1:
        if not first.items:
            raise Unproven("missing", f"`{first.name.split('.')[0]}` has no rows")
        for item in first.items:
            if isinstance(item, Unproven):
                raise item
        return [item for item in first.items if not isinstance(item, Unproven)]
    if isinstance(first, Rows):
        if len(arguments) != 2:
            raise TypeMismatch(f"write {name}({first.name}, …) with an expression for each row")
        found = [run.scalar(arguments[1]) for _ in run.each_row(first.name)]
        if not found:
            raise Unproven("missing", f"`{first.name}` has no rows")
        return found
    return [run.scalar(argument) for argument in arguments]


def _sum(run: Run, arguments: list[ast.expr]) -> q.Value:
    first, *rest = _values(run, arguments, "sum")
    total: q.Value = q.add(first, Quantity(Decimal(0), _unit(first)))
    for value in rest:
        total = q.add(total, value)
    return total


def _unit(value: q.Value) -> str | None:
    if not isinstance(value, Quantity):
        raise TypeMismatch(f"can't add {q.kind_of(value)}")
    return value.unit


def _mean(run: Run, arguments: list[ast.expr]) -> q.Value:
    count = Decimal(len(_values(run, arguments, "mean")))
    return q.divide(_sum(run, arguments), Quantity(count))


def _min(run: Run, arguments: list[ast.expr]) -> q.Value:
    return _extreme(run, arguments, "min", "<")


def _max(run: Run, arguments: list[ast.expr]) -> q.Value:
    return _extreme(run, arguments, "max", ">")


def _extreme(run: Run, arguments: list[ast.expr], name: str, symbol: str) -> q.Value:
    best, *rest = _values(run, arguments, name)
    for value in rest:
        if q.compare(value, symbol, best):
            best = value
    return best


def _count(run: Run, arguments: list[ast.expr]) -> q.Value:
    """Rows; rows with a value (`count(lines.amount)`); rows where something is true."""
    first = run.evaluate(arguments[0])
    if isinstance(first, Rows):
        if len(arguments) == 1:
            return Quantity(Decimal(run.count_rows(first.name)))
        return Quantity(Decimal(sum(run.truth(arguments[1]) for _ in run.each_row(first.name))))
    if not isinstance(first, Collected) or len(arguments) != 1:
        raise TypeMismatch("count() takes a list field")
    count = 0
    for item in first.items:
        if not isinstance(item, Unproven):
            count += 1
        elif item.verdict != "missing":
            raise item
    return Quantity(Decimal(count))


def _all(run: Run, arguments: list[ast.expr]) -> q.Value:
    return _over_rows(run, arguments, "all", decisive=False)


def _any(run: Run, arguments: list[ast.expr]) -> q.Value:
    return _over_rows(run, arguments, "any", decisive=True)


def _over_rows(run: Run, arguments: list[ast.expr], name: str, *, decisive: bool) -> bool:
    """One row can decide even where another is unproven; no rows at all prove nothing."""
    first = run.evaluate(arguments[0])
    if not isinstance(first, Rows):
        raise TypeMismatch(f"{name}() takes a list field and an expression for each row")
    if run.count_rows(first.name) == 0:
        raise Unproven("missing", f"`{first.name}` has no rows")
    doubt: Unproven | None = None
    decided = False
    for _ in run.each_row(first.name):
        try:
            decided = decided or run.truth(arguments[1]) is decisive
        except Unproven as unproven:
            doubt = doubt or unproven
    if doubt is not None and not decided:
        raise doubt
    return decisive if decided else not decisive


def _abs(run: Run, arguments: list[ast.expr]) -> q.Value:
    return q.absolute(run.scalar(arguments[0]))


def _round(run: Run, arguments: list[ast.expr]) -> q.Value:
    """Half away from zero, as invoices and test reports do."""
    value = run.scalar(arguments[0])
    places = run.scalar(arguments[1]) if len(arguments) == 2 else Quantity(Decimal(0))
    if not isinstance(value, Quantity) or not isinstance(places, Quantity):
        raise TypeMismatch("round() takes a number and a number of places")
    if places.unit or places.value not in range(13):
        raise TypeMismatch("round() takes 0 to 12 places")
    step = Decimal(1).scaleb(-int(places.value))
    return Quantity(value.value.quantize(step, ROUND_HALF_UP), value.unit, value.delta)


def _date(run: Run, arguments: list[ast.expr]) -> q.Value:
    """`date("2024-06-03")`."""
    text = run.scalar(arguments[0])
    if not isinstance(text, Text):
        raise TypeMismatch('write a date as date("2024-06-03")')
    try:
        return date.fromisoformat(text.value)
    except ValueError as error:
        raise TypeMismatch(f"{text.value!r} is no date such as 2024-06-03") from error


def _days(run: Run, arguments: list[ast.expr]) -> q.Value:
    """A number as days, or a time as its number of days."""
    value = run.scalar(arguments[0])
    if not isinstance(value, Quantity):
        raise TypeMismatch("days() takes a number or a difference of dates")
    if value.unit is None:
        return Quantity(value.value, "d")
    return q.divide(value, Quantity(Decimal(1), "d"))


def _present(run: Run, arguments: list[ast.expr]) -> q.Value:
    """Whether a value is there; one that is there but unproven leaves it open."""
    try:
        run.evaluate(arguments[0])
    except Unproven as unproven:
        if unproven.verdict == "missing":
            return False
        raise
    return True


def _missing(run: Run, arguments: list[ast.expr]) -> q.Value:
    return not _present(run, arguments)


FUNCTIONS: dict[str, Function] = {
    "abs": Function(1, 1, _abs),
    "all": Function(2, 2, _all),
    "any": Function(2, 2, _any),
    "count": Function(1, 2, _count),
    "date": Function(1, 1, _date),
    "days": Function(1, 1, _days),
    "max": Function(1, 20, _max),
    "mean": Function(1, 2, _mean),
    "min": Function(1, 20, _min),
    "missing": Function(1, 1, _missing),
    "present": Function(1, 1, _present),
    "round": Function(1, 2, _round),
    "sum": Function(1, 2, _sum),
}
