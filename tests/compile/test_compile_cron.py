"""Schedules are checked before Prefect sees them."""

import pytest

from docmill.compile.cron import cron_problem, schedule_problems
from docmill.spec.pipeline import Schedule


@pytest.mark.parametrize(
    "expression",
    ["0 2 * * *", "*/15 8-18 * * mon-fri", "0 0 1,15 jan,Jul *", "5/10 * * * 7", "0 0 * * 0-5/2"],
)
def test_common_expressions_are_accepted(expression: str) -> None:
    """Steps, lists, ranges and names of days and months."""
    assert cron_problem(expression) == ""


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("0 2 * *", "`0 2 * *` has 4 fields instead of 5"),
        ("@daily", "`@daily` has 1 fields instead of 5"),
        ("60 2 * * *", "`60` is no minute (0 to 59)"),
        ("0 8-25 * * *", "`8-25` is no hour (0 to 23)"),
        ("0 0 0 * *", "`0` is no day of month (1 to 31)"),
        ("0 0 1 janu *", "`janu` is no month (1 to 12)"),
        ("0 0 * * fri-mon", "`fri-mon` is no day of week (0 to 7)"),
        ("*/0 * * * *", "`*/0` is no minute (0 to 59)"),
        ("0,, * * * *", "`` is no minute (0 to 59)"),
    ],
)
def test_what_could_never_run_is_told(expression: str, problem: str) -> None:
    """The part that is wrong is named with its range."""
    assert cron_problem(expression) == problem


@pytest.mark.parametrize(
    ("timezone", "remedy"),
    [
        ("Europe/Berlni", "did you mean `Europe/Berlin`?"),
        ("Mars", "write one such as `Europe/Berlin`"),
        ("../../etc/passwd", "write one such as `Europe/Berlin`"),
        ("Europe", "write one such as `Europe/Berlin`"),
    ],
)
def test_an_unknown_time_zone_is_told(timezone: str, remedy: str) -> None:
    """With the nearest known one, if any is near."""
    (problem,) = schedule_problems(Schedule(cron="0 0 * * *", timezone=timezone))
    assert problem.path == ("schedule", "timezone")
    assert problem.message == f"`{timezone}` is no time zone"
    if timezone == "Europe/Berlni":
        assert problem.remedy == remedy
