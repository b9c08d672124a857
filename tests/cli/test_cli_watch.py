"""`docmill watch`: what is dropped into a folder or bucket is read once, reported and put away."""

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_runs import wait_for_flow_run
from tests.buckets import Bucket
from tests.cli.conftest import Docmill, copied, expecting_nothing
from tests.cli.test_cli_deploy import prefect_environment
from tests.workers import end_worker

from docmill.cli.watching import Telling
from docmill.flow import server
from docmill.flow.address import ServerSettings
from docmill.flow.launch import prefect_client
from docmill.watch.carrying import Outcome


@contextmanager
def worker_of(root: Path, pool: str) -> Generator[Path]:
    """A worker of Prefect's own in the workspace's pool, and where it logs."""
    log = root / "worker.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "prefect", "worker", "start", "--pool", pool],
            cwd=root,
            env=prefect_environment(root),
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            yield log
        finally:
            end_worker(process)


@pytest.fixture
def watched(workspace: Path, tmp_path: Path, bucket: Bucket) -> Path:
    """A workspace whose one pipeline watches a bucket."""
    root = expecting_nothing(copied(workspace, tmp_path / "copy"))
    text = (root / "pipelines/spec-check.yaml").read_text()
    for file in (root / "pipelines").glob("*.yaml"):
        file.unlink()
    watch = f"{{path: '{bucket.address}/incoming', settle_seconds: 0, every_minutes: 7}}"
    text = text.replace("name: spec-check", "name: watched")
    (root / "pipelines/watched.yaml").write_text(f"{text}watch: {watch}\n")
    (root / "docmill.yaml").write_text("deploy: {name: watching, work_pool: watching}\n")
    return root


def round_of(root: Path) -> State:
    """How a round of `watched/watch` ended that somebody called for."""
    address = server.ensure(ServerSettings(folder=root / ".docmill/prefect"))

    async def ended() -> FlowRun:
        async with get_client() as client:
            deployment = await client.read_deployment_by_name("watched/watch")
            run = await client.create_flow_run_from_deployment(deployment.id)
            return await wait_for_flow_run(run.id, client=client)

    with prefect_client(address):
        state = asyncio.run(ended()).state
    assert state is not None
    return state


def below(bucket: Bucket, place: str) -> list[str]:
    """Files in a place, without the folder of their drop."""
    return [key.partition("/")[2] for key in bucket.names(place)]


@pytest.mark.timeout(300)
def test_a_deployed_round_reads_what_lies_in_a_bucket_once(
    watched: Path, bucket: Bucket, docmill: Docmill
) -> None:
    """A run of the deployment `NAME/watch` looks at once; by itself it does so every few minutes,
    one round at a time. Good documents go to `done`, the failed one to quarantine with a note; the
    same content under another name is not read again, by whichever watcher."""
    told = docmill("deploy", at=watched)
    assert "+ watched/watch  create" in told.out
    assert "every 420 s" in told.out
    documents = watched / "sample_data/spec-check/documents"
    good = (documents / "TMI-57-0231.pdf").read_bytes()
    bucket.put("incoming/box 7/TMI.pdf", good)
    bucket.put("incoming/box 7/empty.pdf", b"")
    with worker_of(watched, "watching") as log:
        state = round_of(watched)
        assert state.is_completed(), log.read_text()
    assert "1 ok, 1 failed" in str(state.message)
    assert bucket.names("incoming") == []
    assert below(bucket, "done") == ["box 7/TMI.pdf"]
    assert below(bucket, "quarantine") == ["box 7/empty.pdf", "box 7/empty.pdf.txt"]
    (note,) = (bucket.folder / "quarantine").rglob("*.txt")
    assert "The file is empty" in note.read_text()
    assert "report.html" in below(bucket, "reports")

    bucket.put("incoming/renamed.pdf", good)
    again = docmill("watch", "watched", "--once", at=watched)
    assert again.out == ""
    assert bucket.names("done/again") == ["renamed.pdf"]


def test_a_drop_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout, when its report is there."""
    Telling().began("2026-01-01-abc", 3)
    outcome = Outcome("run-0007", {"ok": 2, "failed": 1}, "s3://lab/reports/2026-01-01-abc", (), ())
    Telling().ended("2026-01-01-abc", outcome)
    told = capsys.readouterr()
    assert told.out == (
        "2026-01-01-abc: run-0007  2 ok, 1 failed  s3://lab/reports/2026-01-01-abc\n"
    )
    assert told.err == "2026-01-01-abc: 3 documents\n"


def test_a_pipeline_that_watches_nothing_is_named(bare: Path, docmill: Docmill) -> None:
    """The error says what to add."""
    answer = docmill("watch", "invoices", at=bare)
    assert answer.code == 2
    assert "add `watch: FOLDER`" in answer.err
