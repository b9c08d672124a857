"""How a worker ends with a run that doesn't want to; what becomes of runs that died with it."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from ruamel.yaml import YAML
from sqlalchemy import select
from tests.deploy.conftest import Site, configure, start_worker

from docmill.batch.state import open_state
from docmill.flow.launch import prefect_client
from docmill.spec.load import load_workspace
from docmill.store.schema import sessions

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Wait = Callable[..., Any]
STUBBORN = """sh -c 'trap "" TERM; exec sleep 600'"""
"""A run that has no time to end, in the place of Prefect's engine."""
AUTOMATION = Path(__file__).parents[2] / "docs" / "stack" / "dead-runs.yaml"
LEASE = "from docmill.store.lease import own_lease; print(own_lease())"


def begin(site: Site, workspace: Path, name: str) -> str:
    """Deploy such a run, and start it; the flow run's id."""
    configure(workspace, name=name, work_pool=f"pool-{name}", job_variables={"command": STUBBORN})
    site.deployed(at=workspace)
    return site.start(f"{name}/default")


def process_of(site: Site, run: str) -> int:
    """The run's process, once its worker has said so; 0 before."""
    return int(site.run(run)["infrastructure_pid"] or 0)


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def close_orphans(site: Site, pool: str) -> list[str]:
    """What a worker does before it begins anything."""
    with prefect_client(site.address):
        from prefect.client.orchestration import get_client

        from docmill.flow import orphans

        async def close() -> list[str]:
            async with get_client() as client:
                return await orphans.close_orphans(client, pool)

        return asyncio.run(close())


def test_a_worker_that_is_told_to_end_does_so_whatever_its_runs_do(
    site: Site, workspace: Path, name: str, tmp_path: Path, eventually: Wait
) -> None:
    """SIGTERM: runs have the time they are given, then they are killed, and Prefect knows."""
    run = begin(site, workspace, name)
    worker, log = start_worker(site, tmp_path / "empty", f"pool-{name}", "--grace", "1")
    pid = eventually(lambda: process_of(site, run))
    worker.terminate()
    assert worker.wait(120) == 1, log.read_text()
    said = log.read_text()
    assert "1 run told to end within 1 s." in said
    assert "1 run did not end within 1 s; killed. Nothing stored is lost." in said
    assert not is_there(pid)
    assert site.run(run)["state_type"] == "CRASHED"


def test_a_second_signal_ends_a_worker_at_once_and_the_next_one_closes_its_runs(
    site: Site, workspace: Path, name: str, tmp_path: Path, eventually: Wait
) -> None:
    """Nobody could tell Prefect any more: the run would be there for ever."""
    run = begin(site, workspace, name)
    worker, log = start_worker(site, tmp_path / "empty", f"pool-{name}", "--grace", "600")
    pid = eventually(lambda: process_of(site, run))
    assert close_orphans(site, f"pool-{name}") == []
    worker.terminate()
    eventually(lambda: "1 run told to end within 600 s." in log.read_text())
    os.kill(worker.pid, signal.SIGINT)
    began = time.monotonic()
    assert worker.wait(120) == 1, log.read_text()
    assert time.monotonic() - began < 100
    assert "Ended at once by a second SIGINT. Killed with it: 1 run" in log.read_text()
    eventually(lambda: not is_there(pid))
    assert site.run(run)["state_type"] == "PENDING"
    assert close_orphans(site, f"pool-{name}") == [site.run(run)["name"]]
    state = site.run(run)["state"]
    assert state["type"] == "CRASHED"
    assert state["message"].startswith(f"Its process died with its worker, process {worker.pid} of")


def test_only_what_surely_died_is_closed(site: Site, workspace: Path, name: str) -> None:
    """Runs of workers that live, of other machines and of other programs are left alone."""
    from docmill.store.lease import own_lease

    site.deployed(at=workspace)
    said = subprocess.run([sys.executable, "-c", LEASE], check=True, capture_output=True, text=True)
    dead = said.stdout.strip()
    elsewhere = f"elsewhere {dead.partition(' ')[2]}"
    names = (f"docmill {dead}", f"docmill {own_lease()}", f"docmill {elsewhere}", "ProcessWorker 1")
    runs = [site.start(f"{name}/default") for _ in names]
    for run, worker in zip(runs, names, strict=True):
        labels = {"prefect.worker.name": worker}
        site.ask(f"/flow_runs/{run}/labels", labels, method="PATCH")
    site.set_state(runs[0], type="RUNNING")
    site.set_state(runs[1], type="PENDING")
    for run in runs[1:]:
        site.ask(f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    assert close_orphans(site, f"pool-{name}") == [site.run(runs[0])["name"]]
    assert [site.run(run)["state_type"] for run in runs] == ["CRASHED", *3 * ["RUNNING"]]


def test_prefects_server_closes_what_is_not_heard_of(
    site: Site, workspace: Path, name: str, eventually: Wait
) -> None:
    """By the automation among docmill's files, for machines that don't come back."""
    site.deployed(at=workspace)
    automation = cast("Any", YAML(typ="safe")).load(AUTOMATION)
    assert automation["trigger"]["within"] == 600
    run = site.start(f"{name}/default")
    automation["trigger"]["within"] = 10  # as little as Prefect allows
    # The server is shared: other tests' runs may be silent for longer.
    automation["trigger"]["match"] = {"prefect.resource.id": f"prefect.flow-run.{run}"}
    site.ask("/automations/", automation)
    site.ask(f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    sign = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
        "related": [
            {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
            for tag in site.run(run)["tags"]
        ],
    }
    site.ask("/events", [sign])
    eventually(lambda: site.run(run)["state_type"] == "CRASHED")
    assert site.run(run)["state"]["message"] == automation["actions"][0]["message"]


def test_retry_of_a_failed_run_reads_no_finished_document_again(
    site: Site, workspace: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on with the same run: only what had no end has another session."""
    documents = workspace / "sample_data" / "spec-check" / "documents"
    for document in sorted(documents.iterdir())[2:]:
        document.unlink()
    (documents / "zz-broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    site.deployed(at=workspace)
    monkeypatch.chdir(workspace)
    run = site.start(f"{name}/default", concurrency=1, settings=["failure_threshold=0"])
    states = [carry_out(site, run)]
    site.set_state(run, type="SCHEDULED", name="AwaitingRetry")
    states.append(carry_out(site, run))
    assert [state["type"] for state in states] == ["FAILED", "FAILED"]
    assert all("1 of 3 documents failed" in state["message"] for state in states)
    with open_state(load_workspace(workspace)) as state:
        assert len(state.runs.recent()) == 1
        with state.engine.connect() as connection:
            done = connection.execute(select(sessions.c.document)).scalars().all()
    assert sorted(Counter(done).values())[:2] == [1, 1]


def carry_out(site: Site, run: str) -> dict[str, Any]:
    """What Prefect does in the process that a worker has started; the state it ends with."""
    with prefect_client(site.address), warnings.catch_warnings():
        # Prefect asks its server for the storage of results, and leaves the socket open.
        warnings.filterwarnings("ignore", "unclosed <socket", ResourceWarning)
        from prefect.client.schemas.objects import FlowRun
        from prefect.flow_engine import run_flow

        from docmill.flow.deployed import run_pipeline

        flow_run = FlowRun.model_validate(site.run(run))
        ended: Any = run_flow(run_pipeline, flow_run, flow_run.parameters, return_type="state")
        asyncio.run(ended)
        del ended
        gc.collect()
    return site.run(run)["state"]
