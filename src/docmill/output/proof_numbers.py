"""Proof of numbers, quantities and ranges: what `quantities` reads in the words is what is claimed.

The words are the page's own, whole words, so `40` is never proven by `-40`. A number with two
readings proves nothing.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from docmill.documents.text import legible
from docmill.output.claims import show
from docmill.output.headers import (
    Direction,
    column_direction,
    directions,
    stated_direction,
    unit_is_stated,
)
from docmill.output.pagetext import Passage
from docmill.output.proof import Case, Proof, Proven, Refused
from docmill.output.units import equal_after_conversion, same_unit, spelling
from docmill.quantities.model import DecimalMark, Parsed, QuantityError, Span
from docmill.quantities.numbers import numbers_equal, parse_number
from docmill.quantities.reading import find_quantities
from docmill.records.checked import Qualifier
from docmill.records.values import Range

_EDGES = ".,:;()[]{}\"'*="
_MAX_NUMBERS = 40
_HUNDRED = Decimal(100)


class _Printed(NamedTuple):
    """One number as printed, with the words it stands in."""

    value: Decimal
    unit: str | None
    qualifier: Qualifier
    words: Passage
    role: Direction | None = None
    """Which end of a printed interval or tolerance it is."""

    def __str__(self) -> str:
        return f"{self.value} {self.unit}" if self.unit else str(self.value)


def prove_number(case: Case) -> Proof:
    """A number, integer or quantity, printed with the unit or under a header that gives it."""
    claimed = case.claim.value
    assert isinstance(claimed, Decimal)
    printed = _printed(case, case.document.decimal)
    if len(printed) > _MAX_NUMBERS:
        return Refused("quote_too_wide", f"the quote {case.shown()} holds {len(printed)} numbers")
    equal = [number for number in printed if _equals(number, claimed, _unit(case))]
    if not equal:
        return _refuse_number(case, claimed, printed)
    proofs = [_prove_equal(case, number) for number in equal]
    return next((proof for proof in proofs if isinstance(proof, Proven)), proofs[0])


def _unit(case: Case) -> str | None:
    """The claimed unit; plain numbers have none to prove."""
    return case.claim.claim.unit if case.field.type in ("quantity", "range") else None


def _prove_equal(case: Case, number: _Printed) -> Proof:
    refusal = _wrong_end(case, number) or _unproven_unit(case, number)
    if refusal is not None:
        return refusal
    claimed = case.claim.value
    assert isinstance(claimed, Decimal)
    unit = spelling(_unit(case), case.field.unit)
    return Proven(claimed, number.words, unit, number.qualifier)


def _equals(number: _Printed, claimed: Decimal, unit: str | None) -> bool:
    if unit is None or number.unit is None:
        return number.value == claimed
    return equal_after_conversion(number.value, number.unit, claimed, unit)


def _unproven_unit(case: Case, number: _Printed) -> Refused | None:
    """Why the claimed unit isn't proven, if it isn't."""
    unit = _unit(case)
    if unit is None:
        if case.field.type in ("quantity", "range") and number.unit is not None:
            reason = f"the page gives the unit {number.unit} and the claim none; add the unit"
            return Refused("unit_differs", reason)
        return None
    if number.unit is not None or unit_is_stated(case, number.words, unit):
        return None
    reason = (
        f"{number.value} stands on page {case.page.page.number} without the unit {unit}: quote "
        "value and unit together, or name the label or column header that gives it as `label`"
    )
    return Refused("unit_not_found", reason)


def _wrong_end(case: Case, number: _Printed) -> Refused | None:
    """For a field that picks min, typ or max: whether the page says it is another."""
    wanted = case.field.pick
    if wanted is None:
        return None
    said = number.role or column_direction(case, number.words)
    if said is None or said == wanted:
        return None
    return Refused("wrong_column", f"{number} is the {said} value on the page, not the {wanted}")


def _printed(case: Case, decimal: DecimalMark | None) -> list[_Printed]:
    words = case.words
    found: list[_Printed] = []
    spans = _quantities(case, decimal)
    for span in spans:
        found += _numbers_of(span.parsed, words.part(span.start, span.end))
    if case.field.type in ("integer", "number"):
        found += _bare_numbers(words, decimal, spans)
    return found


def _quantities(case: Case, decimal: DecimalMark | None) -> list[Span]:
    return find_quantities(case.words.text, decimal=decimal, unit_hint=_unit(case))


def _bare_numbers(
    words: Passage, decimal: DecimalMark | None, spans: list[Span]
) -> Iterator[_Printed]:
    """Whole words that are numbers, also where a grammar of quantities sees an identifier.

    Not the second half of `1 552,00`: digits beside it, or a quantity around it, make it a part.
    """
    text = words.text
    for word, start in words.placed():
        end = start + len(legible(word.text))
        beside = text[max(start - 2, 0) : start] + text[end : end + 2]
        covered = any(span.start < end and start < span.end for span in spans)
        if covered or any(char.isdigit() for char in beside):
            continue
        try:
            value = parse_number(legible(word.text).strip(_EDGES), decimal)
        except QuantityError:
            continue
        yield _Printed(value, None, "=", Passage((word,)))


def _numbers_of(parsed: Parsed, words: Passage) -> Iterator[_Printed]:
    unit = parsed.unit
    if parsed.kind == "interval":
        ends: tuple[tuple[Decimal | None, Direction], ...]
        ends = ((parsed.low, "min"), (parsed.high, "max"))
        for value, role in ends:
            if value is not None:
                yield _Printed(value, unit, "=", words, role)
    elif parsed.kind == "toleranced" and parsed.nominal is None:
        for deviation in {parsed.upper, parsed.lower, abs(parsed.upper or Decimal(0))}:
            if deviation is not None:
                yield _Printed(deviation, unit, "=", words)
    elif parsed.value is not None:
        yield _Printed(parsed.value, unit, parsed.qualifier, words)
        yield from _tolerances(parsed, words)


def _tolerances(parsed: Parsed, words: Passage) -> Iterator[_Printed]:
    """`± 5 %` and `± 0.1` beside their nominal value, for fields that ask for the tolerance."""
    upper, nominal = parsed.upper, parsed.nominal
    if upper is None or not nominal or parsed.fit is not None:
        return
    if parsed.relative:
        yield _Printed(upper / abs(nominal) * _HUNDRED, "%", "=", words)
    else:
        yield _Printed(upper, parsed.unit, "=", words)


def _refuse_number(case: Case, claimed: Decimal, printed: list[_Printed]) -> Refused:
    unit = _unit(case)
    said = f"{claimed} {unit}" if unit else str(claimed)
    if any(_equals(n, claimed, unit) for n in _either_mark(case)):
        reason = f"the number in {case.shown()} can be read in two ways, and the document doesn't "
        return Refused("number_ambiguous", reason + "show its decimal mark; give candidates")
    if not printed:
        reason = f"no number can be read in the quote {case.shown()}; quote number and unit"
        return Refused("number_not_in_quote", reason)
    same = [number for number in printed if number.value == claimed]
    if same and unit is not None:
        reason = f"the quote {case.shown()} gives {same[0]}, not {said}"
        return Refused("unit_differs", reason)
    given = ", ".join(dict.fromkeys(str(number) for number in printed[:6]))
    return Refused("number_differs", f"the quote {case.shown()} gives {given}, not {said}")


def _either_mark(case: Case) -> Iterator[_Printed]:
    if case.document.decimal is None:
        marks: tuple[DecimalMark, ...] = (".", ",")
        for mark in marks:
            yield from _printed(case, mark)


def prove_range(case: Case) -> Proof:
    """A range: stated as one interval, bound or tolerance, or by numbers in min/typ/max columns."""
    claimed = case.claim.value
    assert isinstance(claimed, Range)
    spans = _quantities(case, case.document.decimal)
    for span in spans:
        number = _stated(span.parsed, claimed, _unit(case))
        if number:
            words = case.words.part(span.start, span.end)
            anchor = _Printed(Decimal(0), span.parsed.unit, span.parsed.qualifier, words)
            refusal = _unproven_unit(case, anchor)
            return refusal or _range(case, claimed, words)
    return _prove_columns(case, claimed, spans)


def _range(case: Case, claimed: Range, words: Passage) -> Proven:
    return Proven(claimed, words, spelling(_unit(case), case.field.unit))


def _stated(parsed: Parsed, claimed: Range, unit: str | None) -> bool:
    """Whether one printed interval is the claimed range, both ends and no more."""
    same = unit is None or parsed.unit is None or same_unit(parsed.unit, unit)
    ends = ((parsed.low, claimed.min), (parsed.high, claimed.max))
    if parsed.kind == "exact" or not same or all(printed is None for printed, _ in ends):
        return False
    for printed, end in ends:
        if (printed is None) != (end is None):
            return False
        if printed is not None and end is not None and not numbers_equal(printed, end):
            return False
    return claimed.typ is None or claimed.typ == parsed.nominal


def _prove_columns(case: Case, claimed: Range, spans: list[Span]) -> Proof:
    ends = list(_ends(claimed))
    numbers = [number for number in _printed(case, case.document.decimal) if number.role is None]
    chosen: list[_Printed] = []
    for direction, end in ends:
        equal = [number for number in numbers if _equals(number, end, _unit(case))]
        if not equal:
            return _refuse_end(case, direction, end, numbers)
        fitting = [n for n in equal if column_direction(case, n.words) in (None, direction)]
        if not fitting:
            said = column_direction(case, equal[0].words)
            return Refused("wrong_column", f"{equal[0]} is the {said} value, not the {direction}")
        chosen.append(fitting[0])
    if not _directed(case, [direction for direction, _ in ends], chosen, len(spans)):
        reason = (
            f"nothing on the page says which of min, typ, max the numbers in {case.shown()} are"
        )
        return Refused("range_not_stated", reason)
    refusals = (_unproven_unit(case, number) for number in chosen)
    refusal = next((refused for refused in refusals if refused is not None), None)
    words = tuple(word for number in chosen for word in number.words.words)
    return refusal or _range(case, claimed, Passage(words))


def _ends(claimed: Range) -> Iterator["tuple[Direction, Decimal]"]:
    if claimed.min is not None:
        yield "min", claimed.min
    if claimed.typ is not None:
        yield "typ", claimed.typ
    if claimed.max is not None:
        yield "max", claimed.max


def _refuse_end(case: Case, direction: Direction, end: Decimal, numbers: list[_Printed]) -> Refused:
    given = ", ".join(str(number) for number in numbers[:6]) or "no such number"
    reason = f"the quote {case.shown()} gives {given}, not {direction} {show(str(end))}"
    return Refused("number_differs", reason)


def _directed(case: Case, wanted: list[Direction], chosen: list[_Printed], printed: int) -> bool:
    """Whether the page says which end each number is, or all numbers of the quote are the ends."""
    columns = [column_direction(case, number.words) for number in chosen]
    if columns == wanted:
        return True
    if len(wanted) == 1:
        return stated_direction(case, chosen[0].words) == wanted[0]
    spoken = directions(case.words.text) or set(wanted)
    return printed == len(wanted) and spoken >= set(wanted)
