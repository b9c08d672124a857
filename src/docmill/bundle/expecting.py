"""Expectations of a bundle, run again over the table of what was derived.

Great Expectations is asked as at judging: in a process of its own, offline. A suite is data made up
by who knows whom: only types that the library ships are named to it, with arguments that it merely
compares. What pandas or a database would evaluate as code is never handed over, and is said.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

from docmill.bundle.cells import MISSING, compare_cells
from docmill.bundle.derived import DerivedRun
from docmill.bundle.findings import Check, Verification
from docmill.bundle.opening import BundleError
from docmill.bundle.specs import Rules
from docmill.checks.expectations import check_expectations, evaluate, known_types, library_version
from docmill.checks.expectations_process import LibraryProcess, NoAnswerError
from docmill.checks.table import Table, write_table
from docmill.records.results import ExpectationResult
from docmill.spec.checks import Expectation

Evaluate = Callable[[Path, Sequence[Expectation], Mapping[str, str]], tuple[ExpectationResult, ...]]
"""Table (csv), expectations, kinds of columns → a result for each; raises `NoAnswerError`."""

SECONDS = 300.0
MEMORY = 8 << 30
"""Bytes of address space for the library; most of it is never touched."""
PLAIN = frozenset(
    {
        "allow_relative_error", "bucketize_data", "column", "column_A", "column_B", "column_index",
        "column_list", "column_set", "double_sided", "escape", "exact_match", "ignore_row_if",
        "internal_weight_holdout", "like_pattern", "like_pattern_list", "match_on", "max_value",
        "method", "min_value", "mostly", "multiplier", "or_equal", "partition_object",
        "quantile_ranges", "regex", "regex_list", "strftime_format", "strict_max", "strict_min",
        "sum_total", "tail_weight_holdout", "threshold", "ties_okay", "type_", "type_list",
        "value", "value_pairs_set", "value_set",
    }
)  # fmt: skip
"""Arguments that are compared with, and never evaluated: no conditions on rows, which pandas
computes as code, no queries, no schemas that may refer to elsewhere."""
MOST = 1000
"""Expectations of a run that anybody would read the results of."""
ABOUT = "expectations run again over the table derived"
_UNANSWERED = "Not evaluated: "


@dataclass(frozen=True, slots=True)
class _Case:
    """One expectation with the result that was sealed."""

    place: str
    declared: Expectation
    sealed: ExpectationResult


def ask_library(
    table: Path, expectations: Sequence[Expectation], kinds: Mapping[str, str]
) -> tuple[ExpectationResult, ...]:
    """The library's results, from a child process with limits.

    Raises:
        NoAnswerError: it is missing, crashed, or took too long.
    """
    process = LibraryProcess(memory=MEMORY)
    return evaluate(table, expectations, kinds=kinds, seconds=SECONDS, process=process)


def expect_again(
    run: DerivedRun, rules: Rules, told: Verification, *, folder: Path, evaluate: Evaluate
) -> None:
    """Run a run's expectations again and compare their results with those that were sealed.

    Raises:
        BundleError: the suite isn't one that docmill would have run.
    """
    declared, sealed = rules.specs.pipeline.expectations, run.info.expectations
    judged = run.info.status in ("finished", "limit") or bool(sealed)
    if not judged or not (declared or sealed):
        return
    if max(len(declared), len(sealed)) > MOST:
        raise BundleError(f"The bundle has more than {MOST:,} expectations.")
    check = told.check("expectations", ABOUT)
    for place, (one, result) in enumerate(zip_longest(declared, sealed), 1):
        found = _suite(result) if result else MISSING
        wanted = _suite(one) if one else MISSING
        compare_cells(check, f"expectation {place}", found, wanted)
    if len(declared) != len(sealed):
        return
    cases = [
        _Case(f"expectation {place}, {one.type}", one, result)
        for place, (one, result) in enumerate(zip(declared, sealed, strict=True), 1)
    ]
    _Suite(run, rules, told, check).again(cases, folder, evaluate)


class _Suite:
    """The expectations of one run."""

    def __init__(self, run: DerivedRun, rules: Rules, told: Verification, check: Check) -> None:
        self._run = run
        self._fields = rules.specs.fields
        self._ran = rules.library
        self._told = told
        self._check = check

    def again(self, cases: Sequence[_Case], folder: Path, evaluate: Evaluate) -> None:
        """Run what may be run, and compare."""
        here = _version()
        if here is None:
            self._leave(cases, "Great Expectations isn't installed here")
            return
        if not self._ran:
            self._tell("The run doesn't say which Great Expectations judged it.")
        elif self._ran != (here,):
            ran = " and ".join(self._ran)
            self._tell(
                f"Great Expectations {ran} judged the run and this is {here}: words of its "
                "results aren't compared, and what differs may be how the two work."
            )
        cases = self._evaluable(self._plain(cases))
        if not cases:
            return
        table = folder / "expectations.csv"
        write_table(table, self._fields, self._run.documents())
        kinds = Table(self._fields).kinds
        try:
            results = evaluate(table, [case.declared for case in cases], kinds)
        except NoAnswerError as error:
            self._leave(cases, f"they could not be run again: {error}")
            return
        for case, result in zip(cases, results, strict=True):
            self._compare(case, result, words=self._ran == (here,))

    def _plain(self, cases: Sequence[_Case]) -> list[_Case]:
        """Without those that have an argument which would be evaluated."""
        kept: list[_Case] = []
        for case in cases:
            odd = list(_odd(case.declared.kwargs))
            if odd:
                self._leave([case], f"`{odd[0][:40]}` may be code, which is never run")
            else:
                kept.append(case)
        return kept

    def _evaluable(self, cases: Sequence[_Case]) -> list[_Case]:
        """Without those that nobody evaluated, or that this version doesn't know.

        Raises:
            BundleError: docmill would have refused the suite before the run.
        """
        if cases and all(_unanswered(case, cases[0]) for case in cases):
            self._leave(cases, "nobody evaluated them when the run was judged")
            return []
        columns = Table(self._fields).columns
        kept: list[_Case] = []
        for case in cases:
            problems = check_expectations([case.declared], columns, verify=False)
            if not problems:
                kept.append(case)
            elif self._ran in ((), (_version(),)):
                raise BundleError(f"{case.place[:80]}: {problems[0].message[:200]}.")
            else:
                self._leave([case], f"this version refuses it: {problems[0].message[:200]}")
        return kept

    def _compare(self, case: _Case, again: ExpectationResult, *, words: bool) -> None:
        sealed = case.sealed
        self._check.compare(f"{case.place} success", sealed.success, again.success)
        compare_cells(
            self._check, f"{case.place} documents", list(sealed.documents), list(again.documents)
        )
        if words:
            self._check.compare(f"{case.place} message", sealed.message, again.message)

    def _leave(self, cases: Sequence[_Case], why: str) -> None:
        what = cases[0].place if len(cases) == 1 else f"{len(cases)} expectations"
        self._tell(f"{what}: {why}. The results are those that were sealed.")

    def _tell(self, sentence: str) -> None:
        self._told.unproven.append(sentence)


def _suite(one: Expectation | ExpectationResult) -> dict[str, Any]:
    return json.loads(one.model_dump_json(include={"type", "kwargs", "severity"}))


def _odd(kwargs: Mapping[str, Any]) -> Iterator[str]:
    """Names that aren't those of plain arguments, however deep they stand."""
    yield from (key for key in kwargs if key not in PLAIN)
    waiting: list[Any] = list(kwargs.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            yield from (key for key in inner if key.startswith("$"))
            waiting += inner.values()
        elif isinstance(value, list | tuple):
            waiting += cast("Sequence[Any]", value)


def _unanswered(case: _Case, first: _Case) -> bool:
    """Whether the library itself gave no answer: then it says the same of each expectation."""
    sealed, same = case.sealed, case.sealed.message == first.sealed.message
    return not sealed.success and same and sealed.message.startswith(_UNANSWERED)


def _version() -> str | None:
    try:
        return library_version() if known_types() else None
    except PackageNotFoundError:
        return None
