"""Real runs, killed in the middle: what was done is kept, nothing is paid twice, one at a time."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from tests.cli.conftest import copied, trimmed

from docmill.flow import server
from docmill.flow.address import ServerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

KEPT = (
    "DS-48812.pdf",
    "HL-24-061_type-test.pdf",
    "IL-5530_rotated.pdf",
    "Pruefbericht_2023-0442.pdf",
    "Pruefbericht_2023-0442_Kopie.pdf",
    "TMI-57-0240.pdf",
    "ate_log_000322.pdf",
    "kps-2405-0118.pdf",
    "kps-2405-0119-protected.pdf",
    "norrvik-7781.pdf",
    "rapport-essai-2304.pdf",
    "upload-0.pdf",
)
CONCURRENCY = 2
VOLATILE = {"started", "ended", "seconds", "usage", "session_id", "attempts", "cached", "retried"}
"""What two runs of the same batch may differ in: when, how long, by which session."""


class Calls(NamedTuple):
    """Model calls in the store's journal."""

    begun: int
    answered: int


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with a server that outlives every kill."""
    root = trimmed(tmp_path_factory.mktemp("killed") / "first", KEPT)
    settings = ServerSettings(folder=root / ".docmill" / "prefect")
    server.ensure(settings)
    yield root
    assert server.stop(settings)


@pytest.fixture(scope="module")
def undisturbed(served: Path) -> Any:
    """The report of a run nothing happened to, and its model calls."""
    with running(served) as run:
        assert run.wait() == 1
    return stable(report(served)), calls(served)


@contextmanager
def running(workspace: Path) -> Generator[subprocess.Popen[str]]:
    """`docmill run spec-check` as a process of its own; none is left."""
    command = [sys.executable, "-m", "docmill.cli", "run", "spec-check", "-j", str(CONCURRENCY)]
    process = subprocess.Popen(
        command, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={"PATH": os.environ["PATH"]}, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def asked(workspace: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the store's database, also while another process writes to it."""
    database = workspace / ".docmill" / "store.db"
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.OperationalError:  # its tables are just being made
        return []


def ended(workspace: Path) -> int:
    """Documents that have ended, by the store."""
    rows = asked(workspace, "SELECT count(*) FROM documents WHERE status IS NOT NULL")
    return int(rows[0][0]) if rows else 0


def calls(workspace: Path) -> Calls:
    """How often a model was asked, and how often it answered."""
    rows = dict(
        cast(
            "list[tuple[str, int]]",
            asked(workspace, "SELECT type, count(*) FROM events GROUP BY type"),
        )
    )
    return Calls(rows["span.model_request_start"], rows["span.model_request_end"])


def killed_after(workspace: Path, documents: int) -> None:
    """Run, and kill without warning once so many documents have ended."""
    with running(workspace) as run:
        deadline = time.monotonic() + 60
        while ended(workspace) < documents:
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        run.kill()
        assert run.wait() == -signal.SIGKILL


def report(workspace: Path) -> Any:
    """The newest report as data."""
    folder = workspace / "reports" / "spec-check" / "latest"
    return json.loads((folder / "report.json").read_text())


def stable(data: Any) -> Any:
    """The part of a report that two runs over the same batch have in common."""
    if isinstance(data, dict):
        entries = cast("dict[str, Any]", data).items()
        return {key: stable(value) for key, value in entries if key not in VOLATILE}
    if isinstance(data, list):
        return [stable(value) for value in cast("list[Any]", data)]
    return data


@pytest.mark.parametrize("documents", [2, 6, 11])
def test_a_killed_run_goes_on_to_the_same_report(
    served: Path, undisturbed: Any, tmp_path: Path, documents: int
) -> None:
    """Same records and verdicts under the same number; only calls in flight are made again."""
    workspace = copied(served, tmp_path / "demo")
    killed_after(workspace, documents)
    done = ended(workspace)
    before = calls(workspace)
    assert not (workspace / "reports" / "spec-check").exists()
    with running(workspace) as run:
        talk = run.communicate()[1]
        assert run.returncode == 1
    assert "goes on where it was interrupted" in talk
    assert report(workspace)["run"]["id"] == "run-0001"
    expected, undisturbed_calls = undisturbed
    found = stable(report(workspace))
    assert found["documents"] == expected["documents"]
    assert found["summary"]["verdicts"] == expected["summary"]["verdicts"]
    assert done >= documents
    after = calls(workspace)
    assert after.answered == undisturbed_calls.answered
    assert after.begun - after.answered == before.begun - before.answered <= CONCURRENCY


def test_a_second_run_at_the_same_time_is_refused(served: Path, tmp_path: Path) -> None:
    """It is told which process runs the pipeline; the first one is not disturbed."""
    workspace = copied(served, tmp_path / "demo")
    with running(workspace) as first:
        while not asked(workspace, "SELECT number FROM runs WHERE owner != ''"):
            assert first.poll() is None
            time.sleep(0.002)
        with running(workspace) as second:
            talk = second.communicate()[1]
        assert second.returncode == 3
        assert f"run-0001 of pipeline `spec-check` is being run by process {first.pid}." in talk
        first.communicate()
        assert first.returncode == 1
    assert len(report(workspace)["documents"]) == len(KEPT)
