"""A large batch on a real server: documents share tasks, and nothing else is different."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_job import ScriptedJob, documents
from tests.forked import fork, run

from docmill.errors import DocumentError, RunError, SandboxError, TooManyFailuresError
from docmill.flow.address import ServerAddress
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus
from docmill.spec.pipeline import FailureThreshold

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Ask = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], Any]
STEPS = {"ingest", "judge", "report"}


def task_states(ask: Ask, job: ScriptedJob) -> dict[str, dict[str, Any]]:
    """The flow run's tasks by name, without the run's steps: the states they are in."""
    found = ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [job.flow_run_id]}}})
    return {task["name"]: task["state"] for task in found if task["name"] not in STEPS}


def all_ended(ask: Ask, job: ScriptedJob, number: int) -> Callable[[], Any]:
    """The states, once so many tasks have ended."""
    final = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}

    def found() -> Any:
        states = task_states(ask, job)
        ended = [state for state in states.values() if state and state["type"] in final]
        return len(ended) >= number and states

    return found


def test_documents_of_a_large_batch_share_tasks(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """Sixty documents are six tasks, each named after its first; all are done once."""
    job = ScriptedJob(documents(60, batch="groups"))
    outcome = run(job, prefect_server)
    states = eventually(all_ended(ask, job, 6))
    assert set(states) == {f"in/{first}.pdf and 9 more" for first in range(0, 60, 10)}
    assert {(state["name"], state["message"]) for state in states.values()} == {
        ("Completed", "10 ok")
    }
    assert outcome.end.counts == {"ok": 60}
    assert Counter(job.attempts) == Counter((f"d{index}", 1) for index in range(60))


def test_a_groups_result_is_kept_by_its_documents_keys(
    prefect_server: ServerAddress, tmp_path: Path
) -> None:
    """Prefect's checkpoint of a group says how each of its documents ended."""
    run(ScriptedJob(documents(60, batch="kept")), replace(prefect_server, folder=tmp_path))
    files = list((tmp_path / "storage").iterdir())
    results = [json.loads(json.loads(file.read_text())["result"]) for file in files]
    assert len(results) == 6
    assert {name: end for result in results for name, end in result.items()} == {
        f"d{index}": "ok" for index in range(60)
    }


def test_a_document_that_fails_goes_on_as_a_task_of_its_own(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """There Prefect retries it if that may help; no other document is run again."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        if document.info.id == "d3":
            raise DocumentError("It is corrupt.", code="document_corrupt")
        if document.info.id == "d14" and attempt < 3:
            raise SandboxError(f"It was lost for the {attempt}th time.")
        if document.info.id == "d15":
            raise SandboxError(f"It was lost for the {attempt}th time.", code="sandbox_lost")
        return "ok"

    job = ScriptedJob(documents(60, batch="troubles"), work)
    outcome = run(job, prefect_server)
    states = eventually(all_ended(ask, job, 9))
    expected = {f"d{index}": [1] for index in range(60)} | {"d14": [1, 2, 3], "d15": [1, 2, 3]}
    attempts: dict[str, list[int]] = {}
    for name, attempt in job.attempts:
        attempts.setdefault(name, []).append(attempt)
    assert attempts == expected
    assert outcome.end.counts == {"ok": 58, "failed": 2}
    assert job.errors["d3"][1] == 1
    assert job.errors["d15"][1] == 3
    assert job.errors["d15"][0].message == "It was lost for the 3th time."
    assert states["in/3.pdf"]["type"] == "FAILED"
    assert "It is corrupt." in states["in/3.pdf"]["message"]
    assert states["in/14.pdf"]["type"] == "COMPLETED"
    assert states["in/15.pdf"]["type"] == "FAILED"
    assert states["in/0.pdf and 9 more"]["message"] == (
        "9 ok, 1 failed: in/3.pdf failed (document_corrupt)"
    )
    assert states["in/10.pdf and 9 more"]["message"] == (
        "9 ok, 1 failed: in/15.pdf failed (sandbox_lost)"
    )


def test_a_slow_document_holds_nobody_back(prefect_server: ServerAddress) -> None:
    """While the first document is at work, every other group runs to its end."""
    others = asyncio.Event()

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        if document.info.id == "d0":
            await others.wait()
        elif len(job.ends) == 58:
            others.set()
        return "ok"

    job = ScriptedJob(documents(60, batch="slow"), work)
    outcome = run(job, prefect_server)
    assert outcome.end.counts == {"ok": 60}
    assert list(job.ends)[-1] in {"d0", "d59"}


def test_waiting_to_be_tried_again_holds_nobody_back(prefect_server: ServerAddress) -> None:
    """One at a time, and the first one waits a second: the others are done meanwhile."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        if document.info.id == "d0" and attempt == 1:
            raise SandboxError("It was lost.")
        return "ok"

    job = ScriptedJob(documents(60, batch="waiting"), work)
    job.concurrency = 1
    job.retries = job.retries.model_copy(update={"delay_seconds": 1, "jitter": 0})
    outcome = run(job, prefect_server)
    assert outcome.end.counts == {"ok": 60}
    assert next(iter(job.ends)) == "d1"
    assert job.attempts[-1] == ("d0", 2)


def test_too_many_failures_stop_a_large_run(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """The group under way ends cancelled and says what it came to; no other is begun."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        raise DocumentError(f"{document.info.id} is corrupt ({attempt}).")

    job = ScriptedJob(documents(60, batch="large threshold"), work)
    job.concurrency = 1
    job.failure_threshold = FailureThreshold(count=2)
    with pytest.raises(TooManyFailuresError, match="3 of 60 documents failed"):
        run(job, prefect_server)
    states = eventually(all_ended(ask, job, 4))
    assert Counter(job.ends.values()) == {"failed": 3, "cancelled": 57}
    assert set(states) == {"in/0.pdf", "in/1.pdf", "in/2.pdf", "in/0.pdf and 9 more"}
    group = states["in/0.pdf and 9 more"]
    assert group["type"] == "CANCELLED"
    assert "3 of 60 documents failed" in group["message"]
    assert "3 failed, 7 not done" in group["message"]


def test_an_error_of_the_run_stops_a_large_one(prefect_server: ServerAddress) -> None:
    """No budget is left: whatever is not done ends cancelled, after the report."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        if document.info.id == "d12":
            raise RunError(f"No budget is left ({attempt}).")
        return "ok"

    job = ScriptedJob(documents(60, batch="large budget"), work)
    job.concurrency = 1
    with pytest.raises(RunError, match="No budget is left"):
        run(job, prefect_server)
    assert Counter(job.ends.values()) == {"ok": 12, "cancelled": 48}
    assert job.end


def test_a_large_run_can_be_cancelled_in_prefect(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """Cancel in the UI ends sessions under way, and the group they belong to."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        if document.info.id == "d15":
            state = {"state": {"type": "CANCELLING"}}
            await asyncio.to_thread(ask, f"/flow_runs/{job.flow_run_id}/set_state", state)
            await asyncio.sleep(60)
        return "ok"

    job = ScriptedJob(documents(60, batch="large cancel"), work)
    job.concurrency = 1
    outcome = run(job, prefect_server)
    states = eventually(all_ended(ask, job, 2))
    assert outcome.end.status == "cancelled"
    assert Counter(job.ends.values()) == {"ok": 15, "cancelled": 45}
    assert ask(f"/flow_runs/{job.flow_run_id}")["state_name"] == "Cancelled"
    assert states["in/0.pdf and 9 more"]["name"] == "Completed"
    assert states["in/10.pdf and 9 more"]["name"] == "Cancelled"
    assert states["in/10.pdf and 9 more"]["message"] == (
        "The run was cancelled in Prefect. 5 ok, 5 not done"
    )


def test_what_a_group_stored_before_a_stop_counts_as_done(prefect_server: ServerAddress) -> None:
    """A stop that comes just as a document ends takes nothing back."""

    class StopsItself(ScriptedJob):
        async def process(self, document: PlannedDocument, *, attempt: int) -> dict[str, Any]:
            summary = await super().process(document, attempt=attempt)
            if document.info.id == "d4":
                os.kill(os.getpid(), signal.SIGINT)
            return summary

    job = StopsItself(documents(60, batch="large stop"))
    job.concurrency = 1
    outcome = run(job, prefect_server)
    assert job.ends["d4"] == "ok"
    assert Counter(job.ends.values()) == outcome.end.counts
    assert outcome.end.counts["cancelled"] >= 50


def test_a_killed_large_run_goes_on_where_it_was(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """What the store has is taken over; only the rest is dealt out, in groups of its own."""
    batch = documents(90, batch="going on")
    process = fork()

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        if document.info.id == "d25":
            os.kill(process.pid, signal.SIGKILL)
            await asyncio.sleep(60)
        return "ok"

    killed = ScriptedJob(batch, work)
    killed.concurrency = 1
    with pytest.raises(RunError, match="Prefect's process ended"):
        run(killed, prefect_server, process)
    assert list(killed.ends) == [f"d{index}" for index in range(25)]
    job = ScriptedJob(batch, finished=25)
    outcome = run(job, prefect_server)
    states = eventually(all_ended(ask, job, 8))
    assert outcome.end.counts == {"ok": 90}
    assert Counter(job.attempts) == Counter((f"d{index}", 1) for index in range(25, 90))
    assert "reuse 25 finished documents" in states
    assert "in/25.pdf and 9 more" in states


def test_an_error_of_this_machine_is_the_documents(prefect_server: ServerAddress) -> None:
    """A document that could not be worked on for want of a file handle, say, ends failed."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        if document.info.id == "d7":
            raise OSError(24, "Too many open files")
        return "ok"

    job = ScriptedJob(documents(60, batch="large handles"), work)
    outcome = run(job, prefect_server)
    error, attempts = job.errors["d7"]
    assert outcome.end.counts == {"ok": 59, "failed": 1}
    assert (error.code, attempts) == ("orchestration_failed", 1)


def test_a_group_prefect_cannot_write_down_is_done(
    prefect_server: ServerAddress, tmp_path: Path
) -> None:
    """A full or missing result storage costs Prefect's checkpoint, no document."""
    (tmp_path / "storage").touch()
    job = ScriptedJob(documents(60, batch="large unwritable"))
    outcome = run(job, replace(prefect_server, folder=tmp_path))
    assert outcome.end.counts == {"ok": 60}


def test_a_large_run_shows_how_far_it_has_come(prefect_server: ServerAddress, ask: Ask) -> None:
    """A progress bar stands among the artifacts of a run under way; at its end it is full."""
    shown: list[dict[str, Any]] = []

    def bars() -> list[dict[str, Any]]:
        wanted = {"flow_runs": {"id": {"any_": [job.flow_run_id]}}}
        found = ask("/artifacts/filter", wanted)
        return [entry for entry in found if entry["type"] == "progress"]

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        while document.info.id == "d30" and not shown:
            shown.extend(await asyncio.to_thread(bars))
        return "ok"

    job = ScriptedJob(documents(60, batch="progress"), work)
    job.concurrency = 1
    run(job, prefect_server)
    assert [(bar["key"], bar["data"]) for bar in shown] == [("spec-check-progress", 50)]
    assert shown[0]["description"] == "30 of 60 documents: 30 ok"
    assert [bar["data"] for bar in bars()] == [100]
