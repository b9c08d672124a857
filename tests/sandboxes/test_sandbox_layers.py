"""What lies in the cache of layers, and how it is removed when nobody uses it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from docmill.sandboxes.building.layer import Contents, read_contents, write_contents
from docmill.sandboxes.layers import LayerStore

DAY = 86_400.0


@pytest.fixture
def store() -> Iterator[LayerStore]:
    """A cache the sandbox's user can reach; pytest's own folders are closed to others."""
    with TemporaryDirectory(prefix="docmill-test-") as folder:
        Path(folder).chmod(0o755)
        yield LayerStore(Path(folder) / "cache")


def filled(folder: Path) -> None:
    """Ten bytes."""
    (folder / "file").write_text("0123456789")


def aged(layer: Path, days: float) -> Path:
    """A layer that was used so long ago."""
    moment = time.time() - days * DAY
    os.utime(layer, (moment, moment))
    return layer


def test_layers_are_listed_the_latest_used_first(store: LayerStore, tmp_path: Path) -> None:
    """With their size; the lock and unfinished ones aren't layers."""
    old = aged(store.layer("wheels", ["a"], filled), 9)
    new = aged(store.layer("apt", ["a"], filled), 1)
    (store.folder / "building-1").mkdir()
    assert [(layer.path, layer.size) for layer in store.layers()] == [(new, 10), (old, 10)]
    assert LayerStore(tmp_path / "nowhere").layers() == []


def test_what_nobody_uses_is_removed(store: LayerStore, tmp_path: Path) -> None:
    """Use is when a sandbox was made with it; it is built again when somebody asks."""
    stale = aged(store.layer("wheels", ["stale"], filled), 31)
    used = aged(store.layer("wheels", ["used"], filled), 31)
    assert store.layer("wheels", ["used"], filled) == used
    assert [layer.path for layer in store.prune(30 * DAY)] == [stale]
    assert used.is_dir()
    assert not stale.exists()
    assert store.layer("wheels", ["stale"], filled) == stale
    assert len(store.prune(0)) == 2
    assert LayerStore(tmp_path / "nowhere").prune(0) == []


def test_the_list_of_a_layer_is_read_back(tmp_path: Path) -> None:
    """A layer without one, or with a broken one, tells nothing."""
    contents = Contents("pip", ("a>=1",), {"b": "2", "a": "1.5"}, "3.12.1")
    write_contents(tmp_path, contents)
    assert read_contents(tmp_path) == contents
    (tmp_path / "docmill-layer.json").write_text("{}")
    assert read_contents(tmp_path) is None
    (tmp_path / "docmill-layer.json").unlink()
    assert read_contents(tmp_path) is None
