"""`docmill deploy` and a worker: pipelines as Prefect deployments, run from a stock Prefect."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Docmill, copied, expecting_nothing
from tests.workers import end_worker

from docmill.flow import server
from docmill.flow.address import ServerSettings, environment

SPEC = "pipelines/spec-check.yaml"


@pytest.fixture
def deployed(workspace: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A workspace with one pipeline, whose deployments nobody else has."""
    root = expecting_nothing(copied(workspace, tmp_path / "copy"))
    text = (root / SPEC).read_text()
    for file in (root / "pipelines").glob("*.yaml"):
        file.unlink()
    write_pipeline(root, name_for(tmp_path), text)
    (root / "docmill.yaml").write_text(
        f"deploy: {{name: {request.node.name[:40]}, work_pool: pool-{tmp_path.name[:20]}}}\n"
    )
    return root


def name_for(tmp_path: Path) -> str:
    """A pipeline's name that no other test's has: the server is shared."""
    return f"p-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]}"


def write_pipeline(root: Path, name: str, text: str) -> None:
    """The example pipeline under another name."""
    file = root / "pipelines" / f"{name}.yaml"
    file.write_text(re.sub("^name: .*$", f"name: {name}", text, flags=re.MULTILINE))


@pytest.fixture
def name(tmp_path: Path) -> str:
    """The pipeline's name."""
    return name_for(tmp_path)


def prefect_environment(root: Path) -> dict[str, str]:
    """What somebody with a stock Prefect would have in their environment."""
    status = server.status(ServerSettings(folder=root / ".docmill" / "prefect"))
    assert status.address is not None
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {
        name: value for name, value in environment(status.address).items() if name.startswith("PRE")
    }


def prefect(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of Prefect's own command line."""
    return subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        env=prefect_environment(root) | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def worker(deployed: Path, docmill: Docmill) -> Iterator[Path]:
    """The workspace, deployed, with a worker that waits for runs."""
    assert docmill("deploy", at=deployed).code == 0
    with (deployed / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "docmill.cli", "worker"],
            cwd=deployed,
            env={
                name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield deployed
    end_worker(process)


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    deployed: Path, name: str, docmill: Docmill
) -> None:
    """Schedule, pool and version stand there; the second look finds the same."""
    answer = docmill("deploy", "--dry-run", at=deployed)
    assert f"+ {name}/default  create" in answer.out
    assert "schedule: 0 2 * * 2,5 (Europe/Berlin)" in answer.out
    again = docmill("deploy", "--dry-run", "--json", at=deployed).json
    assert [change["action"] for change in again["changes"]] == ["create"]


def test_a_changed_spec_is_an_update_and_a_removed_pipeline_is_retired(
    deployed: Path, name: str, docmill: Docmill
) -> None:
    """Deploying twice changes nothing; a new cron line is named; what is gone is taken away."""

    def actions() -> dict[str, str]:
        changes = docmill("deploy", "--json", at=deployed).json["changes"]
        return {change["pipeline"]: change["action"] for change in changes}

    spec = deployed / "pipelines" / f"{name}.yaml"
    assert actions() == {name: "create"}
    assert actions() == {name: "unchanged"}
    spec.write_text(spec.read_text().replace("0 2 * * 2,5", "30 4 * * 1"))
    answer = docmill("deploy", at=deployed)
    assert "schedule: 0 2 * * 2,5 (Europe/Berlin) → 30 4 * * 1 (Europe/Berlin)" in answer.out
    text = spec.read_text()
    spec.unlink()
    write_pipeline(deployed, f"{name}-2", text)
    assert actions() == {f"{name}-2": "create", name: "retire"}


def test_a_pipeline_that_is_not_there_is_named(deployed: Path, name: str, docmill: Docmill) -> None:
    """The known ones are listed; nothing is registered."""
    answer = docmill("deploy", "spec-chek", at=deployed)
    assert answer.code == 2
    assert f"known: {name}" in answer.err


@pytest.mark.timeout(300)
def test_a_stock_prefect_runs_a_deployment_with_parameters(
    worker: Path, name: str, docmill: Docmill
) -> None:
    """The flow run is docmill's run, with its name, state and report; a bad parameter is refused
    by Prefect's server before anything starts."""
    refused = prefect(worker, "deployment", "run", f"{name}/default", "-p", "concurrency=0")
    assert refused.returncode != 0
    assert "concurrency" in refused.stdout + refused.stderr
    done = prefect(worker, "deployment", "run", f"{name}/default", "-p", "concurrency=2", "--watch")
    assert done.returncode == 0, (worker / "worker.log").read_text()
    run = docmill("runs", "show", "--json", at=worker).json
    assert run["run"]["status"] == "finished"
    assert "concurrency=2" in run["run"]["settings"]
    assert (worker / "reports" / name / "run-0001" / "report.html").is_file()
    listed = prefect(worker, "flow-run", "ls", "--flow-name", name)
    assert "run-0001" in listed.stdout
