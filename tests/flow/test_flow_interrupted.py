"""Runs that something happens to: Ctrl-C, a killed server, no server at all."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from scripted_job import ScriptedJob, documents
from tests.forked import run

from docmill.errors import PrerequisiteError
from docmill.flow import server
from docmill.flow.address import ServerAddress, ServerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PROGRAM = Path(__file__).with_name("scripted_job.py")


ONE_BY_ONE, IN_GROUPS = 12, 60
"""Documents that have a task each, and documents that share tasks."""


def run_program(folder: Path, victim: str, *numbers: int) -> list[dict[str, Any]]:
    """Run `scripted_job` in a process of its own; nothing but its results may be printed."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), victim, *map(str, numbers)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return json.loads(done.stdout)


@pytest.mark.parametrize("number", [ONE_BY_ONE, IN_GROUPS])
def test_ctrl_c_ends_a_run_cleanly(prefect_server: ServerAddress, number: int) -> None:
    """Documents that are done stay done, the others end cancelled, and the terminal stays quiet."""
    (result,) = run_program(prefect_server.folder, "self", number)
    ends = Counter[str](result["ends"].values())
    assert result["status"] == "cancelled"
    assert sum(ends.values()) == number
    assert ends["ok"] >= 5
    assert ends["cancelled"] >= 5
    assert result["ends"]["d5"] == "cancelled"


def test_runs_outlive_their_server(tmp_path: Path) -> None:
    """The server is killed in mid-run: every document is done; a notice says what is missing."""
    folder = tmp_path / "prefect"
    sizes = (ONE_BY_ONE, IN_GROUPS)
    for number, result in zip(sizes, run_program(folder, "server", *sizes), strict=True):
        assert result["status"] == "finished"
        assert Counter(result["ends"].values()) == {"ok": number}
        assert "Prefect's server was lost" in result["notice"]
    assert not server.status(ServerSettings(folder=folder)).starting


def test_without_a_server_nothing_is_begun(prefect_server: ServerAddress) -> None:
    """A server that is gone before the run begins is the operator's matter; no document is run."""
    nowhere = ServerAddress(
        api_url="http://127.0.0.1:9/api", folder=prefect_server.folder, auth=prefect_server.auth
    )
    job = ScriptedJob(documents(1))
    with pytest.raises(PrerequisiteError, match="did not take the run"):
        run(job, nowhere)
    assert job.attempts == []
