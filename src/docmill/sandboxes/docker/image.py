"""The image of an environment: built once per content, found again by its name and label.

Made of this machine's own files (`rootfs`), so no image registry is needed; on top of an image of
the user's where one is named. `engine` stores it.
"""

import fcntl
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from docmill.errors import PrerequisiteError
from docmill.sandboxes.docker import rootfs
from docmill.sandboxes.docker.engine import Engine, EngineError, Image
from docmill.sandboxes.layers import LayerStore, key_of
from docmill.sandboxes.runtime import Runtime

REPOSITORY = "docmill-sandbox"
KEY = "docmill.key"
"""Label with the hash of what the image was made of."""
_SYSTEM = "rootfs.tar"


def silent(text: str) -> None:
    """Tell nobody."""


def ensure(
    engine: Engine,
    store: LayerStore,
    runtime: Runtime,
    *,
    base: str = "",
    tell: Callable[[str], None] = silent,
) -> str:
    """The id of the image for a runtime; built if the engine doesn't have it.

    `base`: the image it is put on top of; empty: nothing. `tell` is given one sentence if there is
    something to be built. Two processes build it once.

    Raises:
        PrerequisiteError: no space, no such base, or the engine refuses.
    """
    name = base
    try:
        below = _base(engine, base)
        key = key_of((*rootfs.recipe(runtime), below))
        name = f"{REPOSITORY}:{key}"
        store.prepare()
        _mark(store, key).touch()
        found = find(engine, key)
        if found is not None:
            return found
        with _locked(store):
            found = find(engine, key)
            if found is None:
                tell(f"Building the sandbox's image {name}; the next run finds it.")
                _build(engine, store, runtime, base=below, key=key)
                found = find(engine, key)
    except (EngineError, OSError) as error:
        raise refusal(name, error) from error
    if found is None:
        raise refusal(name, EngineError("it was built, and the engine doesn't have it"))
    return found


def prune(engine: Engine, store: LayerStore, seconds: float) -> list[Image]:
    """Remove the images of docmill's that nobody used for so long; returns them.

    One that a container uses stays. They are built again when they are needed.

    Raises:
        EngineError: the engine doesn't tell which it has.
    """
    removed: list[Image] = []
    for found in engine.images(KEY):
        used = _used(store, found.labels[KEY])
        if max(used, found.created) > time.time() - seconds:
            continue
        if engine.is_used(found.id):  # asked to remove it, an engine would take its name away
            continue
        with suppress(EngineError):
            engine.remove_image(found.id)
            removed.append(found)
            _mark(store, found.labels[KEY]).unlink(missing_ok=True)
    return removed


def _mark(store: LayerStore, key: str) -> Path:
    """A file whose time says when the image was used last; engines don't tell."""
    return store.folder / f"image-{key}.used"


def _used(store: LayerStore, key: str) -> float:
    try:
        return _mark(store, key).stat().st_mtime
    except OSError:
        return 0.0


def find(engine: Engine, key: str) -> str | None:
    """The id of the image that says it was made of this; by its label, for Podman drops its tag."""
    found = engine.images(f"{KEY}={key}")
    return found[0].id if found else None


def _base(engine: Engine, name: str) -> str:
    """The hash of the base image, so that a base made anew makes a new image; empty for none."""
    if not name:
        return ""
    found = engine.image(name)
    if found is None:
        raise PrerequisiteError(
            f"The Docker Engine has no image {name}, which the environment names as `base_image`.",
            remedy=f"docker pull {name}, or make it: docker build -t {name} sandbox/",
        )
    return found.id


def _build(engine: Engine, store: LayerStore, runtime: Runtime, *, base: str, key: str) -> None:
    with tempfile.TemporaryFile(dir=store.folder) as file:
        rootfs.write(runtime, file)
        file.seek(0)
        if not base:
            engine.import_image(file, REPOSITORY, key, labels={KEY: key})
            return
        with tempfile.TemporaryFile(dir=store.folder) as context:
            _write_context(context, file, base)
            context.seek(0)
            engine.build_image(context, f"{REPOSITORY}:{key}", labels={KEY: key})


def _write_context(context: IO[bytes], system: IO[bytes], base: str) -> None:
    """What the engine builds from: a Dockerfile and the root file system."""
    recipe = f"FROM {base}\nADD {_SYSTEM} /\n".encode()
    with tarfile.open(fileobj=context, mode="w") as archive:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(recipe)
        archive.addfile(info, io.BytesIO(recipe))
        info = archive.gettarinfo(arcname=_SYSTEM, fileobj=system)
        archive.addfile(info, system)


@contextmanager
def _locked(store: LayerStore) -> Generator[None]:
    store.prepare()
    fd = os.open(store.folder / "image.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def refusal(name: str, error: EngineError | OSError) -> PrerequisiteError:
    """What kept the image from being built, and what mends it."""
    cause = str(error)
    if "no space" in cause.lower() or "No space" in cause:
        return PrerequisiteError(
            f"There is no space for the sandbox's image {name}: {cause[-300:]}",
            remedy="Make room: docker image prune",
        )
    return PrerequisiteError(
        f"The sandbox's image {name} can't be built: {cause[-300:]}",
        remedy="Look at the engine's log: journalctl -u docker",
    )
