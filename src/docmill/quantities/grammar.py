"""The grammar of quantities: exact, bounded, interval, toleranced.

Atoms from `atoms`, joined by the words of `words`; read left to right with bounded lookahead.
Two readings that differ are a refusal, never a choice.
"""

import re
from decimal import Decimal
from typing import NamedTuple

from docmill.quantities.atoms import Atom, Source, read_atom
from docmill.quantities.convert import IncompatibleUnits, convert
from docmill.quantities.fits import fit_deviations
from docmill.quantities.model import Parsed, QuantityError
from docmill.quantities.tolerances import read_tolerance
from docmill.quantities.units import canonical_unit, scan_unit
from docmill.quantities.words import (
    AFTER,
    AND,
    BEFORE,
    BETWEEN,
    ORDER,
    SYMBOL,
    TO,
    Bound,
    meaning,
)

PAIR = re.compile(r"[ ,;/]{0,3}(?:(?:and|und|et|i) )?")
NUMBER_FOLLOWS = re.compile(r" {0,2}[:=]? {0,2}[+\-−–±]? ?[0-9]")
DASH_ASKEW = re.compile(r"[-–−] +[+\-−–]?[0-9]| +–[0-9]")
WEAK_TO = ("a", "al", "do", "à")
TIME = {"s", "ms", "min", "h", "d"}


class Phrase(NamedTuple):
    """A quantity and the place where it ends."""

    parsed: Parsed
    end: int


def read_phrase(source: Source, start: int) -> Phrase | None:
    """The longest quantity that begins at `start`; None if none does.

    Raises:
        QuantityError: there is a number, but it can't be read in exactly one way.
    """
    lone = read_tolerance(source, start, None)
    if lone:
        return Phrase(lone.parsed(None), lone.end)
    between = BETWEEN.match(source.text, start)
    if between:
        return _between(source, between)
    bound = BEFORE.match(source.text, start)
    if bound:
        return _prefixed(source, bound)
    if source.text.startswith("(", start):
        group = _parenthesised(source, start)
        if group:
            return group
    atom = read_atom(source, start)
    return None if atom is None else _with_tail(source, atom)


def _between(source: Source, between: re.Match[str]) -> Phrase | None:
    """`from A to B`; without B the word means nothing, but `od` is `at least`."""
    low = read_atom(source, between.end())
    if low is None:
        return None
    joint = TO.match(source.text, low.end) or AND.match(source.text, low.end)
    high = read_atom(source, joint.end()) if joint else None
    if high is not None:
        return Phrase(_interval(low, high), high.end)
    bound = BEFORE.match(source.text, between.start())
    return _prefixed(source, bound) if bound else _with_tail(source, low)


def _prefixed(source: Source, bound: re.Match[str]) -> Phrase | None:
    if source.text[bound.end() - 1 : bound.end() + 1][-1:] == "-" and bound["word"] == bound[0]:
        return None  # `min-40` is an identifier
    atom = read_atom(source, bound.end(), sign_may_stand_off=True)
    if atom is None:
        return None
    op = meaning(bound)
    if op in ("=", "~"):
        phrase = _with_tail(source, atom, prefixed=True)
        return _about(phrase) if op == "~" and phrase.parsed.kind == "exact" else phrase
    pair = _opposite(source, atom, op)
    if pair:
        return pair
    joint = TO.match(source.text, atom.end)
    high = _try_atom(source, joint.end()) if joint else None
    if high is not None and (
        source.text[bound.start()] not in ">≥" or source.text[atom.end] == "-"
    ):
        raise QuantityError("ambiguous_bound", "a bound and a range at once", end=high.end)
    if high is not None:
        return Phrase(_interval(atom, high, low_inclusive=op == ">="), high.end)
    return Phrase(_bounded(atom, op), _skip_same_word(source, atom.end, op))


def _about(phrase: Phrase) -> Phrase:
    value = phrase.parsed
    return Phrase(
        Parsed("exact", value.value, unit=value.unit, qualifier="~", spaced=value.spaced),
        phrase.end,
    )


def _opposite(source: Source, first: Atom, op: Bound) -> Phrase | None:
    """The second half of `min. 4.5 V, max. 5.5 V` or `> 16 ≤ 40 mm`."""
    gap = PAIR.match(source.text, first.end)
    bound = BEFORE.match(source.text, gap.end() if gap else first.end)
    if bound is None or meaning(bound)[0] != {"<": ">", ">": "<"}[op[0]]:
        return None
    second = _try_atom(source, bound.end())
    if second is None:
        return None
    low, high = (first, second) if op[0] == ">" else (second, first)
    low_op, high_op = (op, meaning(bound)) if op[0] == ">" else (meaning(bound), op)
    try:
        interval = _interval(
            low, high, low_inclusive=low_op == ">=", high_inclusive=high_op == "<="
        )
    except QuantityError:
        return None
    return Phrase(interval, second.end)


def _try_atom(source: Source, start: int) -> Atom | None:
    try:
        return read_atom(source, start, sign_may_stand_off=True)
    except QuantityError:
        return None


def _parenthesised(source: Source, start: int) -> Phrase | None:
    """`(5.0 ± 0.1) V`: the unit behind the bracket belongs to both numbers."""
    atom = _try_atom(source, start + 1)
    if atom is None:
        return None
    tolerance = read_tolerance(source, atom.end, atom)
    if tolerance is None or not source.text.startswith(")", tolerance.end):
        return None
    outside = tolerance.end + 1
    unit = scan_unit(source.text, outside + source.text.startswith(" ", outside))
    if unit is None:
        return Phrase(tolerance.parsed(atom), outside)
    if atom.unit or tolerance.unit:
        raise QuantityError("unit_conflict", "a unit inside and outside of a bracket", end=unit.end)
    return Phrase(tolerance.parsed(atom._replace(unit=unit.unit)), unit.end)


def _with_tail(source: Source, atom: Atom, *, prefixed: bool = False) -> Phrase:
    tolerance = read_tolerance(source, atom.end, atom)
    if tolerance:
        return Phrase(tolerance.parsed(atom), tolerance.end)
    interval = _range(source, atom) or _chain(source, atom)
    if interval:
        return interval
    if not prefixed:
        after = AFTER.match(source.text, atom.end)
        if after and bool(after["open"]) == bool(after["close"]):
            return _suffixed(source, atom, after)
    _check_minutes(source, atom, prefixed=prefixed)
    return Phrase(_exact(atom), atom.end)


def _range(source: Source, low: Atom) -> Phrase | None:
    text = source.text
    joint = TO.match(text, low.end)
    if joint is None:
        askew = DASH_ASKEW.match(text, low.end)
        if askew:
            raise QuantityError("ambiguous_range", "a dash closer to one number", end=askew.end())
        return None
    high = read_atom(source, joint.end()) if _number_at(text, joint.end()) else None
    if high is None:
        return None
    mark = joint[0].strip()
    unitless = low.unit is None and high.unit is None
    if TO.match(text, high.end) and _number_at(text, TO.match(text, high.end).end()):  # type: ignore[union-attr]
        raise QuantityError("identifier", "a chain of numbers, no range", end=high.end)
    if unitless and mark.lower() in WEAK_TO:
        return None
    if unitless and source.finding and mark in "-–−":
        raise QuantityError("identifier", "two joined numbers without a unit", end=high.end)
    return Phrase(_interval(low, high), high.end)


def _number_at(text: str, position: int) -> bool:
    return re.compile(r"[+\-−–]? {0,2}[0-9.,€$£¥]").match(text, position) is not None


def _chain(source: Source, low: Atom) -> Phrase | None:
    """`-55 °C ≤ TJ ≤ +150 °C`."""
    text = source.text
    first = ORDER.match(text, low.end)
    symbol = SYMBOL.match(text, first.end()) if first else None
    if first is None or symbol is None:
        return None
    second = ORDER.match(text, symbol.end())
    high = read_atom(source, second.end(), sign_may_stand_off=True) if second else None
    if second is None or high is None:
        raise QuantityError("ambiguous_bound", "a limit before a symbol", end=first.end())
    interval = _interval(low, high, low_inclusive=first[1] != "<", high_inclusive=second[1] != "<")
    return Phrase(interval, high.end)


def _suffixed(source: Source, atom: Atom, after: re.Match[str]) -> Phrase:
    """`12 mA max.`; with a number behind the word it could belong to either side."""
    op = meaning(after)
    if not after["close"] and NUMBER_FOLLOWS.match(source.text, after.end()):
        second = _try_atom(source, after.end() + 1)
        end = second.end if second else after.end()
        word = AFTER.match(source.text, end)
        if second is None or word is None or {op[0], meaning(word)[0]} != {"<", ">"}:
            raise QuantityError("ambiguous_bound", f"{after[0].strip()!r} between numbers", end=end)
        low, high = (atom, second) if op[0] == ">" else (second, atom)
        return Phrase(_interval(low, high), word.end())
    if op == "=":
        return Phrase(_exact(atom), after.end())
    return Phrase(_bounded(atom, op), after.end())


def _skip_same_word(source: Source, end: int, op: Bound) -> int:
    """`≤ 12 mA max.` says the same thing twice."""
    after = AFTER.match(source.text, end)
    if after is None or NUMBER_FOLLOWS.match(source.text, after.end()):
        return end
    if meaning(after) == "=":
        return end
    if meaning(after)[0] != op[0]:
        raise QuantityError("ambiguous_bound", "two contradicting bounds", end=after.end())
    return after.end()


def _check_minutes(source: Source, atom: Atom, *, prefixed: bool) -> None:
    """`5 min` is a time, or `at least 5`; only the wanted unit can tell."""
    printed = source.text[atom.start : atom.end]
    if atom.unit != "min" or prefixed or not printed.rstrip(".").endswith("min"):
        return
    hint = canonical_unit(source.hint) if source.hint else None
    if hint not in TIME:
        raise QuantityError("ambiguous_min", f"{printed!r}: minutes or minimum?", end=atom.end)


def _exact(atom: Atom) -> Parsed:
    if atom.fit is None:
        return Parsed("exact", atom.value, unit=atom.unit, spaced=atom.spaced)
    try:
        size = convert(atom.value, atom.unit or "mm", "mm")
        lower, upper = (
            convert(deviation, "mm", atom.unit or "mm")
            for deviation in fit_deviations(size, atom.fit)
        )
    except IncompatibleUnits as error:
        raise QuantityError("unit_conflict", str(error), end=atom.end) from error
    except QuantityError as error:
        raise QuantityError(error.code, error.message, end=atom.end) from error
    return Parsed(
        "toleranced", atom.value, atom.value + lower, atom.value + upper, nominal=atom.value,
        lower=lower, upper=upper, unit=atom.unit, fit=atom.fit, spaced=atom.spaced,
    )  # fmt: skip


def _bounded(atom: Atom, op: Bound) -> Parsed:
    _no_fit(atom)
    inclusive = op.endswith("=")
    if op[0] == "<":
        return Parsed("bounded", atom.value, high=atom.value, high_inclusive=inclusive,
                      unit=atom.unit, qualifier=op, spaced=atom.spaced)  # fmt: skip
    return Parsed("bounded", atom.value, low=atom.value, low_inclusive=inclusive, unit=atom.unit,
                  qualifier=op, spaced=atom.spaced)  # fmt: skip


def _interval(
    low: Atom, high: Atom, *, low_inclusive: bool = True, high_inclusive: bool = True
) -> Parsed:
    _no_fit(low)
    _no_fit(high)
    unit, low_value, high_value = low.unit or high.unit, low.value, high.value
    if low.unit and high.unit is None and not low.unit_first and low.end < high.start:
        raise QuantityError(
            "unit_missing", "a range with a unit at its lower end only", end=high.end
        )
    if low.unit and high.unit and low.unit != high.unit:
        high_value = _converted(high_value, high.unit, low.unit, end=high.end)
    if low_value > high_value:
        raise QuantityError("reversed", f"{low_value} is not below {high_value}", end=high.end)
    return Parsed("interval", low=low_value, high=high_value, low_inclusive=low_inclusive,
                  high_inclusive=high_inclusive, unit=unit,
                  spaced=low.spaced or high.spaced)  # fmt: skip


def _converted(value: Decimal, from_: str, to: str, *, end: int) -> Decimal:
    try:
        return convert(value, from_, to)
    except IncompatibleUnits as error:
        raise QuantityError("unit_conflict", str(error), end=end) from error


def _no_fit(atom: Atom) -> None:
    if atom.fit:
        raise QuantityError("fit_unknown", f"{atom.fit!r} in a bound or range", end=atom.end)
