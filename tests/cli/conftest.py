"""The command line as a user has it: a workspace, a command, its exit code and both streams."""

import importlib
import json
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.buckets import bucket, s3_server

from docmill.cli import main
from docmill.flow import server
from docmill.flow.address import ServerSettings
from docmill.flow.launch import prefect_client
from docmill.scaffold import make_workspace

__all__ = ["bucket", "s3_server"]

KEPT = (
    "Pruefbericht_2023-0442.pdf",
    "Pruefbericht_2023-0442_Kopie.pdf",
    "TMI-57-0231.pdf",
    "ate_log_000322.pdf",
    "kps-2405-0118.pdf",
    "kps-2405-0119-protected.pdf",
    "norrvik-7790.pdf",
    "upload-0.pdf",
)
"""Ok and its copy, ok, ambiguous, out of tolerance, encrypted, a value missing, empty."""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)


Docmill = Callable[..., Answer]
"""`docmill("runs", "list", at=workspace)`"""


@pytest.fixture
def docmill(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Docmill:
    """Calls a command in this process."""

    def call(*arguments: str, at: Path) -> Answer:
        capfd.readouterr()
        code = called(*arguments, at=at, monkeypatch=monkeypatch)
        streams = capfd.readouterr()
        return Answer(code, streams.out, streams.err)

    return call


def called(*arguments: str, at: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Call a command in this process; returns its exit code."""
    with monkeypatch.context() as patch:
        patch.chdir(at)
        patch.setattr(sys, "argv", ["docmill", *arguments])
        for name in [name for name in os.environ if name.startswith(("DOCMILL_", "PREFECT_"))]:
            patch.delenv(name)
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


def trimmed(folder: Path, kept: tuple[str, ...] = KEPT) -> Path:
    """A new workspace whose pipeline `spec-check` has only these documents."""
    make_workspace(folder)
    for document in (folder / "sample_data" / "spec-check" / "documents").iterdir():
        if document.name not in kept:
            document.unlink()
    return folder


def expecting_nothing(root: Path) -> Path:
    """Take the expectations away: their library's import is half of what a small run costs."""
    file = root / "pipelines" / "spec-check.yaml"
    text, count = re.subn(r"(?ms)^expectations:\n.*?^(?=\w)", "", file.read_text())
    assert count == 1
    file.write_text(text)
    return root


def served(root: Path, prefect_folder: Path) -> Path:
    """Let a workspace use the server of all tests."""
    (root / ".docmill").mkdir()
    (root / ".docmill" / "prefect").symlink_to(prefect_folder)
    return root


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, prefect_folder: Path) -> Path:
    """A workspace with its Prefect server up."""
    root = served(trimmed(tmp_path_factory.mktemp("cli") / "demo"), prefect_folder)
    address = server.ensure(ServerSettings(folder=prefect_folder))
    with warnings.catch_warnings(), prefect_client(address):
        # Prefect and what it brings along warn at import; not ours to mend.
        warnings.simplefilter("ignore")
        importlib.import_module("docmill.flow.runner")
    return root


@pytest.fixture(scope="session")
def first_run(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """The workspace's first run, once for all tests that look at it."""
    folder = tmp_path_factory.mktemp("streams")
    out, err = folder / "out", folder / "err"
    with out.open("w") as first, err.open("w") as second, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", first)
        patch.setattr(sys, "stderr", second)
        code = called("run", "spec-check", at=workspace, monkeypatch=patch)
    return Answer(code, out.read_text(), err.read_text())


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A workspace of its own in which nothing has run."""
    return trimmed(tmp_path / "demo")


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is no workspace."""
    return tmp_path_factory.mktemp("nowhere")


def copied(workspace: Path, folder: Path) -> Path:
    """A workspace with the same files and server, and nothing run yet."""
    shutil.copytree(workspace, folder, ignore=shutil.ignore_patterns(".docmill", "reports"))
    return served(folder, (workspace / ".docmill" / "prefect").resolve())
