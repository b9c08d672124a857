"""Retention over a whole workspace: what goes, who says so, and what is proven still."""

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.bundles.conftest import KEPT, PIPELINE, bundled

from docmill.batch.retention import Housekeeping, keep_house
from docmill.batch.state import State, open_state
from docmill.bundle.verify import verify_bundle
from docmill.cli import main
from docmill.errors import EXIT_SPEC
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.spec.workspace import Retention

FLAGGED = KEPT[1]
LATER = datetime.now(UTC) + timedelta(days=2)


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The answer to `--json`."""
        return json.loads(self.out)


Docmill = Callable[..., Said]


@pytest.fixture
def docmill(
    copy: LoadedWorkspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Docmill:
    """Runs a command in the workspace, in this process."""
    monkeypatch.chdir(copy.root)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["docmill", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


def pruned(loaded: LoadedWorkspace, state: State, **rules: Any) -> Any:
    """What goes by these rules two days after the run; blobs are old enough to be nobody's."""
    old = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    for path in (loaded.state_folder / "blobs").glob("??/??/*"):
        os.utime(path, (old, old))
    return Housekeeping(loaded, state, Retention(**rules), now=LATER).carry_out()


def tree(folder: Path) -> dict[str, int]:
    """Files with their sizes."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("store.db")
    }


def test_without_a_policy_nothing_has_an_age(docmill: Docmill, copy: LoadedWorkspace) -> None:
    """The command says how to give one; a dry run and a real one find the same: nothing."""
    before = tree(copy.root)
    dry, real = docmill("runs", "prune", "--dry-run"), docmill("runs", "prune")
    assert (dry.code, real.code) == (0, 0)
    assert "Nothing has an age limit" in dry.err
    assert "0" in real.out
    assert tree(copy.root) == before


def test_a_dry_run_says_what_goes_and_how_much(docmill: Docmill, copy: LoadedWorkspace) -> None:
    """And touches nothing; the run itself finds the same."""
    before = tree(copy.root)
    ages = ("--journals", "0", "--pictures", "0")
    dry = docmill("runs", "prune", *ages, "--dry-run", "--json").data
    assert tree(copy.root) == before
    real = docmill("runs", "prune", *ages, "--json").data
    assert dry | {"dry_run": False} == real
    assert (real["runs"], real["journals"], real["reports"]) == ([], 3, 1)
    assert min(real["journal_bytes"], real["report_bytes"]) > 10_000
    again = docmill("runs", "prune", *ages)
    assert "journals" in again.out
    assert docmill("runs", "prune", *ages, "--json").data["bytes"] == 0


def test_a_run_that_is_kept_is_spared_until_it_is_released(docmill: Docmill) -> None:
    """`docmill runs keep`; a run that there isn't can't be kept."""
    ages = ("--journals", "0", "--pictures", "0", "--json")
    assert docmill("runs", "keep", "1", "--reason", "audit", "--json").data["kept"] is True
    assert "run-0001 is kept" in docmill("runs", "keep", "1", "--reason", "audit").out
    dry = docmill("runs", "prune", *ages, "--dry-run").data
    assert (dry["journals"], dry["reports"], dry["kept"]) == (0, 0, {"run-0001": "audit"})
    assert "run-0001 (audit)" in docmill("runs", "prune").err
    assert "kept no longer" in docmill("runs", "release", "1").out
    assert docmill("runs", "release", "1", "--json").data["was_kept"] is False
    assert docmill("runs", "prune", *ages, "--dry-run").data["journals"] == 3
    assert docmill("runs", "keep", "77").code != 0


def test_a_number_that_is_none(docmill: Docmill) -> None:
    """Refused like any other mistake, by its name."""
    said = docmill("runs", "prune", "--days", "-1")
    assert said.code == EXIT_SPEC
    assert "days" in said.err


def test_what_was_pruned_is_said_wherever_it_is_missed(
    docmill: Docmill, copy: LoadedWorkspace, tmp_path: Path
) -> None:
    """`show`, `report`, `export`, `verify`; the report is the one that would be written now."""
    page = copy.reports_folder(PIPELINE) / "run-0001" / "report.html"
    with open_state(copy) as state:
        whole = page.read_bytes()
        gone = pruned(copy, state, journal_days=0, picture_days=0)
        assert gone.blobs.blobs > 3
        stripped = page.read_bytes()
        exported = bundled(copy, state, 1, tmp_path / "run.zip")
    assert b'id="p-' in whole
    assert b'id="p-' not in stripped
    shown = docmill("show", "1", FLAGGED)
    assert "events was pruned; its seal is" in shown.out
    pages = docmill("show", "1", FLAGGED, "--json").data["pictures_pruned"]
    assert pages
    assert f"Pictures of pages that were pruned: {', '.join(map(str, pages))}" in shown.out
    written = docmill("report", "1")
    assert "The pictures of" in written.err
    assert "The journals of 3 sessions were pruned" in written.err
    assert page.read_bytes() == stripped
    assert docmill("report", "1", "--json").data["pruned"]["journals"] == 3
    assert exported.unchanged
    assert len(exported.manifest.missing) == 2
    found = verify_bundle(exported.path)
    assert [check.differences for check in found.checks if check.differing] == []
    assert set(exported.manifest.missing) <= set(found.unproven)


def test_a_run_that_is_forgotten_leaves_no_report(docmill: Docmill, copy: LoadedWorkspace) -> None:
    """Its charges and records stay: the newest run takes its documents over for nothing."""
    assert docmill("runs", "prune", "--days", "0", "--json").data["runs"] == []
    with open_state(copy) as state, state.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO runs SELECT 2, pipeline, status, spec_digest, info, owner FROM runs"
        )
    answer = copy.state_folder / "prefect" / "storage" / "0a1b"
    answer.parent.mkdir(parents=True)
    answer.write_text("{}")
    gone = docmill("runs", "prune", "--days", "0", "--newest", "1", "--json").data
    assert (gone["cache_files"], gone["cache_bytes"], answer.exists()) == (1, 2, False)
    assert gone["runs"] == ["run-0001"]
    assert gone["run_bytes"] > 10_000
    reports = copy.reports_folder(PIPELINE)
    assert not (reports / "run-0001").exists()
    assert not (reports / "latest").is_symlink()
    assert docmill("runs", "show", "1").code != 0


def test_after_a_run_it_happens_once_a_day_if_it_is_wanted(copy: LoadedWorkspace) -> None:
    """Without `after_runs` a policy is carried out by the command alone."""
    told: list[str] = []
    with (copy.root / "docmill.yaml").open("a") as file:
        file.write("\nretention: {journal_days: 0}\n")
    with open_state(copy) as state:
        keep_house(load_workspace(copy.root), state, told.append)
        assert told == []
        text = (copy.root / "docmill.yaml").read_text()
        wanted = text.replace("journal_days: 0", "journal_days: 0, after_runs: true")
        (copy.root / "docmill.yaml").write_text(wanted)
        loaded = load_workspace(copy.root)
        keep_house(loaded, state, told.append)
        keep_house(loaded, state, told.append)
        assert len(told) == 1
        assert "removed" in told[0]
        assert not Housekeeping(loaded, state, Retention()).due()
        assert Housekeeping(loaded, state, Retention(), now=LATER).due()


def test_what_keeps_it_from_happening_is_told_and_stops_nobody(copy: LoadedWorkspace) -> None:
    """The run has ended; the command says it again, and can be tried again."""
    told: list[str] = []
    with (copy.root / "docmill.yaml").open("a") as file:
        file.write("\nretention: {journal_days: 0, after_runs: true}\n")
    in_the_way = copy.state_folder / "blobs" / "00" / "00" / ("0" * 64)
    in_the_way.mkdir(parents=True)
    os.utime(in_the_way, (0, 0))
    with open_state(copy) as state:
        keep_house(load_workspace(copy.root), state, told.append)
    assert len(told) == 1
    assert told[0].startswith("`retention` could not be carried out: ")
    assert told[0].endswith("Try: docmill runs prune")
