"""The image of an environment: built once per content, found again by its name and label.

Made of this machine's own files (`rootfs`), so no image registry is needed. `engine` stores it.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager

from docmill.errors import PrerequisiteError
from docmill.sandboxes.docker import rootfs
from docmill.sandboxes.docker.engine import Engine, EngineError
from docmill.sandboxes.layers import LayerStore, key_of
from docmill.sandboxes.runtime import Runtime

REPOSITORY = "docmill-sandbox"
KEY = "docmill.key"
"""Label with the hash of what the image was made of."""


def _silent(text: str) -> None:
    """Tell nobody."""


def ensure(
    engine: Engine, store: LayerStore, runtime: Runtime, *, tell: Callable[[str], None] = _silent
) -> str:
    """The name of the image for a runtime; built if the engine doesn't have it.

    `tell` is given one sentence if that is so. Two processes build it once.

    Raises:
        PrerequisiteError: no space, or the engine refuses.
    """
    key = key_of(rootfs.recipe(runtime))
    name = f"{REPOSITORY}:{key}"
    try:
        if is_there(engine, name, key):
            return name
        with _locked(store):
            if not is_there(engine, name, key):
                tell(f"Building the sandbox's image {name}; the next run finds it.")
                _build(engine, store, runtime, key)
    except (EngineError, OSError) as error:
        raise refusal(name, error) from error
    return name


def is_there(engine: Engine, name: str, key: str) -> bool:
    """Whether the engine has this image, made of what its key says."""
    labels = engine.image_labels(name)
    return labels is not None and labels.get(KEY) == key


def _build(engine: Engine, store: LayerStore, runtime: Runtime, key: str) -> None:
    with tempfile.TemporaryFile(dir=store.folder) as file:
        rootfs.write(runtime, file)
        file.seek(0)
        engine.import_image(file, REPOSITORY, key, labels={KEY: key})


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
