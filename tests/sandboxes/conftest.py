"""For tests of Docker sandboxes: a backend on a real engine, or the word why there is none."""

from collections.abc import Iterator

import pytest

from docmill.sandboxes.docker import DockerBackend
from docmill.sandboxes.docker.engine import Engine
from docmill.sandboxes.docker.owners import OWNER, labels


@pytest.fixture(scope="session")
def docker_probed() -> DockerBackend:
    """One for all, as its image is looked for once."""
    found = DockerBackend()
    probe = found.probe()
    if not probe.available:
        pytest.skip(f"no Docker sandbox on this machine: {probe.cause}")
    return found


@pytest.fixture
def engine(docker_probed: DockerBackend) -> Iterator[Engine]:
    """The engine by itself."""
    del docker_probed
    found = Engine()
    yield found
    found.close()


@pytest.fixture
def docker(docker_probed: DockerBackend, engine: Engine) -> Iterator[DockerBackend]:
    """The backend; no container of this process may be left after a test."""
    yield docker_probed
    left = engine.containers([f"{OWNER}={labels({})[OWNER]}"])
    assert not left, f"containers left behind: {left}"
