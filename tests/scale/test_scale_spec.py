"""What a pipeline may say about `scale`."""

from pathlib import Path

import pytest
from tests.scale.conftest import make_workspace

from docmill.cli.workspace import overridden
from docmill.compile import compile_pipeline
from docmill.errors import SpecError
from docmill.spec.load import load_workspace


def test_scale_may_be_a_number_and_changes_no_session(tmp_path: Path) -> None:
    """A run goes on with another number of shards, or none."""
    loaded = make_workspace(tmp_path, "http://127.0.0.1:9", reports=1)
    shared = compile_pipeline(loaded, "reports")
    spec = tmp_path / "pipelines" / "reports.yaml"
    spec.write_text(spec.read_text().replace("{shards: 3, lease_seconds: 3}", "5"))
    five = compile_pipeline(load_workspace(tmp_path), "reports")
    alone = compile_pipeline(overridden(loaded, "reports", ["scale.shards=0"]), "reports")
    assert (five.pipeline.scale.shards, alone.pipeline.scale.shards) == (5, 0)
    assert shared.spec_digest == five.spec_digest == alone.spec_digest


def test_message_batches_are_not_shared_out(tmp_path: Path) -> None:
    """The place and what to write instead are named."""
    loaded = make_workspace(tmp_path, "http://127.0.0.1:9", reports=1)
    with pytest.raises(SpecError, match=r"scale\.shards.*one process.*mode: live"):
        compile_pipeline(overridden(loaded, "reports", ["mode=batch"]), "reports")
