"""A job run as a Prefect flow on a real server: what Prefect shows, retries, caches, stops."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_job import ScriptedJob, documents
from tests.forked import run

from docmill.errors import DocumentError, RunError, SandboxError, TooManyFailuresError
from docmill.flow.address import ServerAddress
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus
from docmill.spec.pipeline import FailureThreshold

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Ask = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], Any]


def task_runs(ask: Ask, job: ScriptedJob) -> dict[str, str]:
    """Names of the flow run's tasks and the states they are in."""
    found = ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [job.flow_run_id]}}})
    return {task["name"]: task["state_name"] for task in found}


def test_a_run_is_a_flow_with_a_task_per_document(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """The flow has the pipeline's name, the run its id, each document a task of its name."""
    job = ScriptedJob(documents(3, batch="shown"))
    outcome = run(job, prefect_server)
    flow_run = ask(f"/flow_runs/{outcome.flow_run_id}")
    tasks = eventually(
        lambda: (found := task_runs(ask, job)).get("report") == "Completed" and found
    )
    assert flow_run["name"] == "run-0001 · 3 documents"
    assert flow_run["state_name"] == "Completed"
    assert flow_run["tags"] == ["docmill"]
    assert ask(f"/flows/{flow_run['flow_id']}")["name"] == "spec-check"
    assert set(tasks) == {"ingest", "judge", "report", "in/0.pdf", "in/1.pdf", "in/2.pdf"}
    assert set(tasks.values()) == {"Completed"}
    assert outcome.end.counts == {"ok": 3}
    assert outcome.url == job.url
    assert outcome.url.startswith(prefect_server.ui_url)


def test_the_report_is_an_artifact(prefect_server: ServerAddress, ask: Ask) -> None:
    """The text of report.md stands on the flow run's page in Prefect's UI."""
    outcome = run(ScriptedJob(documents(1, batch="artifact")), prefect_server)
    found = ask("/artifacts/filter", {"flow_runs": {"id": {"any_": [outcome.flow_run_id]}}})
    texts = {entry["key"]: entry["data"] for entry in found}
    assert texts["spec-check-report"] == "# All is well"


def test_only_retryable_errors_are_tried_again(prefect_server: ServerAddress) -> None:
    """A lost sandbox is tried again until it works, a corrupt document is not."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        if document.info.id == "d0":
            raise DocumentError("It is corrupt.", code="document_corrupt")
        if attempt < 3:
            raise SandboxError("It was lost.")
        return "ok"

    job = ScriptedJob(documents(2, batch="retries"), work)
    outcome = run(job, prefect_server)
    assert Counter(name for name, _ in job.attempts) == {"d0": 1, "d1": 3}
    assert [attempt for name, attempt in job.attempts if name == "d1"] == [1, 2, 3]
    assert outcome.end.counts == {"failed": 1, "ok": 1}
    assert job.errors["d0"][1] == 1


def test_the_last_attempt_settles_the_failure(prefect_server: ServerAddress) -> None:
    """When every attempt failed the document ends failed, with the number of attempts."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        raise SandboxError(f"Lost {document.info.id} for the {attempt}th time.")

    job = ScriptedJob(documents(1, batch="always"), work)
    run(job, prefect_server)
    error, attempts = job.errors["d0"]
    assert attempts == 3
    assert error.message == "Lost d0 for the 3th time."


def test_finished_documents_are_shown_as_cached(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """A second run takes finished documents over: nothing is processed, Prefect says Cached."""
    batch = documents(2, batch="cached")
    run(ScriptedJob(batch), prefect_server)
    again = ScriptedJob(batch, finished=2)
    outcome = run(again, prefect_server)
    eventually(lambda: Counter(task_runs(ask, again).values())["Cached"] == 2)
    assert again.attempts == []
    assert outcome.end.counts == {"ok": 2}


def test_finished_documents_are_shown_as_cached_whoever_has_them(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """Prefect's cache has no result of theirs: they were done in a group, or it was deleted."""
    job = ScriptedJob(documents(2, batch="cached by docmill"), finished=2)
    outcome = run(job, prefect_server)
    eventually(lambda: Counter(task_runs(ask, job).values())["Cached"] == 2)
    assert job.attempts == []
    assert outcome.end.counts == {"ok": 2}


def test_what_the_store_has_not_finished_is_processed_whatever_prefect_has(
    prefect_server: ServerAddress,
) -> None:
    """The store is the truth: a result in Prefect's cache alone counts for nothing."""
    batch = documents(1, batch="stale")
    run(ScriptedJob(batch), prefect_server)
    again = ScriptedJob(batch)
    run(again, prefect_server)
    assert again.attempts == [("d0", 1)]


def test_many_finished_documents_are_one_task(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """A re-run of a large batch does not cost a task per document."""
    job = ScriptedJob(documents(30, batch="many"), finished=30)
    outcome = run(job, prefect_server)
    tasks = eventually(lambda: (found := task_runs(ask, job)).get("report") and found)
    assert set(tasks) == {"ingest", "reuse 30 finished documents", "judge", "report"}
    assert outcome.end.counts == {"ok": 30}


def test_too_many_failures_stop_the_run(prefect_server: ServerAddress, ask: Ask) -> None:
    """Past the threshold nothing more is dealt out; there is a report, and the flow has failed."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        raise DocumentError(f"{document.info.id} is corrupt ({attempt}).")

    job = ScriptedJob(documents(20, batch="threshold"), work)
    job.concurrency = 1
    job.failure_threshold = FailureThreshold(count=2)
    with pytest.raises(TooManyFailuresError, match="3 of 20 documents failed") as caught:
        run(job, prefect_server)
    assert caught.value.remedy == "Look: docmill runs show run-0001"
    assert Counter(job.ends.values()) == {"failed": 3, "cancelled": 17}
    assert job.end
    assert job.end.status == "failed"
    assert ask(f"/flow_runs/{job.flow_run_id}")["state_name"] == "Failed"


def test_an_error_of_the_run_stops_it(prefect_server: ServerAddress) -> None:
    """What a document raises about the run as a whole ends the run, after its report."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        raise RunError(f"No budget is left for {document.info.id} ({attempt}).")

    job = ScriptedJob(documents(5, batch="budget"), work)
    with pytest.raises(RunError, match="No budget is left"):
        run(job, prefect_server)
    assert set(job.ends.values()) == {"cancelled"}
    assert job.end


def test_a_run_can_be_cancelled_in_prefect(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """Cancel in the UI ends sessions under way, and every document left ends cancelled."""

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        if document.info.id == "d1":
            state = {"state": {"type": "CANCELLING"}}
            await asyncio.to_thread(ask, f"/flow_runs/{job.flow_run_id}/set_state", state)
            await asyncio.sleep(60)
        return "ok"

    job = ScriptedJob(documents(6, batch="cancel"), work)
    job.concurrency = 1
    outcome = run(job, prefect_server)
    assert outcome.end.status == "cancelled"
    assert outcome.end.message == "The run was cancelled in Prefect."
    assert Counter(job.ends.values()) == {"ok": 1, "cancelled": 5}
    assert outcome.published is None
    assert ask(f"/flow_runs/{job.flow_run_id}")["state_name"] == "Cancelled"
    eventually(lambda: task_runs(ask, job).get("in/1.pdf") == "Cancelled")


def test_an_error_in_the_report_is_raised_as_it_is(prefect_server: ServerAddress) -> None:
    """A full disk while the report is written is that, not a problem of Prefect's."""

    class FullDisk(ScriptedJob):
        async def judge(self) -> dict[str, Any]:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run(FullDisk(documents(1, batch="full")), prefect_server)


def test_what_was_stored_before_a_stop_counts_as_done(prefect_server: ServerAddress) -> None:
    """A stop that comes between a document's end and Prefect's note of it takes nothing back."""

    class StopsItself(ScriptedJob):
        async def process(self, document: PlannedDocument, *, attempt: int) -> dict[str, Any]:
            summary = await super().process(document, attempt=attempt)
            os.kill(os.getpid(), signal.SIGINT)
            return summary

    job = StopsItself(documents(4, batch="stop"))
    job.concurrency = 1
    outcome = run(job, prefect_server)
    assert job.ends["d0"] == "ok"
    assert outcome.end.counts == {"ok": 1, "cancelled": 3}


def test_results_that_prefect_cannot_write_are_no_failure(
    prefect_server: ServerAddress, tmp_path: Path
) -> None:
    """A full or missing result storage costs Prefect's cache, not the document."""
    (tmp_path / "storage").touch()
    job = ScriptedJob(documents(2, batch="unwritable"))
    outcome = run(job, replace(prefect_server, folder=tmp_path))
    assert outcome.end.counts == {"ok": 2}
