"""Evaluates a checked syntax tree over a record, or over sample values of its fields.

`expressions` is the door; functions stand in `functions`, arithmetic in `quantity`. Unproven values
follow three-valued logic: `false and unknown` is false, `true and unknown` is unknown.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, DecimalException
from typing import Protocol

from docmill.checks import quantity as q
from docmill.checks.functions import Collected, Result, Rows, call
from docmill.checks.quantity import Interval, Text, TypeMismatch
from docmill.checks.syntax import ExpressionError, Tree
from docmill.checks.view import Unproven
from docmill.spec.fields import Field
from docmill.spec.suggest import remedy_for

BINARY: dict[type[ast.operator], Callable[[q.Value, q.Value], q.Value]] = {
    ast.Add: q.add,
    ast.Sub: q.subtract,
    ast.Mult: q.multiply,
    ast.Div: q.divide,
}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


class View(Protocol):
    """What an expression reads: a record, or sample values of its fields."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """Fields of the record."""
        ...

    def rows(self, name: str) -> int:
        """Number of rows of a list field."""
        ...

    def value(self, path: str, field: Field | None) -> q.Value | Interval:
        """The value at a path; `Unproven` if there is none."""
        ...


class Evaluation:
    """One evaluation over one view; when `static`, types that don't fit are the author's."""

    def __init__(
        self, tree: Tree, view: View, *, static: bool, row: tuple[str, int] | None = None
    ) -> None:
        self.tree = tree
        self.view = view
        self.static = static
        self._row = row

    def evaluate(self, node: ast.expr) -> Result:
        """The value of a node.

        Raises:
            ExpressionError: when static, types or units that don't fit, with their place.
            Unproven: a value that isn't there, or doesn't fit at run time.
        """
        try:
            return NODES[type(node)](self, node)
        except TypeMismatch as error:
            if self.static:
                raise ExpressionError(str(error), self.tree.column(node)) from error
            raise Unproven("not_comparable", str(error)) from error
        except (ZeroDivisionError, DecimalException, OverflowError) as error:
            raise Unproven("not_comparable", "a division by zero or a number too large") from error

    def scalar(self, node: ast.expr) -> q.Value:
        """The value of a node that has to be a single one."""
        found = self.evaluate(node)
        if isinstance(found, Rows | Collected):
            listed = found.name.split(".")[0]
            raise TypeMismatch(
                f"`{found.name}` stands for many values: use sum, min, max, count or "
                f"all({listed}, …)"
            )
        if isinstance(found, Interval):
            raise TypeMismatch("a range has ends: write .min, .typ or .max behind it")
        return found

    def truth(self, node: ast.expr) -> bool:
        """The value of a node that has to be true or false."""
        found = self.scalar(node)
        if not isinstance(found, bool):
            raise TypeMismatch(f"{q.kind_of(found)} is neither true nor false")
        return found

    def count_rows(self, name: str) -> int:
        """Number of rows of a list field."""
        return self.view.rows(name)

    def each_row(self, name: str) -> Iterator[None]:
        """Enter the rows of a list field; names then mean the row's fields first."""
        outer = self._row
        try:
            for index in range(self.view.rows(name)):
                self._row = (name, index)
                yield
        finally:
            self._row = outer

    def path(self, name: str) -> tuple[str, Field]:
        """Path and field of a name, the row's fields before the record's."""
        inner: Mapping[str, Field] = {}
        if self._row is not None:
            listed, index = self._row
            inner = self.view.fields[listed].fields or {}
            if name in inner:
                return f"{listed}[{index}].{name}", inner[name]
        field = self.view.fields.get(name)
        if field is None:
            raise _unknown(name, {**inner, **self.view.fields})
        return name, field


def _unknown(name: str, known: Mapping[str, Field]) -> TypeMismatch:
    return TypeMismatch(f"`{name}` is no field; {remedy_for(name, known, empty='there are none')}")


def _plain_name(name: str) -> str:
    return name.removeprefix("_k_")


def _name(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.Name)
    literal = run.tree.literals.get(node.id)
    if literal is not None:
        return literal
    name = _plain_name(node.id)
    path, field = run.path(name)
    return Rows(name) if field.type == "list" else run.view.value(path, field)


def _attribute(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.Attribute)
    part = _plain_name(node.attr)
    found = run.evaluate(node.value)
    if isinstance(found, Rows):
        return _column(run, found.name, part)
    if not isinstance(found, Interval):
        raise TypeMismatch(f"only ranges and list fields have parts such as `.{part}`")
    if part not in ("min", "typ", "max"):
        raise TypeMismatch(f"a range has .min, .typ and .max, no .{part}")
    end: q.Quantity | None = getattr(found, part)
    if end is None:
        raise Unproven("missing", f"the range states no {part}")
    return end


def _column(run: Evaluation, name: str, part: str) -> Collected:
    inner = run.view.fields[name].fields or {}
    field = inner.get(part)
    if field is None:
        raise _unknown(part, inner)
    items: list[q.Value | Unproven] = []
    for index in range(run.view.rows(name)):
        try:
            value = run.view.value(f"{name}[{index}].{part}", field)
        except Unproven as unproven:
            items.append(unproven)
            continue
        if isinstance(value, Interval):
            raise TypeMismatch(f"`{name}.{part}` holds ranges: use all({name}, …)")
        items.append(value)
    return Collected(f"{name}.{part}", tuple(items))


def _constant(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.Constant)
    if isinstance(node.value, bool):
        return node.value
    if isinstance(node.value, str):
        return Text(node.value)
    if isinstance(node.value, int):  # a number beside something that isn't an expression
        return q.Quantity(Decimal(node.value))
    raise TypeMismatch("this value isn't part of the language")


def _binary(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.BinOp)
    return BINARY[type(node.op)](run.scalar(node.left), run.scalar(node.right))


def _unary(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.UnaryOp)
    if isinstance(node.op, ast.Not):
        return not run.truth(node.operand)
    value = run.scalar(node.operand)
    return q.negate(value) if isinstance(node.op, ast.USub) else value


def _logic(run: Evaluation, node: ast.expr) -> Result:
    """`and`, `or`: one operand can decide even where another is unproven."""
    assert isinstance(node, ast.BoolOp)
    decisive = isinstance(node.op, ast.Or)
    doubt: Unproven | None = None
    decided = False
    for operand in node.values:
        try:
            decided = run.truth(operand) is decisive or decided
        except Unproven as unproven:
            doubt = doubt or unproven
    if doubt is not None and not decided:
        raise doubt
    return decisive if decided else not decisive


def _compare(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.Compare)
    result = True
    left = run.scalar(node.left)
    for symbol, right_node in zip(node.ops, node.comparators, strict=True):
        if isinstance(symbol, ast.In | ast.NotIn):
            found = _is_in(run, left, right_node)
            result = result and found == isinstance(symbol, ast.In)
            continue
        right = run.scalar(right_node)
        result = q.compare(left, COMPARE[type(symbol)], right) and result
        left = right
    return result


def _is_in(run: Evaluation, left: q.Value, node: ast.expr) -> bool:
    if not isinstance(node, ast.Tuple | ast.List):
        raise TypeMismatch('write the values in brackets: in ("3.1", "3.2")')
    items = [run.scalar(item) for item in node.elts]
    matches = [q.compare(left, "==", item) for item in items]  # all, so that all are checked
    return any(matches)


def _choice(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.IfExp)
    if run.static:
        run.truth(node.test)
        run.scalar(node.orelse)
        return run.scalar(node.body)
    return run.scalar(node.body if run.truth(node.test) else node.orelse)


def _call(run: Evaluation, node: ast.expr) -> Result:
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return call(run, _plain_name(node.func.id), node.args)


def _list(run: Evaluation, node: ast.expr) -> Result:
    raise TypeMismatch("a list of values stands behind `in` only")


NODES: dict[type[ast.expr], Callable[[Evaluation, ast.expr], Result]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Constant: _constant,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _logic,
    ast.Compare: _compare,
    ast.IfExp: _choice,
    ast.Call: _call,
    ast.Tuple: _list,
    ast.List: _list,
}
