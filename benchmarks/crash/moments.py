"""When to kill a run: at random, or just after something was stored, seen from outside.

Watches the run's database and reports folder; the product knows nothing of being watched.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY = 0.002
ASK_EVERY = 0.01
"""Reading the database costs more than a look at a file."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A run that is under way."""

    root: Path
    alive: Callable[[], bool]
    latency: float
    """Seconds the model takes to answer."""
    chance: random.Random


def at_random(run: Watched) -> None:
    """Any time."""
    _pass(run, run.chance.uniform(0.2, 6.0))


def while_answered(run: Watched) -> None:
    """About when an answer arrives: before, between response and commit, after."""
    _after_event(run, "span.model_request_start", run.latency + run.chance.uniform(-0.02, 0.03))


def while_a_tool_runs(run: Watched) -> None:
    """Between a tool call and its result."""
    _after_event(run, "agent.tool_use", run.chance.uniform(0.0, 0.02))


def while_checked(run: Watched) -> None:
    """Between a record's check and the session's end."""
    _after_event(run, "docmill.record_checked", run.chance.uniform(0.0, 0.1))


def while_reported(run: Watched) -> None:
    """While the report is written."""
    folder = run.root / "reports" / "reports"
    while run.alive() and not any(folder.glob(".*")):
        time.sleep(LOOK_EVERY)
    _pass(run, run.chance.uniform(0.0, 0.3))


MOMENTS: Mapping[str, Callable[[Watched], None]] = {
    "at random": at_random,
    "answer": while_answered,
    "tool call": while_a_tool_runs,
    "record": while_checked,
    "report": while_reported,
}


def _after_event(run: Watched, kind: str, delay: float) -> None:
    """Wait for the next few events of a kind, then so many seconds."""
    before = _count(run.root, kind)
    wanted = before + run.chance.randint(1, 6)
    while run.alive() and _count(run.root, kind) < wanted:
        time.sleep(ASK_EVERY)
    _pass(run, delay)


def _pass(run: Watched, seconds: float) -> None:
    end = time.monotonic() + max(0.0, seconds)
    while run.alive() and time.monotonic() < end:
        time.sleep(min(LOOK_EVERY, seconds))


def _count(root: Path, kind: str) -> int:
    file = root / ".docmill" / "store.db"
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection,
    ):
        row = connection.execute("SELECT count(*) FROM events WHERE type = ?", (kind,)).fetchone()
        return int(row[0])
    return 0
