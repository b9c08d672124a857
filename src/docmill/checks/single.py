"""Checks whose demand stands in the pipeline: a tolerance on one field, a statement that is true.

Limits by standard stand in `standard`, checks over the batch in `batch`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from docmill.checks.comparing import compare_value
from docmill.checks.compiled import Heading, Path, Scope, places
from docmill.checks.expressions import Expression
from docmill.checks.limits import Limits, parse_guard
from docmill.checks.rows import limits_around
from docmill.checks.view import RecordView, Unproven
from docmill.quantities import (
    IncompatibleUnits,
    QuantityError,
    compatible,
    convert,
    parse_quantity,
    parse_tolerance,
)
from docmill.records.results import Verdict
from docmill.spec.checks import ExpressionCheck, ToleranceCheck
from docmill.spec.fields import Field

_NUMBER = re.compile(r"\s*[-+−]?\d+(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class CompiledTolerance:
    """A `tolerance` check."""

    heading: Heading
    field: str
    spec: Field
    limits: Limits

    def judge(self, view: RecordView) -> Iterator[Verdict]:
        """One verdict per value of the field; `missing` where a list has no rows."""
        found = list(places(view, self.field))
        if not found:
            listed = self.field.partition(".")[0]
            message = f"`{listed}` has no rows"
            yield self.heading.verdict("missing", message, path=listed, limit=str(self.limits))
        for place in found:
            outcome = compare_value(view, place.path, self.spec, self.limits)
            yield self.heading.verdict(
                outcome.verdict, outcome.message, path=place.path, value=outcome.value,
                limit=str(self.limits),
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompiledExpression:
    """An `expression` check."""

    heading: Heading
    expression: Expression
    message: str

    def judge(self, view: RecordView) -> Iterator[Verdict]:
        """One verdict on the record as a whole."""
        try:
            outcome = self.expression.explain(view)
        except Unproven as unproven:
            yield self.heading.verdict(
                unproven.verdict, unproven.reason, limit=self.expression.text
            )
            return
        sides = f"{outcome.left} {outcome.symbol} {outcome.right}" if outcome.symbol else ""
        value = outcome.left if outcome.symbol else ""
        if outcome.truth:
            message = f"True: {sides}" if sides else "True"
            yield self.heading.verdict("pass", message, value=value, limit=self.expression.text)
            return
        why = f"not true: {sides}" if sides else "not true"
        yield self.heading.verdict(
            "fail", self.message or why, value=value, limit=self.expression.text
        )


def compile_tolerance(
    check: ToleranceCheck, heading: Heading, scope: Scope, path: Path
) -> CompiledTolerance | None:
    """A tolerance check, or None and its problems."""
    field = scope.leaf(check.field, (*path, "field"))
    if field is None:
        return None
    if field.type not in ("quantity", "number", "integer", "range"):
        message = f"`{check.field}` is a {field.type}, it has no tolerance"
        scope.problem((*path, "field"), message, "use an `expression` check")
        return None
    limits = _Demand(check, field, scope, path).limits()
    return CompiledTolerance(heading, check.field, field, limits) if limits else None


def compile_expression(
    check: ExpressionCheck, heading: Heading, scope: Scope, path: Path
) -> CompiledExpression | None:
    """An expression check, or None and its problems."""
    expression = scope.expression(check.expression, (*path, "expression"))
    return CompiledExpression(heading, expression, check.message) if expression else None


class _Demand:
    """Reads the limits of a tolerance check."""

    def __init__(self, check: ToleranceCheck, field: Field, scope: Scope, path: Path) -> None:
        self.check = check
        self.field = field
        self.scope = scope
        self.path = path
        self.unit: str | None = None
        self.found_unit = False

    def limits(self) -> Limits | None:
        before = len(self.scope.problems)
        numbers = {
            key: self._number(key, getattr(self.check, key)) for key in ("nominal", "min", "max")
        }
        if len(self.scope.problems) > before:
            return None
        limits = self._combined(numbers["nominal"], numbers["min"], numbers["max"])
        return self._guarded(limits) if limits else None

    def _number(self, key: str, text: str | None) -> Decimal | None:
        if text is None:
            return None
        try:
            parsed = parse_quantity(text, decimal=".", unit_hint=self.field.unit)
            if parsed.kind != "exact" or parsed.value is None or parsed.qualifier != "=":
                raise QuantityError("bad_number", "one plain quantity belongs here")
            return self._in_unit(parsed.value, parsed.unit)
        except (QuantityError, IncompatibleUnits) as error:
            self.scope.problem((*self.path, key), f"`{text}`: {error}", self._example(text))
            return None

    def _in_unit(self, value: Decimal, unit: str | None) -> Decimal:
        wanted = self.field.unit if self.field.type in ("quantity", "range") else None
        if unit is None and self.field.type in ("quantity", "range"):
            raise QuantityError("unit_missing", "the unit is missing")
        if unit is not None and self.field.type in ("number", "integer"):
            raise QuantityError("unit_conflict", f"`{self.check.field}` has no unit")
        if unit and wanted and not compatible(unit, wanted):
            raise QuantityError("unit_conflict", f"`{self.check.field}` is in {wanted}")
        if not self.found_unit:
            self.unit, self.found_unit = unit, True
        return convert(value, unit, self.unit) if unit and self.unit else value

    def _example(self, text: str) -> str:
        number = _NUMBER.match(text)
        said = number[0].strip() if number else "5"
        return f"write it as `{said} {self.field.unit}`" if self.field.unit else ""

    def _combined(
        self, nominal: Decimal | None, low: Decimal | None, high: Decimal | None
    ) -> Limits | None:
        if self.check.tolerance is not None:
            if nominal is None or low is not None or high is not None:
                message = "a tolerance stands beside a nominal value, not beside min or max"
                self.scope.problem((*self.path, "tolerance"), message)
                return None
            try:
                tolerance = parse_tolerance(self.check.tolerance, decimal=".")
                return limits_around(nominal, tolerance, self.unit)
            except QuantityError as error:
                message = f"`{self.check.tolerance}`: {error}"
                self.scope.problem((*self.path, "tolerance"), message)
                return None
        if low is not None and high is not None and low > high:
            self.scope.problem((*self.path, "min"), "min is above max")
            return None
        if low is None and high is None:
            if nominal is None:
                message = "the check demands nothing"
                self.scope.problem(self.path, message, "give nominal and tolerance, min or max")
                return None
            return Limits(nominal, nominal, self.unit)
        return Limits(low, high, self.unit)

    def _guarded(self, limits: Limits) -> Limits | None:
        if self.check.guard_band is None:
            return limits
        try:
            return limits.guarded(parse_guard(self.check.guard_band))
        except QuantityError as error:
            self.scope.problem((*self.path, "guard_band"), str(error))
            return None
