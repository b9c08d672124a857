"""`docmill watch`: what is dropped into a folder or bucket is read once, reported and put away."""

import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.buckets import Bucket
from tests.cli.conftest import Docmill, copied
from tests.cli.test_cli_deploy import prefect, prefect_environment
from tests.workers import end_worker


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


@pytest.mark.timeout(300)
def test_a_deployed_round_reads_what_lies_in_a_bucket(
    workspace: Path, tmp_path: Path, bucket: Bucket, docmill: Docmill
) -> None:
    """`prefect deployment run 'NAME/watch'` looks at once; by itself it does so every few minutes,
    one round at a time. The report and the document are in the bucket."""
    root = copied(workspace, tmp_path / "copy")
    spec, name = root / "pipelines/watched.yaml", "watched"
    text = (
        (root / "pipelines/spec-check.yaml")
        .read_text()
        .replace("name: spec-check", "name: watched")
    )
    for file in (root / "pipelines").glob("*.yaml"):
        file.unlink()
    watch = f"{{path: '{bucket.address}/incoming', settle_seconds: 0, every_minutes: 7}}"
    spec.write_text(f"{text}watch: {watch}\n")
    (root / "docmill.yaml").write_text("deploy: {name: watching, work_pool: watching}\n")
    told = docmill("deploy", at=root)
    assert "+ watched/watch  create" in told.out
    assert "every 420 s" in told.out
    document = workspace / "sample_data/spec-check/documents/TMI-57-0231.pdf"
    bucket.put("incoming/box 7/TMI.pdf", document.read_bytes())
    with worker_of(root, "watching") as log:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "deployment", "run", f"{name}/watch", "--watch"],
            env=prefect_environment(root),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + log.read_text()
    assert bucket.names("incoming") == []
    assert [key.partition("/")[2] for key in bucket.names("done")] == ["box 7/TMI.pdf"]
    assert "report.html" in [key.partition("/")[2] for key in bucket.names("reports")]
    state = prefect(root, "flow-run", "ls", "--flow-name", name).stdout
    assert "COMPLETED" in state.upper()


@pytest.fixture
def watched(workspace: Path, tmp_path: Path) -> Path:
    """A workspace whose pipeline watches `drop/incoming`."""
    root = copied(workspace, tmp_path / "copy")
    spec = root / "pipelines/spec-check.yaml"
    watch = "watch: {path: drop/incoming, settle_seconds: 0}\n"
    spec.write_text(spec.read_text() + watch)
    (root / "drop/incoming/box 7").mkdir(parents=True)
    return root


@pytest.mark.timeout(180)
def test_a_drop_is_read_reported_and_put_away_once(watched: Path, docmill: Docmill) -> None:
    """Good documents go to `done`, the failed one to quarantine with a note; the same content under
    another name is not read again."""
    documents, incoming = watched / "sample_data/spec-check/documents", watched / "drop/incoming"
    for name in ("TMI-57-0231.pdf", "upload-0.pdf"):
        shutil.copy(documents / name, incoming / "box 7" / name)
    answer = docmill("watch", "spec-check", "--once", at=watched)
    assert "1 ok, 1 failed" in answer.out
    (drop,) = (watched / "drop/reports").iterdir()
    assert (drop / "report.html").is_file()
    done = watched / "drop/done" / drop.name / "box 7/TMI-57-0231.pdf"
    refused = watched / "drop/quarantine" / drop.name / "box 7/upload-0.pdf"
    assert done.is_file()
    assert refused.is_file()
    assert "The file is empty" in refused.with_name("upload-0.pdf.txt").read_text()
    assert not [path for path in incoming.rglob("*") if path.is_file()]

    shutil.copy(done, incoming / "renamed.pdf")
    again = docmill("watch", "spec-check", "--once", at=watched)
    assert again.out == ""
    assert (watched / "drop/done/again/renamed.pdf").is_file()


def test_a_pipeline_that_watches_nothing_is_named(bare: Path, docmill: Docmill) -> None:
    """The error says what to add."""
    answer = docmill("watch", "invoices", at=bare)
    assert answer.code == 2
    assert "add `watch: FOLDER`" in answer.err
