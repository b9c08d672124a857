"""The whole stack as an operator starts it: a run through it, its worker killed, SIGTERM."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from docmill.batch.state import open_state, server_settings
from docmill.cli import main
from docmill.flow import server
from docmill.scaffold import make_workspace
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.stack.health import read_status

PIPELINE = "spec-check"
KEPT = ("Pruefbericht_2023-0442.pdf", "kps-2405-0118.pdf")


class Running:
    """A stack in a process of its own, followed line by line."""

    def __init__(self, root: Path) -> None:
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DOCMILL_", "PREFECT_"))
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "docmill.cli", "serve-stack", "--grace", "60"],
            cwd=root,
            env={**environ, "PREFECT_WORKER_QUERY_SECONDS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def until(self, words: str) -> str:
        """Read on to a line with these words, a regular expression."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if re.search(words, line):
                return line
        raise AssertionError(f"{words!r} was never said:\n{''.join(self.lines)}")

    def end(self) -> int:
        """Tell it to end, and read what it still says."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        with self.process.stdout as rest:
            self.lines += rest
        return self.process.wait(100)


def ask(loaded: LoadedWorkspace, path: str, body: object = None) -> Any:
    """One call of Prefect's REST API."""
    address = server.status(server_settings(loaded, load_settings({}))).address
    assert address is not None
    token = base64.b64encode(address.auth.encode()).decode()
    call = urllib.request.Request(
        address.api_url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
    )
    while True:
        try:
            with urllib.request.urlopen(call, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            # its database is busy: every client of Prefect's asks again
            time.sleep(0.5)


def checked(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `docmill serve-stack --check --json` says, with its exit code."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "argv", ["docmill", "serve-stack", "--check", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_stack_runs_what_is_asked_of_it_and_ends_cleanly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its worker may die before; nothing is left running after."""
    root = tmp_path / "demo"
    make_workspace(root, strict=False)
    for document in (root / "sample_data" / PIPELINE / "documents").iterdir():
        if document.name not in KEPT:
            document.unlink()
    for pipeline in (root / "pipelines").glob("*.yaml"):
        if pipeline.stem != PIPELINE:
            pipeline.unlink()
    loaded = load_workspace(root)
    stack = Running(root)
    try:
        stack.until("started!")
        status = read_status(loaded.state_folder)
        assert status is not None
        worker = next(part for part in status.parts if part.name == "worker")
        os.kill(worker.pid, signal.SIGKILL)
        stack.until("worker: failing: ended by SIGKILL; again in 1 s")
        stack.until("started!")
        code, said = checked(root, monkeypatch, capsys)
        deployment = ask(loaded, f"/deployments/name/{PIPELINE}/default")["id"]
        ask(loaded, f"/deployments/{deployment}/create_flow_run", {"state": {"type": "SCHEDULED"}})
        stack.until(r"Flow run '.*' - Finished in state Completed")
        assert stack.end() == 0
    finally:
        if stack.process.poll() is None:
            stack.end()
    assert (code, said["ok"]) == (0, True)
    assert [part["name"] for part in said["parts"]] == ["server", "deploy", "worker"]
    assert stack.lines[-1].endswith("stack: has ended\n")
    with open_state(loaded) as state:
        assert [info.status for info in state.runs.recent()] == ["finished"]
    code, said = checked(root, monkeypatch, capsys)
    assert (code, said["ok"]) == (1, False)
