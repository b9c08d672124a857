"""Workers on machines that have nothing but docmill and the server's address."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.conftest import Site, configure, working

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Wait = Callable[..., Any]


def ended(state: Path) -> int:
    """Documents that have ended, by a worker's store."""
    database = state / "store.db"
    if not database.is_file():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            query = "SELECT count(*) FROM documents WHERE status IS NOT NULL"
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # its tables are just being made
        return 0


def flow_process(flow_run: str) -> int:
    """The process in which a worker's Prefect runs a flow: the parent of docmill's run."""
    mark = f"PREFECT__FLOW_RUN_ID={flow_run}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            mine = mark in (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().split(b"\0")
            stat = (folder / "stat").read_text()
        except OSError:
            continue
        if mine and b"docmill.cli" in words:
            return int(stat.rpartition(")")[2].split()[1])
    raise AssertionError("the flow isn't running")


def final(site: Site, flow_run: str) -> dict[str, Any] | None:
    """The flow run's state once it has ended."""
    state = site.run(flow_run)["state"]
    ends = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return state if state["type"] in ends else None


def test_a_killed_run_of_a_fetched_workspace_goes_on(
    site: Site, workspace: Path, name: str, tmp_path: Path, eventually: Wait
) -> None:
    """From an empty folder, by a snapshot: a flow that is killed is Crashed; Retry goes on with the
    same run, reads no document twice, and ends with a table and a report in Prefect's UI."""
    store, pool = tmp_path / "store", f"pool-{name}"
    configure(workspace, name=name, work_pool=pool, workspace=str(store))
    assert site.deployed(at=workspace)[f"{name}/default"]["action"] == "create"
    kept = tmp_path / "elsewhere" / ".local/share/docmill/workspaces" / name
    with working(site, tmp_path / "empty", pool) as log:
        run = site.start(f"{name}/default", concurrency=1)
        eventually(lambda: ended(kept / "state"))
        os.kill(flow_process(run), signal.SIGKILL)
        state = eventually(lambda: final(site, run))
        assert state["type"] == "CRASHED", log.read_text()
        # The worker's own report comes last; a retry before it would be taken for the first try.
        eventually(lambda: "flow_runs.worker - Check whether" in log.read_text())
        finished = ended(kept / "state")
        site.set_state(run, type="SCHEDULED", name="AwaitingRetry")
        eventually(lambda: site.run(run)["state_type"] == "RUNNING")
        state = eventually(lambda: final(site, run))
    assert state["type"] == "COMPLETED", log.read_text()
    assert state["message"] == "3 flagged, 2 ok"
    assert site.run(run)["name"] == "run-0001 · 5 documents"
    assert finished >= 1
    reports = kept / "reports" / name
    assert [path.name for path in reports.iterdir() if path.name.startswith("run-")] == ["run-0001"]
    artifacts = site.ask("/artifacts/filter", {"flow_runs": {"id": {"any_": [run]}}})
    shown = {artifact["key"]: artifact for artifact in artifacts}
    assert {f"{name}-report", f"{name}-documents", f"{name}-files"} <= set(shown)
    assert "needs attention" in shown[f"{name}-documents"]["data"]


def test_a_cancelled_run_of_a_git_repository_goes_on(
    site: Site, workspace: Path, name: str, tmp_path: Path, eventually: Wait
) -> None:
    """Cancel in the UI ends the run cleanly; Retry clones again and goes on with the same run: what
    is kept of it lies outside the clone."""
    bare = tmp_path / "specs.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), at=tmp_path)
    git("init", "--quiet", "--initial-branch=main", at=workspace)
    step = {"repository": bare.as_uri(), "branch": "main"}
    pool = f"pool-{name}"
    pull = [{"prefect.deployments.steps.git_clone": step}]
    configure(workspace, name=name, work_pool=pool, pull=pull)
    git("add", "--all", at=workspace)
    git("commit", "--quiet", "--message=Specs", at=workspace)
    git("push", "--quiet", bare.as_uri(), "main", at=workspace)
    assert site.deployed(at=workspace)[f"{name}/default"]["action"] == "create"
    kept = tmp_path / "elsewhere" / ".local/share/docmill/workspaces" / name
    with working(site, tmp_path / "empty", pool) as log:
        run = site.start(f"{name}/default", concurrency=1)
        eventually(lambda: ended(kept / "state"))
        site.set_state(run, type="CANCELLING")
        state = eventually(lambda: final(site, run))
        assert state["type"] == "CANCELLED", log.read_text()
        assert "cancelled in Prefect" in state["message"]
        eventually(lambda: "Cancelled flow run" in log.read_text())
        site.set_state(run, type="SCHEDULED", name="AwaitingRetry")
        eventually(lambda: site.run(run)["state_type"] == "RUNNING")
        state = eventually(lambda: final(site, run))
    assert state["type"] == "COMPLETED", log.read_text()
    assert state["message"] == "3 flagged, 2 ok"
    assert site.run(run)["name"] == "run-0001 · 5 documents"


def git(*arguments: str, at: Path) -> None:
    """A git command, by somebody."""
    who = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@git.example"}
    who |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in who.items()}
    subprocess.run(
        ["git", *arguments],
        cwd=at,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **who},
        check=True,
    )
