"""What is in a bundle, what never is, and what export says of a store that was changed."""

import json
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.bundles.conftest import KEPT, PIPELINE, Bundled, bundled, change_pipeline, made, run

from docmill.batch.state import open_state
from docmill.bundle.export import Wanted, export_run
from docmill.bundle.verify import verify_bundle
from docmill.cli import main
from docmill.errors import RunError
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.store.pruning import Age, Pruner
from docmill.store.schema import events
from docmill.store.seals import Seals

CANARY = "canary-2f9c41d07be3"


def called(
    *arguments: str, at: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """A command's exit code, and what it printed."""
    monkeypatch.chdir(at)
    monkeypatch.setattr(sys, "argv", ["docmill", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().out


def test_the_commands(
    first: Bundled,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`export` in the workspace, `verify` anywhere; the seal is one text that both print."""
    file = str(tmp_path / "run.zip")
    root = first.loaded.root
    code, out = called(
        "export", "-o", file, "--documents", "--json", at=root, monkeypatch=monkeypatch,
        capsys=capsys,
    )  # fmt: skip
    told = json.loads(out)
    assert (code, told["unchanged"]) == (0, True)
    with zipfile.ZipFile(file) as archive:
        assert sum(name.startswith("documents/") for name in archive.namelist()) == 4
    code, out = called(
        "verify", file, "--head", told["seal"], at=tmp_path, monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 0
    assert "none differs" in out
    assert told["seal"] in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.zip"]


def test_a_secret_is_never_handed_on(first: Bundled, tmp_path: Path) -> None:
    """If a document has spelt one out, there is no bundle; the error names part and variable."""
    words = "Prüfbericht"
    report = first.loaded.root / "reports" / PIPELINE / "run-0001"
    wanted = Wanted(report, secrets={"$API_KEY": words})
    with open_state(first.loaded) as state, pytest.raises(RunError, match=r"\$API_KEY stands in"):
        export_run(state, first.number, wanted, tmp_path / "run.zip")
    assert not list(tmp_path.iterdir())


def test_keys_of_the_environment_are_in_no_part(
    copy: LoadedWorkspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither a key, nor a password in an address, nor what docmill.yaml says of endpoints."""
    monkeypatch.setenv("SOME_API_KEY", CANARY)
    monkeypatch.setenv("SOME_URL", f"postgresql://me:{CANARY}@db.example/x")
    with (copy.root / "docmill.yaml").open("a") as file:
        file.write(f"endpoints:\n  local:\n    base_url: http://{CANARY}.example\n")
    path = tmp_path / "run.zip"
    code, _ = called(
        "export", "-o", str(path), at=copy.root, monkeypatch=monkeypatch, capsys=capsys
    )
    assert code == 0
    with zipfile.ZipFile(path) as archive:
        assert not any(CANARY.encode() in archive.read(name) for name in archive.namelist())


def test_a_store_that_was_changed_after_the_run(
    copy: LoadedWorkspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Export writes the bundle, names the journal, and ends with 1."""
    with open_state(copy) as state, state.engine.begin() as connection:
        first_event = connection.execute(events.select().limit(1)).one()
        connection.execute(
            update(events)
            .where(events.c.session == first_event.session, events.c.position == 2)
            .values(body='{"usd":"0"}')
        )
    code, out = called(
        "export", "-o", str(tmp_path / "run.zip"), "--json", at=copy.root,
        monkeypatch=monkeypatch, capsys=capsys,
    )  # fmt: skip
    told = json.loads(out)
    assert code == 1
    assert told["changed_journals"] == [first_event.session]
    assert told["head"] != told["seal"]


def test_a_run_whose_journals_were_pruned(
    copy: LoadedWorkspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Their seals stand for them: the run is what was sealed, but its records aren't derived."""
    later = Age(journals=datetime.now(UTC) + timedelta(days=1))
    with open_state(copy) as state:
        pruner = Pruner(state.engine, later)
        assert pruner.drop_journals(pruner.old_journals())
        state.blobs.prune(pruner.blobs(), min_age=-1)
        exported = bundled(copy, state, 1, tmp_path / "run.zip")
    assert exported.unchanged
    assert any("journals of 3 sessions" in each for each in exported.manifest.missing)
    found = verify_bundle(exported.path)
    assert found.ok
    assert any("3 documents whose journals were pruned" in each for each in found.unproven)
    code, out = called("show", "1", KEPT[0], at=copy.root, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0
    assert "events was pruned; its seal is" in out


def test_a_run_that_takes_over_finished_documents(copy: LoadedWorkspace, tmp_path: Path) -> None:
    """Its sessions are those of the earlier run, and so are their journals and seals."""
    with open_state(copy) as state:
        number = run(copy, state)
        exported = bundled(copy, state, number, tmp_path / "run.zip")
    assert exported.unchanged
    assert exported.found.journals == 3
    assert verify_bundle(exported.path).ok


def test_a_record_that_has_grown(copy: LoadedWorkspace, tmp_path: Path) -> None:
    """Fields taken over from an earlier session are derived from that one's journal."""

    def grow(pipeline: dict[str, object]) -> None:
        record: dict[str, dict[str, object]] = pipeline["record"]  # type: ignore[assignment]
        record["fields"]["remark"] = {"required": False, "aliases": ["Remark"]}

    change_pipeline(copy.root, grow)
    grown = load_workspace(copy.root)
    with open_state(grown) as state:
        number = run(grown, state)
        exported = bundled(grown, state, number, tmp_path / "run.zip")
    assert exported.found.journals == 6
    found = verify_bundle(exported.path)
    assert [check.differences for check in found.checks if check.differing] == []


def test_a_users_own_model_is_never_imported(tmp_path: Path) -> None:
    """It is code; verify says what it could not check without it."""
    folder = tmp_path / "demo"
    made(folder)
    trace = tmp_path / "imported"
    (folder / "own.py").write_text(
        "from pathlib import Path\nfrom pydantic import BaseModel\n"
        f"Path({str(trace)!r}).touch()\n"
        "class Report(BaseModel):\n    report_number: str\n"
    )
    change_pipeline(
        folder,
        lambda pipeline: (
            pipeline.update(record={"python": "own:Report"}),
            [pipeline.pop(key, None) for key in ("reference", "checks")],
        ),
    )
    loaded = load_workspace(folder)
    with open_state(loaded) as state:
        number = run(loaded, state)
        exported = bundled(loaded, state, number, tmp_path / "run.zip")
    trace.unlink()
    sys.modules.pop("own", None)
    found = verify_bundle(exported.path)
    assert found.ok
    assert any("never imported" in each for each in found.unproven)
    assert not trace.exists()


def test_a_run_that_was_killed_has_no_seal(copy: LoadedWorkspace) -> None:
    """A seal is made when a run ends, and made anew when it went on and ended again."""
    with open_state(copy) as state:
        seals = Seals(state.engine)
        assert seals.of_run(2) is None
        sealed = seals.of_run(1)
        assert sealed is not None
        assert sealed.head == seals.check(1).head == seals.seal(1)
