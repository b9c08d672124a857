"""What every compiled check shares: name, severity, its `when`, and lookups of fields by path.

`standard` and `single` hold the checks themselves, `judge` puts them together.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from docmill.checks.comparing import sentence
from docmill.checks.expressions import Expression, ExpressionError
from docmill.checks.view import RecordView, Unproven
from docmill.errors import KeyProblem
from docmill.records.results import Severity, Verdict, VerdictKind
from docmill.spec.fields import Field
from docmill.spec.suggest import remedy_for

Path = tuple[str | int, ...]


class CompiledCheck(Protocol):
    """A check ready to judge records."""

    def judge(self, view: RecordView) -> Iterator[Verdict]:
        """Verdicts on one record."""
        ...


@dataclass(slots=True)
class Scope:
    """What compiling needs: the record's fields, and a place to gather problems."""

    fields: Mapping[str, Field]
    problems: list[KeyProblem] = field(default_factory=list[KeyProblem])

    def problem(self, path: Path, message: str, remedy: str = "") -> None:
        """Note one mistake."""
        self.problems.append(KeyProblem(path, message, remedy))

    def expression(
        self, text: str, path: Path, *, rows_of: str | None = None, place: str = ""
    ) -> Expression | None:
        """A compiled expression, or None and a problem with the column of the mistake."""
        try:
            return Expression(text, self.fields, rows_of=rows_of)
        except ExpressionError as error:
            where = f"{place}: " if place else ""
            message = f"{where}column {error.column}: {error.message}"
            self.problem(path, message, error.remedy)
            return None

    def leaf(self, name: str, path: Path) -> Field | None:
        """The field at a path such as `lines.amount`, or None and a problem."""
        found = leaf_fields(self.fields).get(name)
        if found is None and name in self.fields:
            listed = ", ".join(f"{name}.{part}" for part in self.fields[name].fields or {})
            self.problem(path, f"`{name}` is a list", f"name one of its fields: {listed}")
        elif found is None:
            remedy = remedy_for(name, leaf_fields(self.fields))
            self.problem(path, f"`{name}` is no field of the record", remedy)
        return found


def leaf_fields(fields: Mapping[str, Field]) -> dict[str, Field]:
    """Every field that holds a value, by path without row numbers."""
    leaves: dict[str, Field] = {}
    for name, each in fields.items():
        if each.type == "list":
            leaves |= {f"{name}.{part}": inner for part, inner in (each.fields or {}).items()}
        else:
            leaves[name] = each
    return leaves


class Place(NamedTuple):
    """One value of a field: its path, and its row where the field is in a list."""

    path: str
    row: tuple[str, int] | None


def places(view: RecordView, name: str) -> Iterator[Place]:
    """All values of a field: one, or one per row."""
    listed, dot, part = name.partition(".")
    if not dot:
        yield Place(name, None)
        return
    for index in range(view.rows(listed)):
        yield Place(f"{listed}[{index}].{part}", (listed, index))


@dataclass(frozen=True, slots=True)
class Heading:
    """Name, severity and condition of a check."""

    name: str
    severity: Severity
    when: Expression | None

    def verdict(
        self,
        verdict: VerdictKind,
        message: str,
        *,
        path: str = "",
        value: str = "",
        limit: str = "",
        clause: str = "",
    ) -> Verdict:
        """A verdict of this check."""
        return Verdict(
            check=self.name, severity=self.severity, verdict=verdict, message=sentence(message),
            path=path, value=value, limit=limit, clause=clause,
        )  # fmt: skip

    def applies(self, view: RecordView) -> bool | Verdict:
        """Whether the check applies; a verdict where that can't be known."""
        if self.when is None:
            return True
        try:
            return self.when.test(view)
        except Unproven as unproven:
            return self.verdict(
                "not_comparable", f"whether this check applies is unknown: {unproven.reason}"
            )
