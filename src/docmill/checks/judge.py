"""The checks of a pipeline: every mistake found before the run, every record judged alike.

The kinds of check stand in `standard` and `single`; checks over the whole batch in `batch`, whose
names and conditions are tried out here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, assert_never

from docmill.checks.compiled import CompiledCheck, Heading, Path, Scope
from docmill.checks.problems import CheckSpecError
from docmill.checks.reference import ReferenceTable
from docmill.checks.ruling import Ruling
from docmill.checks.single import compile_expression, compile_tolerance
from docmill.checks.view import RecordView
from docmill.records.checked import CheckedRecord
from docmill.records.results import Verdict
from docmill.spec.checks import (
    Check,
    ConsistentCheck,
    ExpressionCheck,
    ReferenceCheck,
    ToleranceCheck,
    UniqueCheck,
)
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline


class Judge:
    """Judges one record at a time."""

    def __init__(self, checks: Sequence[CompiledCheck], fields: Mapping[str, Field]) -> None:
        self._checks = tuple(checks)
        self._fields = fields

    def judge(self, record: CheckedRecord) -> tuple[Verdict, ...]:
        """Verdicts in the order of the pipeline's checks; the same record gives the same ones."""
        view = RecordView(record, self._fields)
        return tuple(verdict for check in self._checks for verdict in check.judge(view))


class _Conditional:
    """A check that applies where its `when` is true."""

    def __init__(self, heading: Heading, check: CompiledCheck) -> None:
        self._heading = heading
        self._check = check

    def judge(self, view: RecordView) -> Iterator[Verdict]:
        applies = self._heading.applies(view)
        if isinstance(applies, Verdict):
            yield applies
        elif applies:
            yield from self._check.judge(view)


def compile_judge(
    pipeline: Pipeline, fields: Mapping[str, Field], table: ReferenceTable | None
) -> Judge:
    """Compile all checks of a pipeline against the record's fields and the reference standard.

    Raises:
        CheckSpecError: with every mistake; paths are relative to the pipeline, those in the
            standard's file name sheet, row and column.
    """
    scope = Scope(fields)
    names = check_names(pipeline.checks)
    reference = pipeline.reference
    key = tuple(reference.key) if reference else ()
    standard = _Standard(table, key, reference is not None)
    compiled: list[CompiledCheck] = []
    for index, (check, name) in enumerate(zip(pipeline.checks, names, strict=True)):
        path: Path = ("checks", index)
        when = scope.expression(check.when, (*path, "when")) if check.when else None
        heading = Heading(name, check.severity, when)
        made = _compile(check, heading, standard, scope, path)
        if made is not None:
            compiled.append(_Conditional(heading, made) if when else made)
    if scope.problems:
        raise CheckSpecError(list(dict.fromkeys(scope.problems)))
    return Judge(compiled, fields)


class _Standard(NamedTuple):
    """The reference standard and the record fields of its key."""

    table: ReferenceTable | None
    key: tuple[str, ...]
    declared: bool


def _compile(
    check: Check, heading: Heading, standard: _Standard, scope: Scope, path: Path
) -> CompiledCheck | None:
    match check:
        case ReferenceCheck():
            if standard.table is not None:
                return Ruling(check, standard.table, scope, path).compile(heading, standard.key)
            if not standard.declared:
                remedy = "add `reference:` with the file of the standard"
                scope.problem(path, "the pipeline has no reference standard", remedy)
        case ToleranceCheck():
            return compile_tolerance(check, heading, scope, path)
        case ExpressionCheck():
            return compile_expression(check, heading, scope, path)
        case UniqueCheck():
            for position, field in enumerate(check.fields):
                _scalar(field, scope, (*path, "fields", position))
        case ConsistentCheck():
            _scalar(check.field, scope, (*path, "field"))
            for position, field in enumerate(check.per):
                _scalar(field, scope, (*path, "per", position))
        case _:
            assert_never(check)
    return None


def _scalar(name: str, scope: Scope, path: Path) -> None:
    if scope.leaf(name, path) is not None and "." in name:
        scope.problem(path, f"`{name}` has many values; name a field of the record itself")


def check_names(checks: Sequence[Check]) -> tuple[str, ...]:
    """The name of each check as it stands in the report: given, or made of its content; unique."""
    taken: dict[str, int] = {}
    names: list[str] = []
    for check in checks:
        name = check.name or _made_name(check)
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return tuple(names)


def _made_name(check: Check) -> str:
    match check:
        case ReferenceCheck():
            return "reference"
        case ToleranceCheck():
            return f"tolerance of {check.field}"
        case ExpressionCheck():
            return " ".join(check.expression.split())
        case UniqueCheck():
            return f"unique {', '.join(check.fields)}"
        case ConsistentCheck():
            return f"{check.field} consistent per {', '.join(check.per)}"
        case _:
            assert_never(check)
