"""From an expression's text to a checked syntax tree.

Quantity literals (`0.01 EUR`, `16 mm`, `5 %`) are cut out first, the rest is parsed by Python's own
parser and held against a short list of allowed forms. Nothing is ever executed.
"""

import ast
import keyword
import re
from decimal import Decimal
from typing import NamedTuple

from docmill.checks.quantity import Quantity
from docmill.quantities.units import scan_unit

MAX_LENGTH = 2000
MAX_NODES = 300
MAX_NESTING = 25
TOKEN = re.compile(
    r"(?P<string>\"[^\"\\\n]*\"|'[^'\\\n]*')|"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?(?![\w.]))|"
    r"(?P<attached>[0-9]+(?:\.[0-9]+)?)(?=[^\W\d_%])|"
    r"(?P<name>[^\W\d]\w*)|(?P<space>\s+)|(?P<operator><=|>=|==|!=|≤|≥|≠|[-+*/<>(),.\[\]−])"
)
WORDS = {"and", "or", "not", "in", "if", "else", "True", "False"}
SPELLED = {"true": "True", "false": "False"}
OPERATORS = {"≤": "<=", "≥": ">=", "≠": "!=", "−": "-"}
BEFORE_WORD = re.compile(r"\s+[\w(\[\"']")
ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
    ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Call, ast.Name, ast.Load, ast.Attribute,
    ast.Constant, ast.Tuple, ast.List, ast.IfExp,
)  # fmt: skip


class ExpressionError(ValueError):
    """A mistake in an expression; `column` counts from 1."""

    def __init__(self, message: str, column: int = 1, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.remedy = remedy


class Tree(NamedTuple):
    """A parsed expression."""

    body: ast.expr
    literals: dict[str, Quantity]
    """Numbers with or without unit, by the name that stands for each in the tree."""
    columns: tuple[int, ...]
    """Column in the author's text for each character of the rewritten one."""

    def column(self, node: ast.AST) -> int:
        """Where a node begins in the author's text."""
        offset = getattr(node, "col_offset", 0)
        return self.columns[min(offset, len(self.columns) - 1)]


class _Rewriter:
    """Replaces literals and words that Python would read differently, keeping track of columns."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces: list[str] = []
        self.columns: list[int] = []
        self.literals: dict[str, Quantity] = {}

    def put(self, piece: str, position: int) -> None:
        if not self.pieces:
            piece = piece.lstrip()  # Python would read an indented block
            if not piece:
                return
        self.pieces.append(piece)
        # ast counts columns in bytes
        self.columns += [position + 1] * len(piece.encode())

    def literal(self, number: str, position: int, end: int) -> int:
        """A number with the unit behind it, if there is one."""
        gap = end
        while gap < len(self.text) and self.text[gap] == " ":
            gap += 1
        unit = scan_unit(self.text, gap)
        if unit and self.text[gap : unit.end] == "in" and BEFORE_WORD.match(self.text, unit.end):
            unit = None
        name = f"_q{len(self.literals)}"
        self.literals[name] = Quantity(Decimal(number), unit.unit if unit else None)
        self.put(f" {name} ", position)
        return unit.end if unit else end


def parse_expression(text: str) -> Tree:
    """Parse an expression; every form outside of the language is refused.

    Raises:
        ExpressionError: with the column of the mistake.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression may have {MAX_LENGTH} characters")
    rewriter = _rewrite(text)
    columns = (*rewriter.columns, len(text) + 1)
    try:
        module = ast.parse("".join(rewriter.pieces), mode="eval")
    except SyntaxError as error:
        place = min(max((error.offset or 1) - 1, 0), len(columns) - 1)
        raise ExpressionError("this is no expression", columns[place]) from error
    except (RecursionError, MemoryError) as error:
        raise ExpressionError("the expression is nested too deeply") from error
    tree = Tree(module.body, rewriter.literals, columns)
    _check_forms(tree)
    return tree


def _rewrite(text: str) -> _Rewriter:
    rewriter = _Rewriter(text)
    position, nesting = 0, 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"{text[position]!r} has no meaning here", position + 1)
        piece = match[0]
        nesting += piece.count("(") - piece.count(")") if match["operator"] else 0
        if nesting > MAX_NESTING:
            raise ExpressionError("the expression is nested too deeply", position + 1)
        if match["number"] or match["attached"]:
            position = rewriter.literal(piece, position, match.end())
            continue
        if match["name"]:
            piece = _word(piece, position)
        rewriter.put(OPERATORS.get(piece, " " if match["space"] else piece), position)
        position = match.end()
    return rewriter


def _word(name: str, position: int) -> str:
    if name in WORDS or name in SPELLED:
        return SPELLED.get(name, name)
    if name.startswith("_") or not name.isascii():
        raise ExpressionError(f"`{name}` is no name of a field", position + 1)
    return f"_k_{name}" if keyword.iskeyword(name) else name


def _check_forms(tree: Tree) -> None:
    for count, node in enumerate(ast.walk(tree.body)):
        if count > MAX_NODES:
            raise ExpressionError("the expression is too long")
        if not isinstance(node, ALLOWED):
            raise ExpressionError("this form isn't part of the language", tree.column(node))
        if isinstance(node, ast.Call) and (node.keywords or not isinstance(node.func, ast.Name)):
            raise ExpressionError("only the functions of the language", tree.column(node))
