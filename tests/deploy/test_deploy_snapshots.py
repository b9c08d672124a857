"""A workspace as one file: what is in it, and what a worker makes of it."""

import os
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.conftest import configure

from docmill.errors import PrerequisiteError, SpecError
from docmill.flow import fetching, pulling, snapshots
from docmill.spec.load import load_workspace


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the worker keeps workspaces."""
    folder = tmp_path / "kept"
    monkeypatch.setenv(fetching.HOME, str(folder))
    return folder


def stored(workspace: Path, folder: Path) -> dict[str, Any]:
    """The workspace's snapshot in a folder; returns what the pull step is called with."""
    packed = snapshots.pack(load_workspace(workspace))
    address = snapshots.put(packed, folder.as_uri(), name="demo", options={})
    return {"address": address, "sha256": packed.sha256, "name": "demo"}


def path_of(step: dict[str, Any]) -> Path:
    """The stored file."""
    return Path(step["address"].removeprefix("file://"))


def test_a_snapshot_holds_the_specs_and_what_they_name(workspace: Path, name: str) -> None:
    """No state, no reports, no hidden files, nothing that no spec speaks of; `include` adds."""
    for extra in (".env", ".docmill/store.db", "reports/x/report.md", "notes.txt", "lib/units.py"):
        (workspace / extra).parent.mkdir(parents=True, exist_ok=True)
        (workspace / extra).write_text("x")
    (workspace / "models.py").write_text("x = 1\n")
    configure(workspace, include=["lib/**/*.py"])
    files = snapshots.pack(load_workspace(workspace)).files
    assert {"docmill.yaml", f"pipelines/{name}.yaml", "models.py", "lib/units.py"} <= set(files)
    assert any(file.startswith("sample_data/spec-check/documents/") for file in files)
    assert any(file.endswith((".xlsx", ".csv")) for file in files)
    assert "reports/templates/report.md.jinja" in files
    assert not {"notes.txt", ".env", ".docmill/store.db", "reports/x/report.md"} & set(files)


def test_the_same_files_are_the_same_snapshot(workspace: Path) -> None:
    """Whatever their dates; another byte is another one, beside the first."""
    first = snapshots.pack(load_workspace(workspace))
    os.utime(workspace / "docmill.yaml", (1, 1))
    assert snapshots.pack(load_workspace(workspace)).data == first.data
    (workspace / "docmill.yaml").write_text("state: .other\n")
    second = snapshots.pack(load_workspace(workspace))
    assert second.sha256 != first.sha256
    there = [snapshots.snapshot_address(each, "s3://b/x/", name="n") for each in (first, second)]
    assert there[0] != there[1]
    assert there[0].startswith("s3://b/x/n-")


def test_a_worker_unpacks_it_once_and_read_only(
    workspace: Path, tmp_path: Path, home: Path
) -> None:
    """State and reports are outside, the same for the next snapshot; the archive isn't needed
    twice."""
    step = stored(workspace, tmp_path / "store")
    folder = Path(fetching.fetch(**step)["directory"])
    assert (folder / "docmill.yaml").stat().st_mode & 0o222 == 0
    assert load_workspace(folder).problems == ()
    (folder / ".docmill" / "proof").write_text("kept")
    (workspace / "agent_specs" / "more.txt").write_text("changed")
    again = Path(fetching.fetch(**stored(workspace, tmp_path / "store"))["directory"])
    assert again != folder
    assert (again / ".docmill" / "proof").read_text() == "kept"
    path_of(step).unlink()
    assert fetching.fetch(**step)["directory"] == str(folder)
    assert (home / "demo" / "current" / "workspace" / "docmill.yaml").is_file()


def test_a_snapshot_that_was_changed_is_refused(
    workspace: Path, tmp_path: Path, home: Path
) -> None:
    """Both digests are named; nothing is unpacked."""
    step = stored(workspace, tmp_path / "store")
    with zipfile.ZipFile(path_of(step), "a") as archive:
        archive.writestr("pipelines/evil.yaml", "name: evil")
    with pytest.raises(PrerequisiteError, match=rf"sha256 is \w+, not {step['sha256']}"):
        fetching.fetch(**step)
    assert list(home.rglob("*.yaml")) == []


@pytest.mark.parametrize("change", ["altered", "added", "removed"])
def test_an_unpacked_workspace_that_was_changed_is_refused(
    workspace: Path, tmp_path: Path, home: Path, change: str
) -> None:
    """By whoever got at the worker's folder; the file is named."""
    step = stored(workspace, tmp_path / "store")
    folder = Path(fetching.fetch(**step)["directory"])
    for path in (folder, folder / "agent_specs", *(folder / "agent_specs").iterdir()):
        path.chmod(0o755)
    victim = next(iter(sorted((folder / "agent_specs").iterdir())))
    match change:
        case "altered":
            victim.write_text("model: evil")
        case "added":
            victim = folder / "agent_specs" / "evil.yaml"
            victim.write_text("model: evil")
        case _:
            victim.unlink()
    with pytest.raises(PrerequisiteError, match=f"{victim.name}|not whole"):
        fetching.fetch(**step)


@pytest.mark.parametrize("entry", ["../outside", "/tmp/outside", "a/../../outside"])
def test_no_entry_leaves_the_folder(tmp_path: Path, home: Path, entry: str) -> None:
    """Even if the digest is right."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, "x")
    packed = snapshots.Snapshot(buffer.getvalue(), (entry,))
    address = snapshots.put(packed, tmp_path.as_uri(), name="demo", options={})
    with pytest.raises(PrerequisiteError, match="not as it was deployed"):
        fetching.fetch(address=address, sha256=packed.sha256, name="demo")
    assert not (home / "outside").exists()
    assert not (home.parent / "outside").exists()


def test_a_snapshot_that_is_gone_says_what_to_do(
    workspace: Path, tmp_path: Path, home: Path
) -> None:
    """The address stands in the message."""
    step = stored(workspace, tmp_path / "store")
    path_of(step).unlink()
    with pytest.raises(PrerequisiteError, match="can't be fetched") as caught:
        fetching.fetch(**step)
    assert step["address"] in caught.value.message
    assert "docmill deploy" in caught.value.remedy


def test_a_workspace_full_of_documents_is_too_large(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest part is named: it belongs into a bucket."""
    monkeypatch.setattr(snapshots, "LARGEST", 10_000)
    with pytest.raises(SpecError, match="sample_data/spec-check") as caught:
        snapshots.pack(load_workspace(workspace))
    assert "documents.path" in str(caught.value)


def test_a_missing_folder_names_the_machine(tmp_path: Path) -> None:
    """A worker elsewhere doesn't have the path that was deployed from."""
    with pytest.raises(PrerequisiteError, match="not on this machine") as caught:
        fetching.enter(directory=str(tmp_path / "nowhere"))
    assert "deploy.workspace" in caught.value.remedy


def test_what_goes_wrong_on_the_way_is_told_by_the_flow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect's UI shows a flow's error, and not a pull step's."""
    monkeypatch.chdir(tmp_path)
    pulling.require_pulled(tmp_path)
    assert pulling.enter(directory=str(tmp_path / "nowhere")) == {"directory": str(tmp_path)}
    with pytest.raises(PrerequisiteError, match="nowhere is not on this machine"):
        pulling.require_pulled(tmp_path)
