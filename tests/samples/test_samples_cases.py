"""The cases: tiny workspaces, each with what a run of its pipeline has to end with.

`expected.json` says per document only what the case is about: `status`, `code`, `values` by path,
`rows` by list, `verdicts` that must be among those given, `not_verified` for paths that mustn't be.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from docmill.records.checked import ValueStatus
from docmill.records.results import DocumentStatus, VerdictKind
from docmill.spec.load import load_workspace

ROOT = Path(__file__).parents[1] / "cases"
CASES = sorted(path.parent.name for path in ROOT.glob("*/expected.json"))
KEYS = {"status", "code", "values", "rows", "verdicts", "not_verified", "duplicate_of"}


def expected(case: str) -> dict[str, Any]:
    """What a case has to end with."""
    return json.loads((ROOT / case / "expected.json").read_text("utf-8"))


def test_documents_are_what_the_script_writes(tmp_path: Path) -> None:
    """No case depends on a document that nobody can make again."""
    subprocess.run([sys.executable, str(ROOT / "write_documents.py"), str(tmp_path)], check=True)
    written = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*.pdf")}
    assert written == {p.relative_to(ROOT): p.read_bytes() for p in ROOT.rglob("*.pdf")}


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_a_valid_workspace(case: str) -> None:
    """Nothing in a case is wrong but what it is about."""
    loaded = load_workspace(ROOT / case)
    assert loaded.problems == ()
    assert expected(case)["pipeline"] in loaded.workspace.pipelines


@pytest.mark.parametrize("case", CASES)
def test_every_document_of_a_case_is_expected(case: str) -> None:
    """A document without expectation would be read for nothing."""
    found = {path.name for path in (ROOT / case / "documents").iterdir()}
    assert set(expected(case)["documents"]) == found


@pytest.mark.parametrize("case", CASES)
def test_expectations_use_the_words_of_the_records(case: str) -> None:
    """A misspelt status would make a case that can't fail, or can't pass."""
    for entry in expected(case)["documents"].values():
        assert set(entry) <= KEYS
        assert entry.get("status", "ok") in get_args(DocumentStatus)
        for value in entry.get("values", {}).values():
            assert value["status"] in get_args(ValueStatus)
        for verdict in entry.get("verdicts", []):
            assert verdict["verdict"] in get_args(VerdictKind)
