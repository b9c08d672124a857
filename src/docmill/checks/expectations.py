"""Great Expectations over the batch's table, always in a child process.

The library costs seconds and 235 MB to import, so the runner never imports it; `expectations_child`
does. Which expectations are declared is the pipeline's business, what the table holds `table`'s.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from docmill.checks.expectation_schemas import argument_problems, core_folder
from docmill.checks.expectations_process import LibraryProcess, NoAnswerError
from docmill.errors import KeyProblem
from docmill.records.results import ExpectationResult
from docmill.spec.checks import Expectation
from docmill.spec.suggest import remedy_for

SECONDS = 300.0
COLUMN_KEYS = ("column", "column_A", "column_B")
COLUMN_LIST_KEYS = ("column_list", "column_set")


class ChildMistake(BaseModel):
    """What Great Expectations says about one declared expectation."""

    index: int
    message: str


class ChildResult(BaseModel):
    """What became of one expectation."""

    success: bool
    message: str = ""
    documents: tuple[str, ...] = ()


MISTAKES = TypeAdapter(list[ChildMistake])
RESULTS = TypeAdapter(list[ChildResult])


def check_expectations(
    expectations: Sequence[Expectation],
    columns: Sequence[str],
    *,
    cache: Path | None = None,
    verify: bool = True,
    seconds: float = SECONDS,
) -> list[KeyProblem]:
    """What is wrong with a pipeline's expectations; paths are relative to the pipeline.

    Types, columns and arguments are checked without importing the library. About types that come
    without a schema it is asked itself, in a child process and only with `verify`; `cache` is a
    folder that remembers its answer for the same list and version.
    """
    problems = [
        problem
        for index, each in enumerate(expectations)
        for problem in (*_type_problems(index, each), *_column_problems(index, each, columns))
    ]
    unknown = {problem.path[1] for problem in problems if problem.path[-1] == "type"}
    unclear = False
    for index, each in enumerate(expectations):
        if index not in unknown:
            found = argument_problems(index, each)
            unclear = unclear or found is None
            problems += found or []
    if not unclear or not verify or unknown:
        return problems
    try:
        mistakes = _mistakes(expectations, cache, seconds)
    except NoAnswerError as error:
        return [*problems, KeyProblem(("expectations",), f"they can't be checked: {error}")]
    return problems + [
        KeyProblem(("expectations", each.index, "kwargs"), each.message) for each in mistakes
    ]


def run_expectations(
    table: Path,
    expectations: Sequence[Expectation],
    *,
    kinds: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    process: LibraryProcess | None = None,
) -> tuple[ExpectationResult, ...]:
    """Judge the table (csv, `Table`'s columns) by each expectation; never raises for what it finds.

    `kinds` says which columns are numbers, texts or truth values (`Table.kinds`); without it a
    column of digits counts as numbers. An expectation that can't be evaluated didn't succeed.
    `process` is one that was started before; it is used up.
    """
    try:
        return evaluate(table, expectations, kinds=kinds, seconds=seconds, process=process)
    except NoAnswerError as error:
        found = ChildResult(success=False, message=f"Not evaluated: {error}")
        return tuple(_result(each, found) for each in expectations)


def evaluate(
    table: Path,
    expectations: Sequence[Expectation],
    *,
    kinds: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    process: LibraryProcess | None = None,
) -> tuple[ExpectationResult, ...]:
    """As `run_expectations`.

    Raises:
        NoAnswerError: the library gave no answer at all.
    """
    if not expectations:
        return ()
    request = {"mode": "run", "table": str(table.resolve()), "kinds": dict(kinds or {})}
    found = RESULTS.validate_json(_ask(request, expectations, seconds, process))
    return tuple(_result(each, result) for each, result in zip(expectations, found, strict=True))


def library_version() -> str:
    """Version of Great Expectations that would be asked, without importing it."""
    return version("great-expectations")


def known_types() -> tuple[str, ...]:
    """Types of expectations that come with the library, without importing it."""
    core = core_folder()
    return tuple(sorted(path.stem for path in core.glob("expect_*.py"))) if core else ()


def _result(each: Expectation, result: ChildResult) -> ExpectationResult:
    return ExpectationResult(
        type=each.type, kwargs=each.kwargs, severity=each.severity, success=result.success,
        message=result.message, documents=result.documents,
    )  # fmt: skip


def _type_problems(index: int, each: Expectation) -> list[KeyProblem]:
    known = known_types()
    if each.type in known:
        return []
    near = remedy_for(each.type, known).partition(" (known")[0]
    remedy = near if near.startswith("did you mean") else "see the expectation gallery"
    return [KeyProblem(("expectations", index, "type"), f"`{each.type}` is no expectation", remedy)]


def _column_problems(index: int, each: Expectation, columns: Sequence[str]) -> list[KeyProblem]:
    problems: list[KeyProblem] = []
    for key, value in each.kwargs.items():
        names: list[Any] = [value] if key in COLUMN_KEYS else []
        if key in COLUMN_LIST_KEYS and isinstance(value, Sequence):
            names = list(value)  # pyright: ignore[reportUnknownArgumentType]
        problems += [
            KeyProblem(
                ("expectations", index, "kwargs", key),
                f"the batch's table has no column `{name}`",
                remedy_for(str(name), columns),
            )
            for name in names
            if name not in columns
        ]
    return problems


def _mistakes(
    expectations: Sequence[Expectation], cache: Path | None, seconds: float
) -> list[ChildMistake]:
    declared = json.dumps([each.model_dump(mode="json") for each in expectations], sort_keys=True)
    label = f"{library_version()}\n{declared}"
    known = cache / f"checked-{hashlib.sha256(label.encode()).hexdigest()}.json" if cache else None
    if known is not None and known.is_file():
        return MISTAKES.validate_json(known.read_bytes())
    mistakes = MISTAKES.validate_json(_ask({"mode": "check"}, expectations, seconds))
    if known is not None:
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_bytes(MISTAKES.dump_json(mistakes))
    return mistakes


def _ask(
    request: Mapping[str, object],
    expectations: Sequence[Expectation],
    seconds: float,
    process: LibraryProcess | None = None,
) -> bytes:
    """The library's answer as JSON, from a process that waits for it or a new one."""
    body = {**request, "expectations": [each.model_dump(mode="json") for each in expectations]}
    with process or LibraryProcess() as library:
        return library.ask(json.dumps(body).encode(), seconds=seconds)
