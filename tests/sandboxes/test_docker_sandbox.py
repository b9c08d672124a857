"""What only sandboxes by Docker have: an engine that may die or refuse, users, a door, a sweep."""

import asyncio
import signal
import socket
import sys
from dataclasses import replace

import pytest

from docmill.errors import PrerequisiteError, SandboxError
from docmill.sandboxes.base import PROXY_PORT, SandboxLimits, SandboxSpec
from docmill.sandboxes.claims import FIRST_UID
from docmill.sandboxes.docker import DockerBackend
from docmill.sandboxes.docker.engine import Engine
from docmill.sandboxes.docker.owners import OWNER

LIMITS = SandboxLimits(
    memory=1 << 28, cpus=0.5, pids=48, disk=1 << 25, seconds=50, output=20_000, strict=True
)
SPEC = SandboxSpec(LIMITS, labels={"run": "run-0042"})

RUNNER = """
import asyncio
from docmill.sandboxes.base import SandboxLimits, SandboxSpec
from docmill.sandboxes.docker import DockerBackend

async def main():
    limits = SandboxLimits(memory=1 << 28, cpus=1, pids=40, disk=1 << 24, seconds=60, output=9999)
    backend, spec = DockerBackend(), SandboxSpec(limits, labels={"run": "run-4711"})
    async with backend.ahead(spec, at_once=2, in_all=4), backend.open(spec) as sandbox:
        await sandbox.call("bash", {"command": "setsid sleep 76543 & disown"}, timeout=20)
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_the_user_inside_is_nobody_outside(docker: DockerBackend) -> None:
    """Another one in each sandbox, so that one who gets out is nobody, and no limit is shared."""
    async with docker.open(SPEC) as one, docker.open(SPEC) as other:
        found: set[int] = set()
        for sandbox in (one, other):
            told = await sandbox.call("bash", {"command": "id -u"}, timeout=20)
            found.add(int(told["output"]))
    assert len(found) == 2
    assert min(found) >= FIRST_UID


async def test_containers_carry_run_and_owner(docker: DockerBackend, engine: Engine) -> None:
    """So that people and sweeps know whose they are."""
    async with docker.open(SPEC):
        found = await asyncio.to_thread(engine.containers, ["docmill.run=run-0042"])
    assert [OWNER in one.labels for one in found] == [True]


async def test_half_a_processor_is_half_a_processor(docker: DockerBackend) -> None:
    """Read back as the kernel tells it."""
    async with docker.open(SPEC) as sandbox:
        assert {e.limit: e.value for e in sandbox.enforced}["cpus"] == "50000 / 100000"


async def test_a_sandbox_has_a_door_only_if_asked(docker: DockerBackend) -> None:
    """What connects inside to the proxy's port is accepted on the host; nothing else gets out."""
    async with docker.open(replace(SPEC, door=True)) as sandbox:
        loop = asyncio.get_running_loop()
        command = f"exec 3<>/dev/tcp/127.0.0.1/{PROXY_PORT}; echo hello >&3; cat <&3"
        asked = asyncio.create_task(sandbox.call("bash", {"command": command}, timeout=20))
        connection, _ = await asyncio.wait_for(loop.sock_accept(sandbox.door()), 20)
        with connection:
            assert await loop.sock_recv(connection, 100) == b"hello\n"
            await loop.sock_sendall(connection, b"world\n")
            connection.shutdown(socket.SHUT_RDWR)
            assert (await asked)["output"] == "world\n"
    async with docker.open(SPEC) as sandbox:
        told = await sandbox.call("bash", {"command": command}, timeout=20)
        assert "refused" in told["output"]
        with pytest.raises(ValueError, match="door"):
            sandbox.door()


async def test_a_removed_container_is_a_lost_sandbox(docker: DockerBackend, engine: Engine) -> None:
    """Whoever removes it, or the engine that died: the document may be tried again."""
    async with docker.open(SPEC) as sandbox:
        call = asyncio.create_task(sandbox.call("bash", {"command": "sleep 20"}, timeout=30))
        (found,) = await asyncio.to_thread(engine.containers, ["docmill.run=run-0042"])
        await asyncio.to_thread(engine.remove, found.id)
        with pytest.raises(SandboxError) as caught:
            await call
    assert (caught.value.code, caught.value.retryable) == ("sandbox_lost", True)


async def test_an_unknown_oci_runtime_is_a_prerequisite(docker: DockerBackend) -> None:
    """Never another one in its place."""
    with pytest.raises(PrerequisiteError, match="OCI runtime") as caught:
        async with docker.open(replace(SPEC, oci_runtime="no-such-runtime")):
            pass
    assert "daemon.json" in caught.value.remedy or "containers.conf" in caught.value.remedy


async def test_kill_9_ends_containers_and_a_sweep_removes_them(
    docker: DockerBackend, engine: Engine
) -> None:
    """The one in use and those started ahead; containers of the living aren't touched."""
    runner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUNNER, stdout=asyncio.subprocess.PIPE
    )
    assert runner.stdout
    assert await asyncio.wait_for(runner.stdout.readline(), 50) == b"ready\n"
    runner.send_signal(signal.SIGKILL)
    await runner.wait()

    def running() -> list[bool]:
        return [one.running for one in engine.containers(["docmill.run=run-4711"])]

    async with asyncio.timeout(20):
        while any(await asyncio.to_thread(running)):  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0.05)
    async with docker.open(SPEC) as sandbox:
        assert await asyncio.to_thread(docker.sweep) >= 1
        assert await asyncio.to_thread(running) == []
        await sandbox.call("ping", {}, timeout=10)
    assert await asyncio.to_thread(docker.sweep) == 0
