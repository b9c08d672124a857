"""`docmill watch`: what is dropped into a folder is read once, reported and put away."""

import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Docmill, copied


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
