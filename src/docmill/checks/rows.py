"""One line of a reference table as a demand: numbers, tolerance and unit checked cell by cell.

Problems carry sheet, row and column. Whether a record field exists for it is for `judge` to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from docmill.checks.limits import Limits
from docmill.checks.quantity import format_number, loosen
from docmill.checks.sheets import Cell, Line, Sheet
from docmill.errors import KeyProblem
from docmill.quantities import (
    DecimalMark,
    IncompatibleUnits,
    QuantityError,
    Tolerance,
    canonical_unit,
    convert,
    detect_decimal,
    parse_quantity,
    parse_tolerance,
)
from docmill.spec.checks import Reference

NUMBER_ROLES = ("min", "max", "nominal")


@dataclass(frozen=True, slots=True)
class Demand:
    """One row of a reference standard."""

    line: int
    place: Callable[[str], str]
    """Place of one of the row's cells by role (`min`, `condition`): `standard.xlsx Limits!D7`."""
    key: tuple[tuple[str, str | None], ...]
    """Record field and the text it has to have; None fits any."""
    parameter: str
    limits: Limits | None
    """Limits in numbers; None if the row demands a text."""
    text: str | None
    """The nominal value as text."""
    unit: str | None
    clause: str
    condition: str | None

    @property
    def names_a_key(self) -> bool:
        """Whether any of its key cells isn't empty."""
        return any(value is not None for _, value in self.key)

    def fits(self, key: Mapping[str, str]) -> bool:
        """Whether the row is about a record with these key values."""
        return all(
            value is None or loosen(value) == loosen(key.get(field, ""))
            for field, value in self.key
        )

    def key_text(self) -> str:
        """` of S235JR`, for messages."""
        named = ", ".join(value for _, value in self.key if value)
        return f" of {named}" if named else ""


class RowReader:
    """Reads the lines of one table and gathers what is wrong with them."""

    def __init__(self, spec: Reference, sheet: Sheet) -> None:
        self.problems: list[KeyProblem] = []
        self._spec = spec
        self._sheet = sheet
        self._columns: dict[str, str] = {
            role: column
            for role, column in spec.columns.model_dump(exclude_none=True).items()
            if column in sheet.columns
        }
        self._decimal: DecimalMark | None = "."
        if sheet.marks_decimals:
            self._decimal = detect_decimal(self._number_texts()) or self._default_mark()

    def read(self, line: Line) -> Demand | None:
        """The line's demand; None if something is wrong with it."""
        before = len(self.problems)
        parameter = self._text(line, "parameter")
        if not parameter:
            self._problem(line, "parameter", "the row names no parameter")
            return None
        unit = self._unit(line)
        numbers = {role: self._number(line, role, unit) for role in ("min", "max")}
        nominal, text = self._nominal(line, unit)
        tolerance = self._tolerance(line)
        if len(self.problems) > before:
            return None
        limits = self._limits(line, numbers, nominal, tolerance, unit)
        if limits is None and text is None and len(self.problems) == before:
            self._problem(line, "parameter", f"the row demands nothing of `{parameter}`")
        if len(self.problems) > before:
            return None
        return Demand(
            line=line.number,
            place=lambda role: self._place(line, role),
            key=tuple((field, self._key(line, column)) for field, column in self._spec.key.items()),
            parameter=parameter,
            limits=limits,
            text=text,
            unit=unit,
            clause=self._text(line, "clause") or "",
            condition=self._text(line, "condition"),
        )

    def _place(self, line: Line, role: str) -> str:
        return self._sheet.place(line.number, self._columns.get(role, role))

    def _problem(self, line: Line, role: str, message: str, remedy: str = "") -> None:
        text = f"{self._place(line, role)}: {message}"
        self.problems.append(KeyProblem(("reference", "path"), text, remedy))

    def _cell(self, line: Line, role: str) -> Cell:
        column = self._columns.get(role)
        return line.cells.get(column) if column else None

    def _text(self, line: Line, role: str) -> str | None:
        cell = self._cell(line, role)
        return None if cell is None else _as_text(cell)

    def _key(self, line: Line, column: str) -> str | None:
        cell = line.cells.get(column)
        text = None if cell is None else _as_text(cell)
        return None if text in (None, "*") else text

    def _unit(self, line: Line) -> str | None:
        text = self._text(line, "unit")
        if text is None:
            return None
        unit = canonical_unit(text)
        if unit is None:
            self._problem(line, "unit", f"unknown unit `{text}`")
        return unit

    def _number(self, line: Line, role: str, unit: str | None) -> Decimal | None:
        cell = self._cell(line, role)
        if cell is None or isinstance(cell, Decimal):
            return cell
        try:
            return self._parsed(_as_text(cell), unit)
        except (QuantityError, IncompatibleUnits) as error:
            self._problem(line, role, f"`{cell}` is no number: {error}")
            return None

    def _parsed(self, text: str, unit: str | None) -> Decimal:
        parsed = parse_quantity(text, decimal=self._decimal, unit_hint=unit)
        if parsed.kind != "exact" or parsed.qualifier != "=" or parsed.value is None:
            raise QuantityError("bad_number", "one plain number belongs here")
        if parsed.unit is None:
            return parsed.value
        if unit is None:
            raise QuantityError("unit_missing", "its unit belongs into the unit column")
        return convert(parsed.value, parsed.unit, unit)

    def _nominal(self, line: Line, unit: str | None) -> tuple[Decimal | None, str | None]:
        """The nominal value as a number and as text; a text that is no number is a text."""
        cell = self._cell(line, "nominal")
        if cell is None:
            return None, None
        text = _as_text(cell)
        if isinstance(cell, Decimal):
            return cell, text
        try:
            return self._parsed(text, unit), text
        except (QuantityError, IncompatibleUnits) as error:
            if unit is not None or self._cell(line, "tolerance") is not None:
                self._problem(line, "nominal", f"`{text}` is no number: {error}")
            return None, text

    def _tolerance(self, line: Line) -> Tolerance | None:
        text = self._text(line, "tolerance")
        if text is None:
            return None
        try:
            return parse_tolerance(text, decimal=self._decimal)
        except QuantityError as error:
            remedy = "write ±5 %, ±0.1 mm, +0.2/-0.1 or an ISO 286 class such as h7"
            self._problem(line, "tolerance", f"`{text}` is no tolerance: {error}", remedy)
            return None

    def _limits(
        self,
        line: Line,
        ends: Mapping[str, Decimal | None],
        nominal: Decimal | None,
        tolerance: Tolerance | None,
        unit: str | None,
    ) -> Limits | None:
        low, high = ends["min"], ends["max"]
        if tolerance is not None:
            if low is not None or high is not None:
                self._problem(line, "tolerance", "a tolerance beside min or max: which one counts?")
            elif nominal is None:
                self._problem(line, "nominal", "a tolerance needs its nominal value")
            else:
                return self._around(line, nominal, tolerance, unit)
            return None
        if low is not None and high is not None and low > high:
            self._problem(
                line, "min", f"min {format_number(low)} is above max {format_number(high)}"
            )
        if low is None and high is None:
            return None if nominal is None else Limits(nominal, nominal, unit)
        return Limits(low, high, unit)

    def _around(
        self, line: Line, nominal: Decimal, tolerance: Tolerance, unit: str | None
    ) -> Limits | None:
        try:
            return limits_around(nominal, tolerance, unit)
        except QuantityError as error:
            self._problem(line, "tolerance", str(error))
            return None

    def _number_texts(self) -> list[str]:
        columns = [self._columns[role] for role in NUMBER_ROLES if role in self._columns]
        cells = (line.cells.get(column) for line in self._sheet.lines for column in columns)
        # evidence needs a unit behind short numbers; in a number column they are numbers anyway
        return [f"{cell} %" for cell in cells if isinstance(cell, str)]

    def _default_mark(self) -> DecimalMark | None:
        """Without evidence the point, unless the file's own commas could be meant as decimals."""
        return None if any("," in text for text in self._number_texts()) else "."


def limits_around(nominal: Decimal, tolerance: Tolerance, unit: str | None) -> Limits:
    """Limits around a nominal value in `unit`.

    Raises:
        QuantityError: units that don't fit, per cent of a percentage, an unknown ISO 286 class.
    """
    if tolerance.relative and unit in ("%", "‰", "ppm", "ppb"):
        raise QuantityError(
            "ambiguous_percent", "per cent of a percentage, or points of it? Give min and max"
        )
    lower, upper = tolerance.around(nominal, unit)
    return Limits(nominal + lower, nominal + upper, unit)


def _as_text(cell: Cell) -> str:
    match cell:
        case Decimal():
            return format_number(cell)
        case bool():
            return "true" if cell else "false"
        case _:
            return str(cell)
