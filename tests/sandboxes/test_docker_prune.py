"""Images of sandboxes that nobody uses any more."""

import io
import os
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from docmill.sandboxes.docker import image
from docmill.sandboxes.docker.engine import Engine
from docmill.sandboxes.layers import LayerStore

DAY = 86_400.0


@pytest.fixture
def unused(engine: Engine) -> Iterator[str]:
    """The key of an image that says it is docmill's, made just now."""
    key = f"test{uuid4().hex[:16]}"
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("usr/share/greeting")
        info.size = 1000
        archive.addfile(info, io.BytesIO(b"x" * 1000))
    file.seek(0)
    engine.import_image(file, "docmill-test", key, labels={image.KEY: key})
    yield key
    left = image.find(engine, key)
    if left is not None:
        engine.remove_image(left)


class Only(Engine):
    """The engine, as if it had one image of docmill's: others' tests use the rest."""

    key = ""

    def images(self, label: str) -> tuple[image.Image, ...]:
        """That one."""
        del label
        return super().images(f"{image.KEY}={self.key}")


@pytest.fixture
def only(unused: str) -> Iterator[Engine]:
    """The engine with the unused image."""
    found = Only()
    found.key = unused
    yield found
    found.close()


def test_an_image_is_removed_when_nobody_used_it_for_long(
    only: Engine, unused: str, tmp_path: Path
) -> None:
    """It tells its size; one made lately, or used lately, stays."""
    store = LayerStore(tmp_path)
    assert image.prune(only, store, DAY) == []
    mark = tmp_path / f"image-{unused}.used"
    mark.touch()
    os.utime(mark, (time.time() + DAY, time.time() + DAY))
    assert image.prune(only, store, 0) == []
    mark.unlink()
    (removed,) = image.prune(only, store, -1)
    assert removed.size >= 1000
    assert image.find(only, unused) is None


def test_an_image_that_a_container_uses_stays(only: Engine, unused: str, tmp_path: Path) -> None:
    """Whatever its age."""
    found = image.find(only, unused)
    container = only.create({"Image": found, "Cmd": ["/none"]}, f"docmill-{unused}")
    try:
        assert image.prune(only, LayerStore(tmp_path), -1) == []
    finally:
        only.remove(container)
    assert image.find(only, unused) == found
