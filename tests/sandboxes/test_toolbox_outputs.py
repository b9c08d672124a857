"""Files left in /workspace/outputs: what is found there, and what an agent can't hand out."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from docmill.sandboxes.base import OUTPUTS, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend, BubblewrapSandbox

MIB = 1024 * 1024
SPEC = SandboxSpec(
    SandboxLimits(memory=256 * MIB, cpus=1, pids=32, disk=32 * MIB, seconds=60, output=MIB)
)


@pytest.fixture
async def sandbox() -> AsyncIterator[BubblewrapSandbox]:
    """A running sandbox."""
    async with BubblewrapBackend().open(SPEC) as opened:
        yield opened


async def left(sandbox: BubblewrapSandbox, command: str, **limits: int) -> dict[str, Any]:
    """What is found after a command in the folder; refusals as name → reason."""
    await sandbox.call("bash", {"command": f"cd {OUTPUTS}; {command}"}, timeout=20)
    wanted = {"files": 10, "bytes": MIB, "depth": 4, **limits}
    found = await sandbox.call("outputs", wanted, timeout=20)
    return {**found, "refused": dict(found["refused"])}


async def test_plain_files_are_found_in_all_folders(sandbox: BubblewrapSandbox) -> None:
    """The folder is there from the start; names are in order, whoever wrote first."""
    found = await left(sandbox, "mkdir -p b/c; echo 1 > z.csv; echo 22 > b/c/a.txt; mkdir empty")
    assert found["files"] == [["b/c/a.txt", 3], ["z.csv", 2]]
    assert found["refused"] == {}


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        ("ln -s /etc/passwd x", "a link"),
        ("ln -s /etc x", "a link"),
        ("ln -s / y; ln -s y/etc x", "a link"),
        ("mkfifo x", "a pipe"),
        ("python3 -c 'import socket; socket.socket(1).bind(\"x\")'", "a socket"),
        ("echo 1 > /workspace/kept; ln /workspace/kept x", "a file with several names"),
        ("head -c 2000000 /dev/zero > x", "more than 1048576 bytes together"),
        ("truncate -s 20M x", "more than 1048576 bytes together"),
    ],
)
async def test_nothing_else_is_found(sandbox: BubblewrapSandbox, make: str, reason: str) -> None:
    """Links of both kinds, pipes, sockets, files that are too large, sparse ones too."""
    found = await left(sandbox, make)
    assert found["files"] == []
    assert found["refused"]["x"] == reason


async def test_names_that_could_break_something_are_refused(sandbox: BubblewrapSandbox) -> None:
    """Control characters and bytes that are no text; what is told of them breaks no line."""
    found = await left(sandbox, r"""touch $'a\nb' $'a\e[2Jb' $'a\xffb' fine""")
    assert found["files"] == [["fine", 0]]
    assert set(found["refused"].values()) == {"a name that can't be printed"}


async def test_numbers_are_capped(sandbox: BubblewrapSandbox) -> None:
    """Files, folders in folders, and what is told of what was refused."""
    found = await left(sandbox, "for i in $(seq 100 199); do echo 1 > $i; done", files=3)
    assert [name for name, _ in found["files"]] == ["100", "101", "102"]
    assert set(found["refused"].values()) == {"more than 3 files"}
    assert len(found["refused"]) + found["more"] == 97
    deep = await left(sandbox, "rm *; mkdir -p a/b/c/d; touch a/b/c/x a/b/c/d/x")
    assert [name for name, _ in deep["files"]] == ["a/b/c/x"]
    assert deep["refused"] == {"a/b/c/d": "folders deeper than 4"}


async def test_a_folder_full_of_names_takes_no_longer(sandbox: BubblewrapSandbox) -> None:
    """Only so many are looked at."""
    make = "python3 -c 'for i in range(30000): open(str(i), \"w\").close()'"
    found = await left(sandbox, make, files=2)
    assert len(found["files"]) == 2
    assert found["more"] < 20_000


@pytest.mark.parametrize("make", ["ln -s /etc outputs", "touch outputs", "mkfifo outputs"])
async def test_the_folder_itself_is_no_way_out(sandbox: BubblewrapSandbox, make: str) -> None:
    """A link in its place leads nowhere."""
    found = await left(sandbox, f"cd ..; rmdir outputs; {make}")
    assert found["files"] == []
    assert list(found["refused"].values()) == ["outputs is no folder"]


async def test_without_the_folder_nothing_was_left(sandbox: BubblewrapSandbox) -> None:
    """Removing it is no mistake."""
    found = await left(sandbox, "cd ..; rmdir outputs")
    assert (found["files"], found["refused"]) == ([], {})
