"""Real runs, killed in the middle: what was done is kept, nothing is paid twice, one at a time."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from tests.cli.conftest import copied, expecting_nothing, served, trimmed

from docmill.packaged import packaged_workspace

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
AFTER = (2, 11)
"""Documents that have ended when the run is killed."""
CONCURRENCY = 2
VOLATILE = {"started", "ended", "seconds", "usage", "session_id", "attempts", "cached", "retried"}
"""What two runs of the same batch may differ in: when, how long, by which session."""


class Calls(NamedTuple):
    """Model calls in the store's journal."""

    begun: int
    answered: int


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, prefect_folder: Path) -> Path:
    """A workspace with a server that outlives every kill."""
    root = trimmed(tmp_path_factory.mktemp("killed") / "first", KEPT)
    return served(expecting_nothing(root), prefect_folder)


class Undisturbed(NamedTuple):
    """A run nothing happened to, and one that was started meanwhile."""

    report: Any
    calls: Calls
    pid: int
    refused: tuple[int, str]
    """Exit code and words of the other one."""


@pytest.fixture(scope="module")
def undisturbed(first: Path) -> Undisturbed:
    """The report of a run nothing happened to, its model calls, and what a second one was told."""
    with running(first, concurrency=1) as run:  # so that it doesn't end before the other looks
        while not asked(first, "SELECT number FROM runs WHERE owner != ''"):
            assert run.poll() is None
            time.sleep(0.002)
        with running(first) as second:
            talk = second.communicate()[1]
        words = run.communicate()[1]
        assert run.returncode == 1, words
    return Undisturbed(stable(report(first)), calls(first), run.pid, (second.returncode, talk))


@contextmanager
def running(workspace: Path, *, concurrency: int = CONCURRENCY) -> Generator[subprocess.Popen[str]]:
    """`docmill run spec-check` as a process of its own; none is left."""
    command = [sys.executable, "-m", "docmill.cli", "run", "spec-check", "-j", str(concurrency)]
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


@pytest.mark.parametrize("documents", AFTER)
def test_a_killed_run_goes_on_to_the_same_report(
    first: Path, undisturbed: Undisturbed, tmp_path: Path, documents: int
) -> None:
    """Same records and verdicts under the same number; only calls in flight are made again. What
    the batch is expected to be is asked of all its documents, whoever read them."""
    workspace = copied(first, tmp_path / "demo")
    expected = documents == max(AFTER)
    if expected:
        spec = Path("pipelines", "spec-check.yaml")
        shutil.copy(packaged_workspace() / spec, workspace / spec)
    killed_after(workspace, documents)
    done = ended(workspace)
    before = calls(workspace)
    assert not (workspace / "reports" / "spec-check").exists()
    with running(workspace) as run:
        talk = run.communicate()[1]
        assert run.returncode == 1
    assert "goes on where it was interrupted" in talk
    assert report(workspace)["run"]["id"] == "run-0001"
    found = stable(report(workspace))
    said = [entry["message"] for entry in found["run"]["expectations"]]
    assert ["Not evaluated" in words for words in said] == [False] * 3 * expected
    assert found["documents"] == undisturbed.report["documents"]
    assert found["summary"]["verdicts"] == undisturbed.report["summary"]["verdicts"]
    assert done >= documents
    after = calls(workspace)
    assert after.answered == undisturbed.calls.answered
    assert after.begun - after.answered == before.begun - before.answered <= CONCURRENCY


def test_a_second_run_at_the_same_time_is_refused(undisturbed: Undisturbed) -> None:
    """It is told which process runs the pipeline; the first one is not disturbed."""
    code, talk = undisturbed.refused
    assert code == 3
    assert f"run-0001 of pipeline `spec-check` is being run by process {undisturbed.pid}." in talk
    assert len(undisturbed.report["documents"]) == len(KEPT)
