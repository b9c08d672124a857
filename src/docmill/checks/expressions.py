"""Statements about one record: compiled once, tested on each record's proven values.

The language is described in docs/checks.md. Compiling evaluates a statement on sample values of the
record's fields, so that names, types and units are wrong at compile time or not at all.
"""

import ast
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from docmill.checks import quantity as q
from docmill.checks.evaluation import COMPARE, Evaluation
from docmill.checks.quantity import Interval, Quantity, Text
from docmill.checks.syntax import ExpressionError, parse_expression
from docmill.checks.view import RecordView, Unproven
from docmill.quantities import canonical_unit
from docmill.spec.fields import Field

__all__ = ["Expression", "ExpressionError", "Outcome"]


class Outcome(NamedTuple):
    """The truth of a statement on one record, and both sides of its comparison as text."""

    truth: bool
    left: str = ""
    symbol: str = ""
    right: str = ""


class _Samples:
    """A view with a made-up value of the right type and unit for every field, one row per list."""

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields

    def rows(self, name: str) -> int:
        return 1

    def value(self, path: str, field: Field | None) -> q.Value | Interval:
        assert field is not None
        match field.type:
            case "text" | "id":
                return Text("", field.type == "id", tuple(field.enum or ()))
            case "boolean":
                return True
            case "date":
                return date(2000, 1, 1)
            case "range":
                return Interval(*(Quantity(Decimal(1), self._unit(field)) for _ in range(3)))
            case "quantity":
                return Quantity(Decimal(1), self._unit(field))
            case _:
                return Quantity(Decimal(1))

    def _unit(self, field: Field) -> str | None:
        """The field's unit; without one the document decides, so nothing can be said yet."""
        unit = canonical_unit(field.unit) if field.unit else None
        if unit is None:
            raise Unproven("not_comparable", "the field has no unit of its own")
        return unit


class Expression:
    """A statement about a record, or about a row of its list field `rows_of`.

    Raises:
        ExpressionError: a mistake in syntax, names, types or units, with its column.
    """

    def __init__(
        self, text: str, fields: Mapping[str, Field], *, rows_of: str | None = None
    ) -> None:
        self.text = " ".join(text.split())
        self._tree = parse_expression(text)
        row = (rows_of, 0) if rows_of else None
        samples = Evaluation(self._tree, _Samples(fields), static=True, row=row)
        try:
            found = samples.evaluate(self._tree.body)
        except Unproven:
            return
        except q.TypeMismatch as error:
            raise ExpressionError(str(error)) from error
        if not isinstance(found, bool):
            raise ExpressionError(
                "an expression has to be true or false: compare it with something"
            )

    def test(self, view: RecordView, row: tuple[str, int] | None = None) -> bool:
        """Whether the statement is true of a record; `row` is a list field and a row's number.

        Raises:
            Unproven: a value it needs is missing, unproven or in a unit that doesn't fit.
        """
        found = Evaluation(self._tree, view, static=False, row=row).evaluate(self._tree.body)
        if not isinstance(found, bool):
            raise Unproven("not_comparable", "the expression is neither true nor false")
        return found

    def explain(self, view: RecordView) -> Outcome:
        """The same, with the two sides of a comparison as text.

        Raises:
            Unproven: as `test`.
        """
        truth = self.test(view)
        body = self._tree.body
        if not isinstance(body, ast.Compare) or len(body.ops) > 1:
            return Outcome(truth)
        symbol = COMPARE.get(type(body.ops[0]))
        if symbol is None:
            return Outcome(truth)
        run = Evaluation(self._tree, view, static=False)
        left, right = run.scalar(body.left), run.scalar(body.comparators[0])
        return Outcome(truth, str(left), symbol, str(right))
