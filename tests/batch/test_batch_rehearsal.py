"""What a run has behind it before its documents are known."""

from pathlib import Path

import pytest

from docmill.batch.rehearsal import rehearsed
from docmill.batch.state import open_state
from docmill.errors import SpecError
from docmill.scaffold import make_workspace
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedWorkspace:
    """A workspace whose pipeline has no documents yet."""
    make_workspace(tmp_path)
    for document in (tmp_path / "sample_data/spec-check/documents").iterdir():
        document.unlink()
    return load_workspace(tmp_path)


def test_a_rehearsal_starts_what_takes_longest_and_claims_nothing(loaded: LoadedWorkspace) -> None:
    """Great Expectations waits for the run's table as long as the rehearsal lasts."""
    with rehearsed(loaded, "spec-check", load_settings({})) as library:
        assert library is not None
        assert Path(f"/proc/{library.pid}").exists()
    assert not Path(f"/proc/{library.pid}").exists()
    with open_state(loaded) as state:
        assert state.runs.recent() == []


def test_what_a_run_would_be_refused_for_is_told_ahead(loaded: LoadedWorkspace) -> None:
    """Whatever was started until then has ended."""
    (loaded.root / "agent_specs/spec-reader.yaml").unlink()
    again = load_workspace(loaded.root)
    with pytest.raises(SpecError), rehearsed(again, "spec-check", load_settings({})):
        pass
