"""A workspace that grows."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

from growing import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with one report."""
    workspace = Workspace(tmp_path)
    yield workspace
    workspace.close()
