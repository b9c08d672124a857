"""Cron expressions and time zones, checked before a schedule is handed to Prefect."""

import re
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from docmill.errors import KeyProblem
from docmill.spec.pipeline import Schedule
from docmill.spec.suggest import nearest


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _DAYS),
)
_PART = re.compile(r"(\*|[a-z0-9]+(?:-[a-z0-9]+)?)(?:/([0-9]{1,4}))?\Z")
_EXAMPLE = "write five fields: minute hour day month weekday, such as `0 2 * * *`"


def schedule_problems(schedule: Schedule) -> list[KeyProblem]:
    """What is wrong with a schedule, paths relative to the pipeline's root."""
    problems: list[KeyProblem] = []
    message = cron_problem(schedule.cron)
    if message:
        problems.append(KeyProblem(("schedule", "cron"), message, _EXAMPLE))
    if not _is_timezone(schedule.timezone):
        near = nearest(schedule.timezone, available_timezones())
        hint = f"did you mean `{near}`?" if near else "write one such as `Europe/Berlin`"
        path = ("schedule", "timezone")
        problems.append(KeyProblem(path, f"`{schedule.timezone}` is no time zone", hint))
    return problems


def cron_problem(expression: str) -> str:
    """What is wrong with a five-field cron expression, as one sentence; empty if nothing is."""
    parts = expression.lower().split()
    if len(parts) != len(_FIELDS):
        return f"`{expression}` has {len(parts)} fields instead of 5"
    for field, text in zip(_FIELDS, parts, strict=True):
        for part in text.split(","):
            if not _part_fits(field, part):
                return f"`{part}` is no {field.name} ({field.low} to {field.high})"
    return ""


def _part_fits(field: _Field, part: str) -> bool:
    match = _PART.match(part)
    if match is None or (match[2] is not None and int(match[2]) < 1):
        return False
    if match[1] == "*":
        return True
    ends = [_number(field, end) for end in match[1].split("-")]
    numbers = [end for end in ends if end is not None and field.low <= end <= field.high]
    return len(numbers) == len(ends) and numbers == sorted(numbers)


def _number(field: _Field, text: str) -> int | None:
    if text.isdecimal():
        return int(text)
    return field.names.index(text) + field.low if text in field.names else None


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # not found is a KeyError, a folder an OSError
        return False
    return True
