"""Prefect's own process: started ahead of the run, lost in the middle of it, never left behind."""

import asyncio
import os
import signal
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_job import ScriptedJob, documents
from tests import forked

from docmill.errors import RunError
from docmill.flow.address import ServerAddress
from docmill.flow.launch import meet, run
from docmill.flow.prefect_process import NO_AUTHORITY, PrefectProcess, environment
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def test_a_process_nobody_needed_is_gone_after_its_block() -> None:
    """A mistake in the YAML ends the run before Prefect has even been imported."""
    with PrefectProcess() as process:
        assert Path(f"/proc/{process.pid}").exists()
    assert not Path(f"/proc/{process.pid}").exists()


def test_only_the_workspaces_own_server_gets_by_without_authorities() -> None:
    """A server that the user named may speak TLS: its client trusts whom the user trusts."""
    trusted = {"SSL_CERT_FILE": "/etc/authorities.pem"}
    named = environment({"PREFECT_API_URL": "https://prefect.example/api"} | trusted)
    assert named["SSL_CERT_FILE"] == "/etc/authorities.pem"
    assert environment(trusted)["SSL_CERT_FILE"] == str(NO_AUTHORITY)
    context = ssl.create_default_context(cafile=NO_AUTHORITY)
    assert [entry["subject"] for entry in context.get_ca_certs()] == [
        ((("commonName", "docmill trusts nobody"),),)
    ]


def test_a_process_started_ahead_runs_the_job(prefect_server: ServerAddress) -> None:
    """The command line starts it before it knows which job there will be.

    While it starts the flow, the run's own process does something useful.
    """
    job = ScriptedJob(documents(2, batch="ahead"))
    begun: list[str] = []
    with PrefectProcess() as process:
        outcome = run(job, prefect_server, process, meanwhile=lambda: begun.append(job.flow_run_id))
    assert outcome.end.counts == {"ok": 2}
    assert begun == [""]


@pytest.mark.parametrize("moved", [False, True], ids=["the same", "another"])
def test_a_process_may_meet_the_server_before_there_is_a_job(
    prefect_server: ServerAddress, *, moved: bool
) -> None:
    """If it is another server by then, the job runs on that one."""
    met = prefect_server
    if moved:
        met = replace(prefect_server, api_url="http://127.0.0.1:9/api")
    job = ScriptedJob(documents(1, batch=f"met-{moved}"))
    process = forked.fork()
    meet(process, met, job.name)
    outcome = run(job, prefect_server, process)
    assert outcome.end.counts == {"ok": 1}
    assert outcome.url.startswith(prefect_server.ui_url)


def test_a_lost_process_ends_the_run(prefect_server: ServerAddress) -> None:
    """Killed for want of memory, say: what is under way is cancelled, the command says so."""
    cancelled: list[str] = []
    process = forked.fork()

    async def work(document: PlannedDocument, attempt: int) -> DocumentStatus:
        del attempt
        os.kill(process.pid, signal.SIGKILL)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(document.info.id)
            raise
        return "ok"

    with pytest.raises(RunError, match="Prefect's process ended"):
        forked.run(ScriptedJob(documents(1, batch="lost"), work), prefect_server, process)
    assert cancelled == ["d0"]


def test_a_bug_in_the_job_is_raised_as_it_is(prefect_server: ServerAddress) -> None:
    """With its own traceback, as if there were no second process."""
    bug = KeyError("no such column")

    class Buggy(ScriptedJob):
        async def judge(self) -> dict[str, Any]:
            raise bug

    with pytest.raises(KeyError) as caught:
        forked.run(Buggy(documents(1, batch="bug")), prefect_server)
    assert caught.value is bug
