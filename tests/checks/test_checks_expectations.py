"""Great Expectations in its child process: mistakes before the run, findings after it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from docmill.checks import expectations_child
from docmill.checks.expectations import check_expectations, known_types, run_expectations
from docmill.spec.checks import Expectation

NOT_NULL = "expect_column_values_to_not_be_null"
NO_SCHEMA = "expect_column_values_to_be_increasing"
BETWEEN = "expect_column_values_to_be_between"
REGEX = "expect_column_values_to_match_regex"
ROWS = "expect_table_row_count_to_be_between"
TABLE = "document,number,net,passed\na.pdf,001,1.5,True\nb.pdf,,99,False\nc.pdf,203,,True\n"
KINDS = {"document": "text", "number": "text", "net": "number", "passed": "boolean"}
COLUMNS = tuple(KINDS)


def expect(type_: str, **kwargs: Any) -> Expectation:
    """An expectation."""
    return Expectation(type=type_, kwargs=kwargs, severity="warning")


@pytest.mark.timeout(300)
def test_what_the_library_finds(tmp_path: Path) -> None:
    """Rows that fail are named; what can't be evaluated didn't succeed; a text stays a text."""
    table = tmp_path / "t.csv"
    table.write_text(TABLE)
    expectations = (
        expect(NOT_NULL, column="number"), expect(BETWEEN, column="net", min_value=0, max_value=9),
        expect(REGEX, column="number", regex="^[0-9]{3}$"),
        expect(BETWEEN, column="gone", min_value=0),
        expect(ROWS, min_value=5), expect(REGEX, column="number", regex="("),
        expect("expect_column_values_to_be_in_set", column="passed", value_set=[True, False]),
        expect(BETWEEN, column="net", minvalue=0),
    )  # fmt: skip
    found = run_expectations(table, expectations, kinds=KINDS)
    assert [each.success for each in found] == [
        False,
        False,
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    assert [each.documents for each in found[:3]] == [("b.pdf",), ("b.pdf",), ()]
    assert found[1].message == "1 of 3 rows: 99.0"
    assert found[1].severity == "warning"
    assert "does not exist" in found[3].message
    assert found[4].message == "found 3"
    assert found[5].message.startswith("Not evaluated: ")
    assert "minvalue: extra fields not permitted" in found[7].message
    assert "great_expectations" not in sys.modules


@pytest.mark.timeout(300)
def test_mistakes_are_found_before_the_run(tmp_path: Path) -> None:
    """Where no schema tells, the library is asked, once: its answer is kept for the same list."""
    declared = (expect(NO_SCHEMA, column="net", strict=0), expect(NOT_NULL, column="number"))
    found = check_expectations(declared, COLUMNS, cache=tmp_path)
    assert [problem.path for problem in found] == [("expectations", 0, "kwargs")]
    assert "strict: extra fields not permitted" in found[0].message
    assert len(list(tmp_path.iterdir())) == 1
    assert check_expectations(declared, COLUMNS, cache=tmp_path, seconds=0.0) == found


def test_names_are_checked_without_the_library() -> None:
    """An unknown type or column is told at once, with the nearest known one."""
    assert BETWEEN in known_types()
    declared = (
        expect("expect_column_values_to_be_betwen"), expect(NOT_NULL, column="nett"),
        expect("expect_compound_columns_to_be_unique", column_list=["net", "numbr"]),
    )  # fmt: skip
    found = check_expectations(declared, COLUMNS, verify=False)
    assert [problem.path for problem in found] == [
        ("expectations", 0, "type"), ("expectations", 1, "kwargs", "column"),
        ("expectations", 2, "kwargs", "column_list"),
    ]  # fmt: skip
    assert [
        BETWEEN in found[0].remedy,
        "`net`" in found[1].remedy,
        "`number`" in found[2].remedy,
    ] == ([True] * 3)
    assert check_expectations((), COLUMNS) == []


def test_arguments_are_checked_without_the_library() -> None:
    """Unknown, missing and wrong arguments are told by the schemas that come with it."""
    declared = (
        expect(BETWEEN, column="net", minvalue=0), expect(BETWEEN, max_value=3),
        expect(BETWEEN, column="net", strict_min="very"), expect(NOT_NULL, column="net"),
    )  # fmt: skip
    found = check_expectations(declared, COLUMNS, seconds=0.0)
    assert [problem.path[1:] for problem in found] == [
        (0, "kwargs", "minvalue"), (1, "kwargs"), (2, "kwargs", "strict_min"),
    ]  # fmt: skip
    assert "`min_value`" in found[0].remedy
    assert "`column` is missing" in found[1].message
    assert "very" in found[2].message


def test_a_child_that_does_not_answer(tmp_path: Path) -> None:
    """No answer in time is a problem before the run, and no success after it."""
    declared = (expect(NO_SCHEMA, column="net"),)
    (problem,) = check_expectations(declared, COLUMNS, seconds=0.001)
    assert "no answer within 0.001 seconds" in problem.message
    (result,) = run_expectations(tmp_path / "t.csv", declared, seconds=0.001)
    assert not result.success
    assert result.message.startswith("Not evaluated: no answer")
    assert run_expectations(tmp_path / "t.csv", ()) == ()


@pytest.mark.timeout(300)
def test_a_child_that_fails(tmp_path: Path) -> None:
    """A table that isn't there ends the child; its last words are the message."""
    (result,) = run_expectations(tmp_path / "none.csv", (expect(NOT_NULL, column="net"),))
    assert "No such file" in result.message


def test_columns_without_kinds_are_guessed_carefully(tmp_path: Path) -> None:
    """Leading zeros are no numbers, decimals are."""
    table = tmp_path / "t.csv"
    table.write_text("document,order,net,share\na,007,-1.5,0.5\nb,12,,0\n")
    frame = expectations_child._frame(str(table), {})  # pyright: ignore[reportPrivateUsage]
    assert list(frame["order"]) == ["007", "12"]
    assert list(frame["share"]) == [0.5, 0]
    assert frame["net"][0] == -1.5


def test_the_library_s_process_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A killed run leaves neither the process nor its folder behind."""
    code = (
        "import os, signal\n"
        "from docmill.checks.expectations_process import LibraryProcess\n"
        "LibraryProcess()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 20
    while any(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(tmp_path.iterdir())
