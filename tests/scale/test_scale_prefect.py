"""A sharded run as users have it: deployed, begun by `docmill run`, carried out by a worker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.scale.conftest import KEY, SETTINGS, make_workspace, script
from tests.workers import end_worker

from docmill.testing.process import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
REPORTS = 6


def docmill(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in the workspace."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "docmill.cli", *arguments],
        cwd=root,
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )


def environ() -> dict[str, str]:
    """Of the command line and of the worker."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | SETTINGS | {"PREFECT_WORKER_QUERY_SECONDS": "1"}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, prefect_folder: Path) -> Iterator[Path]:
    """A workspace, deployed, with a worker that takes as many shards as there are."""
    root = tmp_path_factory.mktemp("scale") / "workspace"
    with ServerProcess(script(REPORTS, turns=2), key=KEY, latency=0.2) as scripted:
        make_workspace(root, scripted.base_url, reports=REPORTS)
        (root / ".docmill").mkdir()
        (root / ".docmill" / "prefect").symlink_to(prefect_folder)
        with (root / "docmill.yaml").open("a") as config:
            config.write("deploy: {name: scale, work_pool: scale}\n")
        assert "reports/shard" in docmill(root, "deploy").stdout
        with (root / "worker.log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, "-P", "-m", "docmill.cli", "worker"],
                cwd=root,
                env=environ(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield root
        finally:
            end_worker(worker)


def test_a_run_starts_its_shards_through_prefect_and_ends_them(deployed: Path) -> None:
    """Two shards, as the option says; the run's report is like any other's."""
    done = docmill(deployed, "run", "--shards", "2", "--json")
    assert done.returncode == 0, done.stderr + (deployed / "worker.log").read_text()[-3000:]
    data: Any = json.loads(done.stdout)
    assert data["summary"]["by_status"]["ok"] == REPORTS
    assert (deployed / "reports" / "reports" / "latest" / "report.json").is_file()
    # With other specs, a shard of that run refuses to come.
    spec = deployed / "pipelines" / "reports.yaml"
    spec.write_text(spec.read_text().replace("0.05 V", "0.06 V"))
    refused = docmill(deployed, "shard", "run-0001", "1-late")
    assert refused.returncode == 3
    assert "aren't those of run-0001" in refused.stderr
