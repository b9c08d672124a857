"""A run whose environment wants strict limits is refused before anything is opened or spent."""

from dataclasses import replace
from pathlib import Path

import pytest

from docmill.batch import start
from docmill.batch.observer import SilentObserver
from docmill.batch.state import open_state
from docmill.compile import compile_pipeline
from docmill.errors import PrerequisiteError
from docmill.sandboxes import open_backend
from docmill.sandboxes.base import Enforced
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.scaffold import make_workspace
from docmill.settings import load_settings
from docmill.spec.load import load_workspace


@pytest.mark.parametrize("strict", [True, False])
def test_a_run_without_limits_needs_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    """`strict: false` is that leave; without it no run is claimed."""
    make_workspace(tmp_path, strict=strict)
    backend = BubblewrapBackend(use_cgroups=False)
    probe = backend.probe()
    assert Enforced("cpus", "nothing", "", together=False) in probe.enforced
    assert probe.lack is not None

    def opened(name: str, **options: object) -> BubblewrapBackend:
        return backend

    monkeypatch.setattr(start, "open_backend", opened)
    loaded = load_workspace(tmp_path)
    compiled = compile_pipeline(loaded, "spec-check")
    with open_state(loaded) as state:
        settings = replace(load_settings({}), workspace=tmp_path)
        if not strict:
            job = start.prepare_job(loaded, compiled, settings, state, observer=SilentObserver())
            job.release()
            return
        with pytest.raises(PrerequisiteError, match="can't limit memory of a sandbox as a whole"):
            start.prepare_job(loaded, compiled, settings, state, observer=SilentObserver())
        assert state.runs.recent(limit=1) == []


def test_a_machine_with_limits_asks_for_nothing() -> None:
    """Where control groups can be made."""
    probe = open_backend("auto").probe()
    if probe.lack:
        pytest.skip("memory is limited per process only")
    assert all(entry.together for entry in probe.enforced)
