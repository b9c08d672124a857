"""Whole documents, read and checked in the sandbox: nothing wrong is ever verified."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from docmill.sandboxes.bubblewrap import BubblewrapBackend

ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "data"
EXAMPLES = ("spec-check", "material-certificates", "invoices")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not BubblewrapBackend().probe().available, reason="no sandbox on this machine"
    ),
]


def grade(*options: str) -> dict[str, dict[str, Any]]:
    """Figures of the accuracy benchmark by set."""
    command = [sys.executable, "-m", "benchmarks.accuracy", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_every_findable_value_of_the_examples_is_found_and_none_is_wrong() -> None:
    """Recall 100 % of what the ground truth calls findable; no value that isn't the document's."""
    figures = grade(*(option for name in EXAMPLES for option in ("--set", name)))
    for name in EXAMPLES:
        assert figures[name]["findable"] > 200, name
        assert figures[name]["recall"] == 1.0, name
        assert figures[name]["wrong"] == 0, name


@pytest.mark.skipif(not REAL.is_dir(), reason="the real documents aren't on this machine")
def test_no_wrong_value_of_a_real_document_is_verified() -> None:
    """Certificates are read to the last value; what a datasheet leaves open stays open."""
    figures = grade("--data", str(REAL))
    assert sum(each["wrong_verified"] for each in figures.values()) == 0
    assert figures["en10168"]["recall"] > 0.99
    assert figures["caravel_datasheet_2.pdf"]["recall"] > 0.85
