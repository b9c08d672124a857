"""What docs/quantities.md shows is what happens."""

import doctest
import re
from pathlib import Path

import pytest

from docmill.quantities import parse_quantity

PAGE = Path(__file__).parents[2] / "docs" / "quantities.md"


def test_the_session_in_the_page() -> None:
    """The Python session runs as printed."""
    assert doctest.testfile(str(PAGE), module_relative=False).failed == 0


@pytest.mark.parametrize("kind", ["exact", "approximate", "bounded", "interval", "toleranced"])
def test_the_examples_in_the_table(kind: str) -> None:
    """Every example is of the kind its row says."""
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {kind} |"))
    for example in re.findall(r"`([^`]+)`", row):
        parsed = parse_quantity(example)
        assert parsed.kind == ("exact" if kind == "approximate" else kind), example
        assert (parsed.qualifier == "~") == (kind == "approximate"), example
