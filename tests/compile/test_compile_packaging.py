"""Packages of an environment: every entry that isn't a name is a mistake with its place."""

from pathlib import Path

import pytest

from docmill.compile import check_workspace
from docmill.spec.load import load_workspace

LONG = """\
name: default
config:
  packages:
    pip:
      - pandas>=3
      - --index-url https://x.example
    apt: [jq, "jq=1.6"]
    npm:
      - left-pad@1.3.0
      - git+https://x.example/y
"""
SHORT = """\
name: default
packages:
  - pypdf
  - -e .
"""


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (LONG, ["6:9 config.packages.pip[1]", "7:15 config.packages.apt[1]",
                "10:9 config.packages.npm[1]"]),
        (SHORT, ["4:5 packages[1]"]),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line(tmp_path: Path, text: str, places: list[str]) -> None:
    """Also in the short form; all at once."""
    (tmp_path / "docmill.yaml").touch()
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "default.yaml").write_text(text)
    found = check_workspace(load_workspace(tmp_path))
    assert [str(problem).partition(" — ")[0].partition(":")[2] for problem in found] == places
    assert all(problem.remedy for problem in found)
