"""A stored run told of and handed over once more, from the command line."""

from pathlib import Path

import pytest
from tests.cli.conftest import Docmill, docmill
from tests.notify.hooks import receiver
from tests.notify.test_notify_runs import notify, run, with_keys, workspace

from docmill.batch.state import open_state

__all__ = ["docmill", "workspace"]

RESULTS = "results: [{to: 'out/{run}', rows: documents}]\n"


@pytest.fixture
def told(workspace: Path, docmill: Docmill) -> Path:
    """A workspace with one run, whose notice nobody took and whose results went to a folder."""
    with receiver((404, {})) as deaf:
        loaded = with_keys(workspace, RESULTS + notify(deaf))
        with open_state(loaded) as state:
            run(loaded, state)
    return workspace


def test_a_run_shows_what_was_delivered(told: Path, docmill: Docmill) -> None:
    """A line each, and as data."""
    shown = docmill("runs", "show", "run-0001", at=told)
    assert "results    ✓ out/{run}: 1 row" in shown.out
    assert "/hook: status 404 Not Found" in shown.out
    states = [
        each["state"] for each in docmill("runs", "show", "1", "--json", at=told).json["deliveries"]
    ]
    assert states == ["done", "failed"]


def test_a_run_is_told_of_again(told: Path, docmill: Docmill) -> None:
    """To whom the pipeline names now; exit code 1 says that somebody wasn't reached."""
    missed = docmill("notify", at=told)
    assert missed.code == 1
    assert "✗ webhook http://127.0.0.1:" in missed.out
    file = told / "pipelines" / "ambiguous.yaml"
    before = file.read_text()
    with receiver() as hook:
        file.write_text(before.partition("notify:")[0] + notify(hook))
        answers = [docmill("notify", "run-0001", "--json", at=told) for _ in range(2)]
    assert [answer.code for answer in answers] == [0, 0]
    assert answers[0].json["deliveries"][0]["detail"] == "status 204"
    assert len({headers["webhook-id"] for headers, _ in hook.got}) == 1
    file.write_text(before.partition("notify:")[0])
    assert "Nobody is to hear" in docmill("notify", at=told).err


def test_a_run_is_handed_over_again(told: Path, docmill: Docmill) -> None:
    """The same file in the same place."""
    written = told / "out" / "run-0001" / "documents.csv"
    before = written.read_bytes()
    written.unlink()
    answer = docmill("results", at=told)
    assert (answer.code, written.read_bytes()) == (0, before)
    assert "✓ out/{run}: 1 row" in answer.out
