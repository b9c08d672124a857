"""`docmill shard`: whoever isn't fit to read a run's documents says so, here and to the run."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from tests.cli.conftest import Docmill

from docmill.batch.state import open_state
from docmill.records.results import RunInfo
from docmill.spec.load import load_workspace

SPECS = {
    "docmill.yaml": "{}\n",
    "agent_specs/reader.yaml": "name: reader\nmodel: rules\n",
    "pipelines/demo.yaml": (
        "name: demo\ndocuments: in\nagent: reader\n"
        "record: {fields: {voltage: {type: quantity, unit: V}}}\n"
    ),
}


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """A workspace with a run of other specs than those that are there now."""
    root = tmp_path / "demo"
    for name, content in SPECS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "in").mkdir()
    info = RunInfo(
        id="", pipeline="demo", status="running", started=datetime.now(UTC),
        docmill_version=version("docmill"), model="rules", agent="reader@0", environment="e",
        sandbox="s", spec_digest="0" * 64,
    )  # fmt: skip
    with open_state(load_workspace(root)) as state:
        number, _ = state.runs.claim(info, [])
        state.runs.update(number, info.model_copy(update={"status": "failed"}))
    return root


def test_a_shard_with_other_specs_refuses(docmill: Docmill, running: Path) -> None:
    """Before it opens anything, with the run it was started for."""
    told = docmill("shard", "1", "1-late", at=running)
    assert told.code == 3
    assert "aren't those of run-0001" in told.err


def test_a_shard_of_no_run(docmill: Docmill, running: Path) -> None:
    """The message says where the runs are listed."""
    told = docmill("shard", "77", "1-a", at=running)
    assert told.code != 0
    assert "There is no run-0077" in told.err
    assert "docmill runs list" in told.err
