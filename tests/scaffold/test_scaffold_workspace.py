"""`docmill init` writes the workspace that the repository itself is."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from docmill.errors import PrerequisiteError
from docmill.packaged import packaged_workspace
from docmill.scaffold import PARTS, make_workspace
from docmill.spec.load import load_workspace

ROOT = Path(__file__).parents[2]


def test_a_new_workspace_is_complete_and_without_mistakes(tmp_path: Path) -> None:
    """Every example pipeline is there with agent, environment, documents and standard."""
    pipelines = make_workspace(tmp_path / "demo")
    loaded = load_workspace(tmp_path / "demo")
    assert pipelines == sorted(loaded.workspace.pipelines)
    assert {"spec-check", "material-certificates", "invoices"} <= set(pipelines)
    assert loaded.problems == ()
    for pipeline in loaded.workspace.pipelines.values():
        assert any((loaded.root / pipeline.documents.path).iterdir())


def test_a_machine_without_limits_gets_a_workspace_that_runs_and_says_so(tmp_path: Path) -> None:
    """Where memory can't be limited for a sandbox as a whole, each environment has a line on it."""
    make_workspace(tmp_path / "strict")
    make_workspace(tmp_path / "lax", strict=False)
    for name, strict in (("strict", True), ("lax", False)):
        loaded = load_workspace(tmp_path / name)
        assert loaded.problems == ()
        limits = [each.docmill.limits for each in loaded.workspace.environments.values()]
        assert [each.strict for each in limits] == [strict] * len(limits)
        assert limits


def test_a_new_workspace_holds_no_code_and_no_state(tmp_path: Path) -> None:
    """What made the sample documents stays in the repository; runs and reports aren't copied."""
    make_workspace(tmp_path)
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert not [path for path in made if path.endswith(".py") or "__pycache__" in path]
    assert not [path for path in made if path.startswith(".docmill")]
    assert {path for path in made if path.startswith("reports/")} == {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "reports" / "templates").rglob("*")
    } | {"reports/templates"}


def test_every_schema_a_file_names_is_there(tmp_path: Path) -> None:
    """Editors find the JSON Schema that the first line of each YAML file points to."""
    make_workspace(tmp_path)
    for path in tmp_path.rglob("*.yaml"):
        first = path.read_text().partition("\n")[0]
        if "$schema=" in first:
            assert (path.parent / first.partition("$schema=")[2].strip()).is_file(), path


def test_runs_and_reports_are_ignored_by_git_templates_are_not(tmp_path: Path) -> None:
    """A workspace can be committed as it is."""
    make_workspace(tmp_path)
    lines = (tmp_path / ".gitignore").read_text().split()
    assert lines == [".docmill/", "reports/*", "!reports/templates/"]


@pytest.mark.parametrize("kind", ["file", "full folder"])
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    """A folder with something in it, or a file, is refused and left as it is."""
    target = tmp_path / "demo"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    with pytest.raises(PrerequisiteError, match="nothing was changed"):
        make_workspace(target)
    mine = target if kind == "file" else target / "mine.txt"
    assert mine.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The operator reads which folder and why, not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(PrerequisiteError, match=r"file/demo can't be written: Not a directory"):
        make_workspace(tmp_path / "file" / "demo")


def test_the_wheel_holds_what_a_workspace_is_made_of() -> None:
    """The list in `pyproject.toml` and the one `init` copies by are the same."""
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {part: f"docmill/_workspace/{part}" for part in PARTS}


def test_the_workspace_lies_in_the_package_or_in_the_checkout(tmp_path: Path) -> None:
    """A wheel has it beside the code; without any the installation is broken, and says so."""
    package = tmp_path / "site-packages" / "docmill"
    inside = package / "_workspace"
    for part in ("pipelines", "reports/templates"):
        (inside / part).mkdir(parents=True)
    assert packaged_workspace(package) == inside
    assert packaged_workspace() == ROOT
    (inside / "pipelines").rmdir()
    with pytest.raises(PrerequisiteError, match="report templates"):
        packaged_workspace(package)
