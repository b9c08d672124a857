"""Docker's sandboxes attacked by the list that bubblewrap's are attacked by."""

from pathlib import Path

import pytest
from tests.selfcheck.attacked import contains

from docmill.sandboxes.docker import DockerBackend
from docmill.sandboxes.selfcheck import ROOMS
from docmill.sandboxes.selfcheck.base import Room


@pytest.fixture(scope="module")
def backend() -> DockerBackend:
    """On the engine of this machine."""
    found = DockerBackend()
    probe = found.probe()
    if not probe.available:
        pytest.skip(f"no Docker sandbox on this machine: {probe.cause}")
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
async def test_docker_contains_every_attack(
    backend: DockerBackend, room: Room, tmp_path: Path
) -> None:
    """Each was proven to work without a sandbox first, where this machine lets it."""
    await contains(backend, room, tmp_path)
