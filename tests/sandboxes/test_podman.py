"""Sandboxes by Podman's service, which speaks Docker's API with an accent of its own."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError, SandboxError
from docmill.sandboxes.base import Sandbox, SandboxLimits, SandboxSpec
from docmill.sandboxes.docker import DockerBackend
from docmill.sandboxes.docker.engine import Engine

SPEC = SandboxSpec(
    SandboxLimits(
        memory=256 * 2**20, cpus=1, pids=64, disk=32 * 2**20, seconds=60, output=1_000_000
    ),
    labels={"run": "run-0077"},
)
READY_SECONDS = 30.0
UNLIMITED = ("tmpfs /dev ", "tmpfs /proc/", "tmpfs /sys/")
"""Of these the first belongs to root inside, the others hide what lies below them."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a service with storage of its own, ended with all it has started."""
    if not shutil.which("podman"):
        pytest.skip("podman is not installed")
    if os.getuid():
        pytest.skip("only root can start a Podman service of its own here")
    folder = Path(tempfile.mkdtemp(prefix="podman-"))  # it takes no long names
    options = ("--root", f"{folder}/root", "--runroot", f"{folder}/run")
    words = ("podman", *options, "--cgroup-manager=cgroupfs", "--events-backend=file")
    address = f"unix://{folder}/socket"
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (*words, "system", "service", "--time", "0", address), env=env, stdout=log, stderr=log
        )
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not (folder / "socket").exists():
                assert time.monotonic() < deadline, (folder / "log").read_text()
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            yield address
        finally:
            subprocess.run(
                (*words, "rm", "--all", "--force", "--time", "0"), env=env, check=False, stdout=log
            )
            process.terminate()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def podman(service: str) -> Iterator[DockerBackend]:
    """The backend as somebody has it who points DOCKER_HOST to Podman."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DOCKER_HOST", service)
        yield DockerBackend()


async def _bash(sandbox: Sandbox, command: str) -> str:
    return str(await sandbox.call("bash", {"command": command}, timeout=30))


def test_its_limits_are_in_force(podman: DockerBackend) -> None:
    """Read back from the kernel, as with Docker; nothing is lacking."""
    probe = podman.probe()
    assert probe.available, f"{probe.cause} {probe.remedy}"
    assert {one.limit for one in probe.enforced} >= {"memory", "pids", "cpus", "disk", "seconds"}
    assert probe.lack is None


async def test_tools_work_and_nothing_stays(podman: DockerBackend) -> None:
    """A command runs; afterwards the service knows of no container, however fast it was over."""
    async with podman.open(SPEC) as sandbox:
        told = await _bash(sandbox, "echo $((6*7)) > /tmp/x; cat /tmp/x")
        assert "42" in told
    engine = Engine()
    found = await asyncio.to_thread(engine.containers, ["docmill.run=run-0077"])
    engine.close()
    assert not found


async def test_no_place_to_write_is_without_a_limit(podman: DockerBackend) -> None:
    """Podman adds writable places to a read-only root; here they are small or closed."""
    async with podman.open(SPEC) as sandbox:
        told = await _bash(sandbox, "cat /proc/mounts")
        mounts = [line.split() for line in told.splitlines()]
        loose = [
            f"{kind} {place} {options}"
            for _, place, kind, options, *_ in mounts
            if kind == "tmpfs" and "rw" in options.split(",") and "size=" not in options
        ]
        assert not [one for one in loose if not one.startswith(UNLIMITED)], loose
        filled = await _bash(sandbox, "head -c 64M /dev/zero > /tmp/big || echo full")
        assert "full" in filled


async def test_a_document_too_large_for_memory_ends_its_sandbox_only(podman: DockerBackend) -> None:
    """The kernel ends it at its limit, and the backend goes on."""
    async with podman.open(SPEC) as sandbox:
        eat = "python3 -c 'x = bytearray(2**30)' ; echo code $?"
        with suppress(SandboxError):
            assert "code 0" not in await _bash(sandbox, eat)
    async with podman.open(SPEC) as sandbox:
        assert "alive" in await _bash(sandbox, "echo alive")


async def test_another_oci_runtime_is_refused(podman: DockerBackend) -> None:
    """Podman's service would pass over the name and take its own."""
    with pytest.raises(PrerequisiteError, match="one OCI runtime") as caught:
        async with podman.open(replace(SPEC, oci_runtime="runsc")):
            pass
    assert "containers.conf" in caught.value.remedy
