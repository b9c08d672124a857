"""Tolerances: `± 5 %`, `+0.2/-0.1 V`, ISO 286 classes; with or without their nominal value.

Called by `grammar` behind an atom, and by the checks for a tolerance column (`parse_tolerance`).
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from docmill.quantities.atoms import Atom, Source
from docmill.quantities.convert import IncompatibleUnits, compatible, convert
from docmill.quantities.fits import FIT, fit_deviations
from docmill.quantities.model import DecimalMark, Parsed, QuantityError
from docmill.quantities.numbers import Number, read_number
from docmill.quantities.units import UnitSpan, canonical_unit, scan_unit
from docmill.quantities.words import CHARACTERS, PLUS_MINUS

RATIOS = {
    "%": Decimal("0.01"),
    "‰": Decimal("0.001"),
    "ppm": Decimal("1E-6"),
    "ppb": Decimal("1E-9"),
}
DEVIATION = re.compile(r" {0,2}(?P<open>\(?)(?P<sign>[+\-−–]) ?(?=[0-9.,])")
ZERO_FIRST = re.compile(r" {0,2}(?P<open>\(?)(?P<sign>)(?=0 {0,2}/ {0,2}[+\-−–])")
SECOND = re.compile(r"(?P<mark> {0,2}[/;] {0,2}| {1,2})(?P<sign>[+\-−–]?) ?(?=[0-9.,])")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Deviations as printed: in `unit`, or of the nominal value where `unit` is a ratio."""

    lower: Decimal
    upper: Decimal
    unit: str | None
    end: int = 0
    fit: str | None = None
    hint: str | None = None

    @property
    def relative(self) -> bool:
        """Whether the unit is %, ‰ or ppm."""
        return self.unit in RATIOS

    def parsed(self, atom: Atom | None) -> Parsed:
        """The toleranced quantity around a nominal value; deviations only without one.

        Raises:
            QuantityError: a percentage of a percentage, units that don't fit.
        """
        if atom is None:
            return Parsed("toleranced", lower=self.lower, upper=self.upper, unit=self.unit,
                          relative=self.relative)  # fmt: skip
        nominal = atom.value
        unit, relative = self._unit_with(atom)
        lower, upper = self.around(nominal, unit, relative=relative)
        return Parsed(
            "toleranced", nominal, nominal + lower, nominal + upper, nominal=nominal, lower=lower,
            upper=upper, relative=relative, unit=unit, spaced=atom.spaced,
        )  # fmt: skip

    def around(
        self, nominal: Decimal, unit: str | None, *, relative: bool | None = None
    ) -> tuple[Decimal, Decimal]:
        """Lower and upper deviation in `unit` for a nominal value in `unit`.

        Raises:
            QuantityError: units that don't fit, or an ISO 286 class outside its tables.
        """
        if self.fit:
            return self._of_fit(nominal, unit)
        if self.relative if relative is None else relative:
            share = RATIOS[self.unit or "%"]
            return self.lower * abs(nominal) * share, self.upper * abs(nominal) * share
        if self.unit is None or unit is None or self.unit == unit:
            return self.lower, self.upper
        return self._convert(self.lower, unit), self._convert(self.upper, unit)

    def _of_fit(self, nominal: Decimal, unit: str | None) -> tuple[Decimal, Decimal]:
        in_unit = unit or "mm"
        try:
            found = fit_deviations(convert(nominal, in_unit, "mm"), self.fit or "")
            return convert(found.lower, "mm", in_unit), convert(found.upper, "mm", in_unit)
        except IncompatibleUnits as error:
            raise QuantityError("unit_conflict", str(error), end=self.end) from error

    def _convert(self, value: Decimal, unit: str) -> Decimal:
        try:
            return convert(value, self.unit or unit, unit, difference=True)
        except IncompatibleUnits as error:
            raise QuantityError("unit_conflict", str(error), end=self.end) from error

    def _unit_with(self, atom: Atom) -> tuple[str | None, bool]:
        """Unit of the whole, and whether the deviations are a share of the nominal value."""
        if not self.relative:
            return atom.unit or self.unit, False
        if atom.unit is None:
            hint = canonical_unit(self.hint) if self.hint else None
            if hint is None:
                raise QuantityError(
                    "ambiguous_percent",
                    "the percentage may be the unit of both numbers or a share of the first",
                    end=self.end,
                )
            return (self.unit, False) if hint in RATIOS else (None, True)
        if compatible(atom.unit, self.unit or "%"):
            raise QuantityError(
                "ambiguous_percent", "per cent of a percentage, or points of it?", end=self.end
            )
        return atom.unit, True


def parse_tolerance(text: str, *, decimal: DecimalMark | None = None) -> Tolerance:
    """A tolerance by itself: `±5 %`, `± 0.1 mm`, `+0.2/-0.1`, `0/-0.021`, `h7`, `5 %`.

    Raises:
        QuantityError: it is none, or can be read in two ways.
    """
    clean = text.translate(CHARACTERS).strip()
    if FIT.fullmatch(clean):
        return Tolerance(Decimal(0), Decimal(0), None, fit=clean)
    source = Source(clean, clean, decimal, None, finding=False)
    found = read_tolerance(source, 0, None)
    if found is None and clean[:1].isdigit():
        found = read_tolerance(
            Source("±" + clean, "±" + clean, decimal, None, finding=False), 0, None
        )
        clean = "±" + clean
    if found is None:
        raise QuantityError("no_number", f"{text[:40]!r} is no tolerance")
    if found.end != len(clean):
        raise QuantityError("extra_text", f"more than a tolerance in {text[:40]!r}")
    return found


def read_tolerance(source: Source, start: int, atom: Atom | None) -> Tolerance | None:
    """The tolerance that begins at `start`, behind its nominal value if there is one."""
    symmetric = PLUS_MINUS.match(source.text, start)
    if symmetric:
        return _symmetric(source, symmetric)
    first = ZERO_FIRST.match(source.text, start) or DEVIATION.match(source.text, start)
    return _asymmetric(source, first, atom) if first else None


def _symmetric(source: Source, match: re.Match[str]) -> Tolerance | None:
    number = read_number(source.text, match.end(), source.decimal)
    if number is None:
        return None
    unit = _unit(source, number.end)
    end = _close(source, unit.end if unit else number.end, opened="(" in match[0])
    return Tolerance(
        -number.value, number.value, unit.unit if unit else None, end, hint=source.hint
    )


def _asymmetric(source: Source, first: re.Match[str], atom: Atom | None) -> Tolerance | None:
    number = _try_number(source, first.end())
    if number is None:
        return None
    first_unit = _unit(source, number.end)
    second = SECOND.match(source.text, first_unit.end if first_unit else number.end)
    other = _try_number(source, second.end()) if second else None
    if second is None or other is None or not _is_pair(first, second, other, atom):
        return None
    second_unit = _unit(source, other.end)
    end = _close(source, second_unit.end if second_unit else other.end, opened=bool(first["open"]))
    unit = second_unit or first_unit
    if first_unit and second_unit and first_unit.unit != second_unit.unit:
        raise QuantityError("unit_conflict", "two deviations in different units", end=end)
    low, high = sorted((_signed(number, first["sign"]), _signed(other, second["sign"])))
    return Tolerance(low, high, unit.unit if unit else None, end, hint=source.hint)


def _is_pair(first: re.Match[str], second: re.Match[str], other: Number, atom: Atom | None) -> bool:
    """Whether two signed numbers are deviations and not two more values of a row."""
    slash = bool(second["mark"].strip())
    if not second["sign"] and not (slash and other.value == 0):
        return False
    opposite = {first["sign"] == "+", second["sign"] == "+"} == {True, False}
    if slash:
        return opposite or atom is not None or not (first["sign"] and second["sign"])
    return opposite and bool(second["sign"]) and atom is not None and atom.unit is not None


def _signed(number: Number, sign: str) -> Decimal:
    return number.value if sign in ("+", "") else -number.value


def _try_number(source: Source, start: int) -> Number | None:
    try:
        return read_number(source.text, start, source.decimal)
    except QuantityError:
        return None


def _unit(source: Source, end: int) -> UnitSpan | None:
    gap = end
    while gap < end + 2 and source.text.startswith(" ", gap):
        gap += 1
    return scan_unit(source.text, gap)


def _close(source: Source, end: int, *, opened: bool) -> int:
    return end + 1 if opened and source.text.startswith(")", end) else end
