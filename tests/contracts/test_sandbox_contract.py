"""What every sandbox backend promises; run over each, bubblewrap with and without cgroups.

Commands inside are what a hostile document could make a model run.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from docmill.errors import SandboxError, ToolError
from docmill.sandboxes.base import Enforced, Sandbox, SandboxBackend, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.docker import DockerBackend

MIB = 1024 * 1024
LIMITS = SandboxLimits(
    memory=256 * MIB, cpus=1.0, pids=48, disk=32 * MIB, seconds=50, output=20_000
)


class LimitedSandbox(Sandbox, Protocol):
    """A sandbox that tells its limits."""

    @property
    def enforced(self) -> tuple[Enforced, ...]:
        """As read back."""
        ...


BACKENDS: dict[str, Callable[[], SandboxBackend]] = {
    "cgroups": BubblewrapBackend,
    "rlimits": lambda: BubblewrapBackend(use_cgroups=False),
    "docker": DockerBackend,
}
"""Each way a sandbox may be made on this machine."""


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request: pytest.FixtureRequest) -> SandboxBackend:
    """One of them, where it can be had."""
    found = BACKENDS[request.param]()
    probe = found.probe()
    if not probe.available:
        pytest.skip(f"no such sandbox on this machine: {probe.cause}")
    if request.param == "cgroups" and not any("cgroup" in e.by for e in probe.enforced):
        pytest.skip("no cgroup can be written here")
    return found


@pytest.fixture
async def sandbox(backend: SandboxBackend) -> AsyncIterator[LimitedSandbox]:
    """A fresh sandbox."""
    async with backend.open(SandboxSpec(LIMITS)) as opened:
        yield opened  # pyright: ignore[reportReturnType]


async def bash(sandbox: Sandbox, command: str, seconds: float = 20) -> dict[str, Any]:
    """Run a command inside."""
    arguments = {"command": command, "timeout_ms": int(seconds * 1000)}
    return await sandbox.call("bash", arguments, timeout=seconds + 5)


async def output(sandbox: Sandbox, command: str) -> str:
    """What a command prints."""
    return str((await bash(sandbox, command))["output"])


def processes(word: str) -> list[int]:
    """Processes of the machine with this word among their arguments."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and word.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


async def until(condition: Callable[[], object]) -> None:
    """Wait for something outside of this process to come true."""
    async with asyncio.timeout(15):
        while not condition():  # noqa: ASYNC110  # no event tells of other processes
            await asyncio.sleep(0.01)


async def test_host_files_are_out_of_reach(sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither this repository nor homes, passwords or temporary files can be read."""
    (tmp_path / "secret").write_text("hunter2")
    places = f"{tmp_path}/secret {__file__} /etc/shadow /home/* {Path.home()}/.bashrc /var/log /run"
    printed = await output(sandbox, f"cat {places}; ls /var /run /home")
    assert "hunter2" not in printed
    assert printed.count("No such file") + printed.count("Permission denied") >= 7


async def test_there_is_no_network(sandbox: Sandbox) -> None:
    """A server on this very machine can't be reached, and only the loopback device is there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        printed = await output(
            sandbox, f"cat < /dev/tcp/127.0.0.1/{port}; cat < /dev/tcp/1.1.1.1/53"
        )
    assert "refused" in printed
    assert "unreachable" in printed
    devices = await output(sandbox, "tail -n +3 /proc/net/dev | cut -d: -f1")
    assert devices.split() == ["lo"]


async def test_the_environment_stays_outside(
    sandbox: Sandbox, backend: SandboxBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in docmill's environment is in nobody's environment inside, process 1 included."""
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    async with backend.open(SandboxSpec(LIMITS)) as fresh:
        printed = await output(fresh, "env; cat /proc/*/environ | tr '\\0' '\\n'")
    assert "hunter2" not in printed
    assert "LANG=C.UTF-8" in printed


async def test_the_system_is_read_only(sandbox: Sandbox) -> None:
    """Only the workspace can be written."""
    places = "/ /usr /usr/bin /etc /dev /opt/docmill/toolbox /opt/docmill/packages /proc/sys/kernel"
    script = f"for d in {places}; do (echo x > $d/docmill-test) 2>/dev/null && echo wrote $d; done"
    assert await output(sandbox, script) == ""
    assert (
        await output(sandbox, "echo x > /workspace/a && echo x > /tmp/b && echo fine") == "fine\n"
    )


@pytest.mark.parametrize(
    "attempt",
    [
        "unshare -U true",
        "unshare -r -n true",
        "mount -t tmpfs none /workspace",
        "chroot /workspace /bin/true",
        "cat /proc/1/mem",
        "ls /proc/1/fd",
        "cat /proc/kcore",
        "dmesg",
    ],
)
async def test_privileges_are_refused(sandbox: Sandbox, attempt: str) -> None:
    """No new namespaces, no mounts, no look into process 1, no kernel logs."""
    assert (await bash(sandbox, f"{attempt} > /dev/null"))["exit_code"] != 0


SYSTEM_CALLS = """
import ctypes, errno, platform
libc = ctypes.CDLL(None, use_errno=True)
x86 = platform.machine() == "x86_64"
calls = {"ptrace": 101 if x86 else 117, "keyctl": 250 if x86 else 219, "bpf": 321 if x86 else 280,
    "userfaultfd": 323 if x86 else 282, "perf": 298 if x86 else 241, "io_uring": 425,
    "process_vm_writev": 311 if x86 else 271, "setns": 308 if x86 else 268}
for name, number in calls.items():
    result = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    print(name, result, errno.errorcode.get(ctypes.get_errno()))
for family in (16, 17, 38, 40):
    print("socket", libc.socket(family, 3, 0), errno.errorcode.get(ctypes.get_errno()))
print("clone3", libc.syscall(435, 0, 0), errno.errorcode.get(ctypes.get_errno()))
print("future", libc.syscall(900, 0, 0), errno.errorcode.get(ctypes.get_errno()))
"""


async def test_dangerous_system_calls_are_refused(sandbox: Sandbox) -> None:
    """The filter answers "not permitted", "no such family" and "not implemented"."""
    await sandbox.put("/workspace/calls.py", SYSTEM_CALLS.encode())
    lines = (await output(sandbox, "python3 calls.py")).splitlines()
    assert [line.split()[1:] for line in lines[:8]] == [["-1", "EPERM"]] * 8
    assert [line.split()[1:] for line in lines[8:12]] == [["-1", "EAFNOSUPPORT"]] * 4
    assert [line.split()[1:] for line in lines[12:]] == [["-1", "ENOSYS"]] * 2


async def test_a_fork_bomb_is_contained(sandbox: Sandbox) -> None:
    """Processes are counted: a bomb hits the limit, and the toolbox answers all the same."""
    await sandbox.put("/workspace/bomb4711", b"bash bomb4711 & bash bomb4711")
    await bash(sandbox, "bash bomb4711 > /dev/null 2>&1 &")
    await until(lambda: len(processes("bomb4711")) > LIMITS.pids // 2)
    assert (await sandbox.call("read", {"file_path": "/etc/passwd"}, timeout=10))["content"]
    assert len(processes("bomb4711")) <= LIMITS.pids


async def test_memory_of_one_process_is_contained(sandbox: Sandbox) -> None:
    """What takes too much memory dies; the toolbox doesn't."""
    result = await bash(sandbox, "python3 -c 'x = bytearray(900 << 20); print(len(x))'")
    assert result["exit_code"] != 0
    assert await output(sandbox, "echo alive") == "alive\n"


async def test_memory_of_all_processes_is_contained(sandbox: LimitedSandbox) -> None:
    """Where a cgroup counts, ten modest processes can't take together what one may not."""
    if all(e.by == "rlimit" for e in sandbox.enforced if e.limit == "memory"):
        pytest.skip("memory is limited per process only")
    await sandbox.put("/workspace/hog.py", b"x = bytearray(b'x') * (80 << 20); print('fits')")
    await sandbox.put("/workspace/hogs", b"for i in 1 2 3 4 5; do python3 -i hog.py & done; wait")
    printed = await output(sandbox, "mkfifo line; sleep 6 > line & bash hogs < line")
    assert "Killed" in printed
    assert await output(sandbox, "echo alive") == "alive\n"


async def test_disk_is_contained(sandbox: Sandbox) -> None:
    """A full disk is an error of the command, and of whoever puts a file."""
    printed = await output(sandbox, "head -c 100M /dev/zero > /workspace/big; ls -l /workspace/big")
    assert "No space left" in printed or "File size limit" in printed
    with pytest.raises(SandboxError) as caught:
        await sandbox.put("/workspace/more", bytes(4 * MIB))
    assert caught.value.code == "sandbox_disk"


async def test_an_endless_command_is_cut(sandbox: Sandbox) -> None:
    """A time-out ends the command and what it started; the next call gets a fresh shell."""
    result = await bash(sandbox, "sleep 4321 & while :; do :; done", seconds=1)
    assert "timed out after 1 s" in result["output"]
    assert await output(sandbox, "echo alive") == "alive\n"
    assert not processes("4321")


async def test_huge_output_is_cut_with_a_note(sandbox: Sandbox) -> None:
    """Output beyond the limit is counted, not kept."""
    printed = await output(sandbox, "head -c 5000000 /dev/zero | tr '\\0' x")
    assert len(printed) < LIMITS.output + 200
    assert "[cut: 5000000 bytes printed" in printed


async def test_a_session_has_an_end(backend: SandboxBackend) -> None:
    """When its wall time is over the sandbox is gone, and the call under way says why."""
    async with backend.open(SandboxSpec(replace(LIMITS, seconds=1))) as sandbox:
        with pytest.raises(SandboxError) as caught:
            await bash(sandbox, "sleep 20")
        assert caught.value.code == "sandbox_timeout"
        assert not caught.value.retryable
        with pytest.raises(SandboxError):
            await sandbox.get("/etc/hosts", max_bytes=1000)


async def test_nothing_outlives_a_session(backend: SandboxBackend) -> None:
    """Processes that detached themselves end with the sandbox."""
    async with backend.open(SandboxSpec(LIMITS)) as sandbox:
        await bash(sandbox, "setsid nohup sleep 54321 & disown; (setsid sleep 54321 &) ; true")
        await until(lambda: processes("54321"))
    assert not processes("54321")


async def test_the_toolbox_survives_what_commands_can_do(sandbox: Sandbox) -> None:
    """Process 1 can't be killed, nor can its answers be forged, from inside."""
    await bash(sandbox, "kill -9 1; kill -9 -1")
    assert await output(sandbox, "echo alive") == "alive\n"


async def test_a_killed_toolbox_is_a_lost_sandbox(backend: SandboxBackend) -> None:
    """If the sandbox dies the call fails with a code that says it may be tried again."""
    async with backend.open(SandboxSpec(replace(LIMITS, output=20_357))) as sandbox:
        call = asyncio.create_task(bash(sandbox, "sleep 15"))
        await until(lambda: processes("sleep\0" + "15"))
        for pid in processes("20357"):
            os.kill(pid, 9)
        with pytest.raises(SandboxError) as caught:
            await call
    assert caught.value.code == "sandbox_lost"
    assert caught.value.retryable


async def test_a_cancelled_call_ends_the_sandbox(backend: SandboxBackend) -> None:
    """Nobody would read its answer; nothing is left to run on."""
    async with backend.open(SandboxSpec(LIMITS)) as sandbox:
        call = asyncio.create_task(bash(sandbox, "sleep 65432"))
        await until(lambda: processes("65432"))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(SandboxError):
            await bash(sandbox, "true")
    assert not processes("65432")


async def test_files_go_in_and_out(sandbox: Sandbox) -> None:
    """Any bytes, in any folder, larger than a frame."""
    data = os.urandom(3 * MIB + 17)
    await sandbox.put("/workspace/deep/folder/file", data)
    assert await sandbox.get("/workspace/deep/folder/file", max_bytes=4 * MIB) == data
    with pytest.raises(ToolError, match="longer than"):
        await sandbox.get("/workspace/deep/folder/file", max_bytes=MIB)


@pytest.mark.parametrize("make", ["ln -s /etc/passwd x", "mkfifo x", "mkdir x", "ln a x", "true"])
async def test_only_plain_files_come_out(sandbox: Sandbox, make: str) -> None:
    """Links of both kinds, pipes, folders and missing files are refused."""
    await bash(sandbox, f"echo a > a; {make}")
    with pytest.raises(ToolError):
        await sandbox.get("/workspace/x", max_bytes=1000)


async def test_limits_are_read_back(sandbox: LimitedSandbox) -> None:
    """Every limit is listed once with the means that keeps it."""
    limits = {entry.limit: entry for entry in sandbox.enforced}
    assert sorted(limits) == ["cpus", "disk", "memory", "output", "pids", "seconds"]
    assert len(limits) == len(sandbox.enforced)
    assert limits["pids"].value == str(LIMITS.pids)
    assert int(limits["disk"].value) == LIMITS.disk
    assert limits["memory"].value.startswith(str(LIMITS.memory))


WAITS_FOR_GO = "echo waiting > began; until [ -e go ]; do sleep 0.01; done; echo gone"


async def test_other_tools_work_while_a_command_runs(sandbox: Sandbox) -> None:
    """Reading, searching and writing don't wait for the shell; each answer finds its caller."""
    running = asyncio.create_task(bash(sandbox, WAITS_FOR_GO))
    found, passwords, names = await asyncio.gather(
        sandbox.call("grep", {"pattern": "agent", "path": "/etc/passwd"}, timeout=10),
        sandbox.call("read", {"file_path": "/etc/passwd"}, timeout=10),
        sandbox.call("read", {"file_path": "/etc/nsswitch.conf"}, timeout=10),
    )
    assert found["content"].startswith("/etc/passwd:1:agent")
    assert passwords["content"].startswith("agent")
    assert names["content"].startswith("passwd: files")
    assert not running.done()
    await sandbox.call("write", {"file_path": "go", "content": ""}, timeout=10)
    assert (await running)["output"] == "gone\n"


async def test_commands_stay_in_order(sandbox: Sandbox) -> None:
    """They share one shell: the next begins when the last has ended, however many are asked for."""
    calls = [asyncio.create_task(bash(sandbox, WAITS_FOR_GO))]
    calls += [
        asyncio.create_task(bash(sandbox, f"X=${{X}}{number}; echo $X")) for number in range(9)
    ]
    for _ in range(20):
        await sandbox.call("write", {"file_path": "other", "content": ""}, timeout=10)
    assert not any(call.done() for call in calls)
    await sandbox.call("write", {"file_path": "go", "content": ""}, timeout=10)
    printed = [result["output"] for result in await asyncio.gather(*calls)]
    assert printed[1:] == [f"{'012345678'[: end + 1]}\n" for end in range(9)]


async def test_many_calls_at_once(sandbox: Sandbox) -> None:
    """More than may be under way at a time: the rest wait for their turn."""
    numbers = range(40)
    for number in numbers:
        await sandbox.put(f"/workspace/{number}.txt", f"part {number}".encode())
    searches = [
        sandbox.call("grep", {"pattern": f"part {number}$", "path": "."}, timeout=20)
        for number in numbers
    ]
    found = [result["content"] for result in await asyncio.gather(*searches)]
    assert found == [f"/workspace/{number}.txt:1:part {number}" for number in numbers]


async def test_a_time_out_leaves_other_calls_alone(sandbox: Sandbox) -> None:
    """A search that is cut is the search's error; a command goes on beside it."""
    await sandbox.put("/workspace/line", b"a" * 40 + b"!")
    running = asyncio.create_task(bash(sandbox, WAITS_FOR_GO))
    with pytest.raises(ToolError, match="too long"):
        await sandbox.call("grep", {"pattern": "(a+)+$"}, timeout=0.5)
    await sandbox.call("write", {"file_path": "go", "content": ""}, timeout=10)
    assert (await running)["exit_code"] == 0


async def test_a_chatty_background_job_blocks_nothing(sandbox: Sandbox) -> None:
    """A command has ended when it has ended, even if what it left behind prints for ever."""
    assert (await bash(sandbox, "yes & echo started"))["exit_code"] == 0
    assert (await bash(sandbox, "kill %1"))["exit_code"] == 0


async def test_a_program_is_spoken_to_in_lines(sandbox: Sandbox) -> None:
    """It runs until it is stopped, beside whatever else is called."""
    command = ["python3", "-c", "while True: print(input()[::-1], flush=True)"]
    await sandbox.call("pipe_start", {"name": "p", "command": command}, timeout=10)
    heard = asyncio.create_task(
        sandbox.call("pipe_receive", {"name": "p", "seconds": 20}, timeout=30)
    )
    await sandbox.call("pipe_send", {"name": "p", "line": "abc"}, timeout=10)
    assert await heard == {"lines": ["cba"], "ended": ""}
    await sandbox.call("pipe_stop", {"name": "p"}, timeout=10)
    with pytest.raises(ToolError, match="isn't running"):
        await sandbox.call("pipe_send", {"name": "p", "line": "abc"}, timeout=10)
