"""What is really installed in an environment is part of its documents' keys."""

from dataclasses import replace
from pathlib import Path

import pytest

from docmill.batch import equipment
from docmill.compile import compile_pipeline
from docmill.sandboxes.building import node
from docmill.sandboxes.building.layer import Contents, write_contents
from docmill.sandboxes.layers import LayerStore
from docmill.scaffold import make_workspace
from docmill.settings import load_settings
from docmill.spec.load import load_workspace

ENVIRONMENT = "name: default\nconfig: {packages: {npm: [left-pad]}}\n"


def test_packages_beside_docmill_change_nothing(tmp_path: Path) -> None:
    """The usual environment: nothing is built, the digest stays."""
    make_workspace(tmp_path)
    compiled = compile_pipeline(load_workspace(tmp_path), "spec-check")
    assert equipment.equipped(compiled, load_settings({})) is compiled


def test_another_version_is_another_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for is the same; what came is not. Looking builds nothing."""
    make_workspace(tmp_path / "workspace")
    (tmp_path / "workspace" / "sandbox" / "default.yaml").write_text(ENVIRONMENT)
    store = LayerStore(tmp_path / "cache")
    monkeypatch.setattr(equipment, "default_cache", lambda: store.folder)
    compiled = compile_pipeline(load_workspace(tmp_path / "workspace"), "spec-check")
    digests = {equipment.equipped(compiled, load_settings({}), build=False).session_digest}
    assert not store.folder.exists()
    layer = store.path(node.KIND, node.recipe_for(("left-pad",)))
    layer.mkdir(parents=True)
    for version in ("1.3.0", "1.3.1"):
        write_contents(layer, Contents("npm", ("left-pad",), {"left-pad": version}))
        made = equipment.equipped(compiled, load_settings({}), build=False)
        assert made.base_digest != compiled.base_digest
        digests_of_both = {name: getattr(made, name) for name in ("session_digest", "base_digest")}
        assert made == replace(compiled, **digests_of_both)
        digests.add(made.session_digest)
    assert len(digests | {compiled.session_digest}) == 4
