"""`docmill sandbox build`, `list`, `prune`: environments ahead of their runs."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Docmill

pytestmark = pytest.mark.timeout(120)


def test_environments_are_built_and_started_once(docmill: "Docmill", bare: Path) -> None:
    """Nothing is downloaded for what lies beside docmill."""
    answer = docmill("sandbox", "build", at=bare)
    assert answer.code == 0
    assert "default" in answer.out
    assert "nothing: all is on this machine" in answer.out
    (told,) = docmill("sandbox", "build", "default", "--json", at=bare).json
    assert (told["environment"], told["downloaded"]) == ("default", {})


def test_only_environments_of_the_workspace_are_built(docmill: "Docmill", bare: Path) -> None:
    """Those there are get named; mistakes in one are told before anything is fetched."""
    answer = docmill("sandbox", "build", "defualt", at=bare)
    assert answer.code == 2
    assert "there is no sandbox/defualt.yaml — name one of: default" in answer.err
    (bare / "sandbox" / "default.yaml").write_text("name: default\npackages: [-e .]\n")
    answer = docmill("sandbox", "build", at=bare)
    assert answer.code == 2
    assert "sandbox/default.yaml:2:12 packages[0] — `-e .` is an option" in answer.err


def test_a_python_that_is_not_here_is_a_prerequisite(docmill: "Docmill", bare: Path) -> None:
    """With the command that brings it."""
    (bare / "sandbox" / "default.yaml").write_text("name: default\nruntime: python3.99\n")
    answer = docmill("sandbox", "build", at=bare)
    assert answer.code == 3
    assert "uv python install 3.99" in answer.err


def test_a_build_that_fails_says_what_was_asked_for(
    docmill: "Docmill", bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what came of it, with the command that shows which index is configured."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{place}/simple")
    (bare / "sandbox" / "default.yaml").write_text("name: default\npackages: [no-such-one-here]\n")
    answer = docmill("sandbox", "build", at=bare)
    assert answer.code == 3
    assert f"The package index can't be reached. Asked for: {place} failed" in answer.err
    assert "pip config list" in answer.err


def test_layers_are_listed_and_removed(docmill: "Docmill", bare: Path) -> None:
    """What every sandbox has is among them; what was used lately stays."""
    docmill("sandbox", "build", at=bare)
    listed = docmill("sandbox", "list", "--json", at=bare).json
    assert {entry["name"].partition("-")[0] for entry in listed} >= {"toolbox", "packages"}
    assert "layer" in docmill("sandbox", "list", at=bare).out
    removed = docmill("sandbox", "prune", "--older-than", "5000", "--json", at=bare).json
    assert removed == {"removed": [], "images": [], "bytes": 0}
    told = docmill("sandbox", "prune", "--older-than", "5000", at=bare).err
    assert "Removed 0 layers (0 B): 0 B came free." in told
