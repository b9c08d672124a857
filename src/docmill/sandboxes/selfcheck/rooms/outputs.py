"""Attacks on the host's hand that takes files out and puts files in."""

import asyncio
import time
from collections.abc import Callable

from docmill.errors import SandboxError, ToolError
from docmill.sandboxes.base import Sandbox
from docmill.sandboxes.selfcheck.bait import Bait
from docmill.sandboxes.selfcheck.base import MIB, Attack, Outcome, Room, Stage
from docmill.sandboxes.selfcheck.scripting import run_outside, staged

_MOST = MIB
_PATIENCE = 6.0
"""Seconds a file may keep its reader."""

Look = Callable[[bytes, Bait], str]
"""From what was read out to what is wrong with it; empty if nothing is."""


def _secret(data: bytes, bait: Bait) -> str:
    return "the host's secret came out" if bait.secret.encode() in data else ""


def _anything(data: bytes, _: Bait) -> str:
    return f"{len(data)} bytes came out"


def _too_much(data: bytes, _: Bait) -> str:
    return f"{len(data)} bytes came out" if len(data) > _MOST else ""


def _passwords(data: bytes, _: Bait) -> str:
    return "another file came out" if b":x:" in data else ""


def _taken(
    name: str, *, tries: str, make: str, path: str, look: Look, control: str, gives: str
) -> Attack:
    """The host takes out a file that a command has made; `control` takes it carelessly."""

    async def inside(stage: Stage) -> Outcome:
        async with stage.open() as sandbox:
            await _run(sandbox, make, stage.bait)
            return await _take(sandbox, path.format(bait=stage.bait.folder), look, stage.bait)

    return staged(
        name,
        tries=tries,
        inside=inside,
        outside=lambda bait: run_outside(bait, f"{_MADE}\nmake({make!r})\n{control}"),
        held_by="folders are walked without following links; plain files with one name, to a size",
        gives=gives,
    )


async def _run(sandbox: Sandbox, command: str, bait: Bait) -> None:
    filled = command.replace("BAIT", str(bait.folder))
    await sandbox.call("bash", {"command": f"cd /workspace\n{filled}"}, timeout=10)


async def _take(sandbox: Sandbox, path: str, look: Look, bait: Bait) -> Outcome:
    began = time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE):
            data = await sandbox.get(path, max_bytes=_MOST)
    except ToolError as error:
        return Outcome(False, error.message)
    except SandboxError as error:
        return Outcome(True, f"it cost the session: {error.code}")
    except TimeoutError:
        return Outcome(True, f"it kept its reader for {time.monotonic() - began:.0f} s")
    wrong = look(data, bait)
    return Outcome(bool(wrong), wrong or f"{len(data)} harmless bytes")


_MADE = """
import signal, subprocess, tempfile
os.chdir(tempfile.mkdtemp(dir=BAIT["folder"]))

def make(command):
    command = command.replace("BAIT", BAIT["folder"])
    return subprocess.Popen(["/bin/bash", "-c", command]).wait(5)

def read(path, most=-1):
    with open(path, "rb") as file:
        return file.read(most)
"""
_READ_IT = "reached('read') if holds(read(PATH)) else stopped('something else')"
_STILL_WAITING = """
signal.signal(signal.SIGALRM, lambda *_: reached("still waiting after a second"))
signal.alarm(1)
read("out")
"""
_TOO_LONG = "reached('64 MiB and no end') if len(read('/dev/zero', 1 << 26)) == 1 << 26 else 0"
_LARGE = "reached('30 MiB') if len(read('out')) > 30_000_000 else stopped('short')"
_GROWS = """
ulimit -f 16384
(while head -c 65536 /dev/zero; do sleep 0.01; done >> out) 2> /dev/null &
sleep 0.2
"""
_GREW = """
import time
size = os.stat("out").st_size
time.sleep(0.3)
data = read("out", size + 65536)
reached("more than it had") if len(data) > size else stopped("as long as it was")
"""
_SWAP = """
cat > swap.py <<'END'
import os, sys, time
until = time.monotonic() + 4
while time.monotonic() < until:
    with open("fresh", "w") as file:
        file.write("harmless")
    os.rename("fresh", "out")
    os.symlink("/etc/passwd", "link")
    os.rename("link", "out")
END
echo harmless > out
python3 -I swap.py > /dev/null 2>&1 &
"""
_RACED = """
import time
until = time.monotonic() + 3
while time.monotonic() < until:
    if not os.path.islink("out"):
        try:
            if b":x:" in read("out"):
                reached("a link followed after it was looked at")
        except OSError:
            pass
stopped("never")
"""


async def _race(stage: Stage) -> Outcome:
    """Take a file again and again while it is exchanged for a link."""
    async with stage.open() as sandbox:
        await _run(sandbox, _SWAP, stage.bait)
        for _ in range(150):
            found = await _take(sandbox, "/workspace/out", _passwords, stage.bait)
            if found.reached:
                return found
    return Outcome(False, "150 times taken, never the link's target")


def _put(name: str, *, tries: str, make: str, path: str, control: str) -> Attack:
    """The host puts a file where a command has made a trap."""

    async def inside(stage: Stage) -> Outcome:
        planted = stage.bait.folder / f"planted-{name}"
        async with stage.open() as sandbox:
            await _run(sandbox, make, stage.bait)
            try:
                await sandbox.put(path.format(bait=stage.bait.folder, name=name), b"planted")
                told = "written inside"
            except ToolError as error:
                told = error.message
        found = await asyncio.to_thread(planted.exists)
        return Outcome(found, f"{planted} was written" if found else told)

    return staged(
        name,
        tries=tries,
        inside=inside,
        outside=lambda bait: run_outside(bait, f"{_MADE}\nmake({make!r})\n{control}"),
        held_by="files are written by the toolbox, inside; folders are walked without links",
        gives="A file of its own anywhere on the host.",
    )


_WRITTEN = """
open(path, "w").write("planted")
found = os.path.exists(os.path.join(BAIT["folder"], "planted-control"))
reached("written") if found else stopped("not there")
"""
ROOM = Room(
    "outputs",
    (
        _taken(
            "link-output",
            tries="Leave a symbolic link to a file of the host for the host to read.",
            make="ln -s BAIT/secret out",
            path="/workspace/out",
            look=_secret,
            control=_READ_IT.replace("PATH", "'out'"),
            gives="Every file docmill's user can read.",
        ),
        _taken(
            "linked-folder",
            tries="Leave a symbolic link to a folder of the host on the way to a file.",
            make="ln -s BAIT folder",
            path="/workspace/folder/secret",
            look=_secret,
            control=_READ_IT.replace("PATH", "'folder/secret'"),
            gives="Every file docmill's user can read.",
        ),
        _taken(
            "hard-link-output",
            tries="Leave a second name of a file that isn't its own to give.",
            make="echo text > first; ln first out",
            path="/workspace/out",
            look=_anything,
            control="reached('read') if read('out') else stopped('empty')",
            gives="A file it may not read, where the host may.",
        ),
        _taken(
            "pipe-output",
            tries="Leave a pipe that nobody writes to.",
            make="mkfifo out",
            path="/workspace/out",
            look=_anything,
            control=_STILL_WAITING,
            gives="A run that waits for ever.",
        ),
        _taken(
            "endless-output",
            tries="Have the host read a device that never ends.",
            make="true",
            path="/dev/zero",
            look=_anything,
            control=_TOO_LONG,
            gives="docmill out of memory.",
        ),
        _taken(
            "sparse-output",
            tries="Leave a file that is much longer than what it holds.",
            make="truncate -s 30M out",
            path="/workspace/out",
            look=_too_much,
            control=_LARGE,
            gives="docmill out of memory, the host's disk full.",
        ),
        _taken(
            "growing-output",
            tries="Leave a file that grows while it is read.",
            make=_GROWS,
            path="/workspace/out",
            look=_too_much,
            control=_GREW,
            gives="docmill out of memory.",
        ),
        staged(
            "swapped-output",
            tries="Exchange a file for a link between the host's look and its read.",
            inside=_race,
            outside=lambda bait: run_outside(bait, f"{_MADE}\nmake({_SWAP!r})\n{_RACED}"),
            held_by="one open without following links; what was opened is looked at",
            gives="Every file docmill's user can read.",
        ),
        _taken(
            "output-path",
            tries="Name an output so that its path leads out of the workspace.",
            make="true",
            path="/workspace/../../../../../../..{bait}/secret",
            look=_secret,
            control=_READ_IT.replace("PATH", 'os.path.join(os.getcwd(), "../secret")'),
            gives="Every file docmill's user can read.",
        ),
        _put(
            "input-path",
            tries="Have the host write a file whose path leads out of the workspace.",
            make="true",
            path="/workspace/../../../../../../..{bait}/planted-{name}",
            control='path = os.path.join(os.getcwd(), "../planted-control")' + _WRITTEN,
        ),
        _put(
            "input-through-link",
            tries="Have the host write a file into a folder that is a link to one of the host's.",
            make="ln -s BAIT folder",
            path="/workspace/folder/planted-{name}",
            control='path = "folder/planted-control"' + _WRITTEN,
        ),
    ),
)
