"""The door of a bubblewrap sandbox: the one socket that leads out, and nothing beside it."""

import asyncio
import socket
from pathlib import Path

import pytest

from docmill.errors import SandboxError
from docmill.sandboxes.base import SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend, BubblewrapSandbox
from docmill.sandboxes.doors import receive_door

MIB = 1024 * 1024
LIMITS = SandboxLimits(memory=256 * MIB, cpus=1.0, pids=48, disk=32 * MIB, seconds=50, output=9_000)


async def bash(sandbox: BubblewrapSandbox, command: str) -> str:
    """What a command inside prints."""
    return str((await sandbox.call("bash", {"command": command}, timeout=20))["output"])


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_connection_inside_arrives_at_the_door() -> None:
    """Bytes go both ways; the other end is on the host."""
    loop = asyncio.get_running_loop()

    async def answer(door: socket.socket) -> bytes:
        connection, _ = await loop.sock_accept(door)
        with connection:
            said = await loop.sock_recv(connection, 100)
            await loop.sock_sendall(connection, b"from the host\n")
        return said

    async with BubblewrapBackend().open(SandboxSpec(LIMITS, door=True)) as sandbox:
        answering = asyncio.create_task(answer(sandbox.door()))
        printed = await bash(sandbox, "exec 3<>/dev/tcp/127.0.0.1/3128; echo hello >&3; cat <&3")
        assert await answering == b"hello\n"
    assert printed == "from the host\n"


async def test_the_door_is_the_only_way_out() -> None:
    """Inside there is still no device but loopback, no route, and no server of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        async with BubblewrapBackend().open(SandboxSpec(LIMITS, door=True)) as sandbox:
            places = f"127.0.0.1/{port} 1.1.1.1/443 169.254.169.254/80"
            tried = await bash(sandbox, f"for p in {places}; do (: </dev/tcp/$p); done 2>&1")
            devices = await bash(sandbox, "tail -n +3 /proc/net/dev | cut -d: -f1")
            routes = await bash(sandbox, "tail -n +2 /proc/net/route; cat /proc/net/ipv6_route")
    assert tried.count("Connection refused") == 2
    assert tried.count("Network is unreachable") == 4
    assert devices.split() == ["lo"]
    assert all(line.endswith(" lo") for line in routes.splitlines()), routes


async def test_nobody_inside_can_take_the_door_over() -> None:
    """The port stays taken: a program can't stand in for the broker before other programs."""
    listen = "import socket; socket.create_server(('127.0.0.1', 3128), reuse_port=True)"
    async with BubblewrapBackend().open(SandboxSpec(LIMITS, door=True)) as sandbox:
        printed = await bash(sandbox, f'python3 -c "{listen}"')
    assert "Address already in use" in printed


async def test_programs_are_told_of_the_door_where_there_is_one() -> None:
    """By the usual variables; a sandbox without a door has neither them nor the port."""
    async with BubblewrapBackend().open(SandboxSpec(LIMITS, door=True)) as sandbox:
        told = await bash(sandbox, "echo $https_proxy $SSL_CERT_FILE")
    async with BubblewrapBackend().open(SandboxSpec(LIMITS)) as sandbox:
        untold = await bash(sandbox, "env; : < /dev/tcp/127.0.0.1/3128")
        with pytest.raises(ValueError, match="without a door"):
            sandbox.door()
    assert told == "http://127.0.0.1:3128 /workspace/.egress/certificates.pem\n"
    assert "proxy" not in untold.lower()
    assert "refused" in untold


async def test_so_are_the_agents_own_servers() -> None:
    """Programs that run beside the shell, as MCP servers do; what they are given has precedence."""
    async with BubblewrapBackend().open(SandboxSpec(LIMITS, door=True)) as sandbox:
        start = {"name": "p", "command": ["env"], "env": {"no_proxy": "*"}}
        await sandbox.call("pipe_start", start, timeout=10)
        lines: list[str] = []
        async with asyncio.timeout(10):
            while "no_proxy=*" not in lines or "https_proxy=http://127.0.0.1:3128" not in lines:
                told = await sandbox.call("pipe_receive", {"name": "p", "seconds": 5}, timeout=10)
                assert not told["ended"], lines
                lines += told["lines"]


async def test_the_door_is_closed_with_its_sandbox() -> None:
    """Nothing of the network namespace is left."""
    async with BubblewrapBackend().open(SandboxSpec(LIMITS, door=True)) as sandbox:
        door = sandbox.door()
        assert door.fileno() >= 0
    assert door.fileno() == -1


@pytest.mark.parametrize("passed", ["nothing", "a file", "silence"])
async def test_whatever_else_comes_is_no_door(passed: str, tmp_path: Path) -> None:
    """A toolbox that dies, sends something else or says nothing gives no sandbox."""
    ours, theirs = socket.socketpair()
    with ours, theirs, (tmp_path / "file").open("w") as file:
        if passed == "a file":
            socket.send_fds(theirs, [b"D"], [file.fileno()])
        elif passed == "nothing":
            theirs.close()
        before = open_files()
        with pytest.raises(SandboxError, match="door"):
            await receive_door(ours, 0.05)
        assert open_files() == before
