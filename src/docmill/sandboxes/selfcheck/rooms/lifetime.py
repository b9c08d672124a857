"""Attacks that go on after their time: after a command's time-out, after the session's end."""

import time
from dataclasses import replace

from docmill.errors import SandboxError
from docmill.sandboxes.selfcheck import watching
from docmill.sandboxes.selfcheck.bait import Bait
from docmill.sandboxes.selfcheck.base import LIMITS, Outcome, Room, Stage
from docmill.sandboxes.selfcheck.scripting import control_process, staged

_DEAF = """
import os, signal, sys, time
def ignore():
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
def settled():
    open("settled", "w").close()
"""
_DAEMON = f"""{_DEAF}
ignore()
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
settled()
time.sleep(100)
"""
_STORM = f"""{_DEAF}
if os.fork():
    os._exit(0)
os.setsid()
until = time.monotonic() + 8
os.fork(), os.fork()
settled()
while time.monotonic() < until:
    if os.fork():
        os._exit(0)
    time.sleep(0.1)
"""
_ENDLESS = f"""{_DEAF}
ignore()
while True:
    time.sleep(0.01)
"""
_SETTLED = "until [ -e settled ]; do sleep 0.02; done"
_SHORT = replace(LIMITS, seconds=2)


async def _control(bait: Bait, script: str) -> Outcome:
    """The script, started by a process that ends, is alive when it has ended."""
    mark = watching.word()
    start = (
        "import subprocess, sys\nnothing = subprocess.DEVNULL\n"
        f"subprocess.Popen([sys.executable, '-I', '-c', {script!r}, {mark!r}],"
        " start_new_session=True, stdout=nothing, stderr=nothing)"
    )
    try:
        async with control_process(bait, start) as process:
            await process.wait()
        lives = await watching.within(3, lambda: bool(watching.alive(mark)))
    finally:
        await watching.end(mark)
    return Outcome(lives, "it lives on" if lives else "it was gone")


async def _outlive(stage: Stage, script: str) -> Outcome:
    """Start it, see it live, end the session, see what is left."""
    mark = watching.word()
    try:
        async with stage.open() as sandbox:
            await sandbox.put("/workspace/live.py", script.encode())
            command = f"python3 -I live.py {mark} > /dev/null 2>&1 &\n{_SETTLED}"
            await sandbox.call("bash", {"command": command}, timeout=10)
            if not await watching.within(5, lambda: bool(watching.alive(mark))):
                return Outcome(None, "the sandbox's processes can't be seen from here")
            began = time.monotonic()
        took = time.monotonic() - began
        if await watching.gone(mark, 0.5):
            return Outcome(False, f"gone with the session, which took {took * 1000:.0f} ms to end")
        return Outcome(True, f"{len(watching.alive(mark))} processes live on")
    finally:
        await watching.end(mark)


async def _command(stage: Stage) -> Outcome:
    """A command that doesn't end is ended, and the sandbox answers on."""
    mark = watching.word()
    async with stage.open() as sandbox:
        await sandbox.put("/workspace/live.py", _ENDLESS.encode())
        command = f"python3 -I live.py {mark} & trap '' TERM; python3 -I live.py {mark}"
        began = time.monotonic()
        await sandbox.call("bash", {"command": command, "timeout_ms": 1000}, timeout=10)
        took = time.monotonic() - began
        await sandbox.call("ping", {}, timeout=5)
        gone = await watching.gone(mark, 1)
    if gone:
        return Outcome(False, f"ended after {took:.1f} s, its children too")
    return Outcome(True, "it runs on after its time")


async def _session(stage: Stage) -> Outcome:
    """A session that doesn't end is ended."""
    mark, began = watching.word(), time.monotonic()
    async with stage.open(_SHORT) as sandbox:
        try:
            await sandbox.put("/workspace/live.py", _ENDLESS.encode())
            await sandbox.call("bash", {"command": f"python3 -I live.py {mark}"}, timeout=9)
        except SandboxError as error:
            took = time.monotonic() - began
            if await watching.gone(mark, 1):
                return Outcome(False, f"{error.code} after {took:.1f} s")
    return Outcome(True, "it runs on after the session's time")


ROOM = Room(
    "lifetime",
    (
        staged(
            "daemon",
            tries="Live on after the session: forked twice, in a session of its own, deaf.",
            inside=lambda stage: _outlive(stage, _DAEMON),
            outside=lambda bait: _control(bait, _DAEMON),
            held_by="process 1 inside is killed, and the kernel ends its namespace; the cgroup",
            gives="Computing on the host for as long as it likes.",
        ),
        staged(
            "fork-storm",
            tries="Never stand still: fork and leave, again and again, while the session ends.",
            inside=lambda stage: _outlive(stage, _STORM),
            outside=lambda bait: _control(bait, _STORM),
            held_by="process 1 inside is killed, and the kernel ends its namespace; the cgroup",
            gives="Computing on the host for as long as it likes.",
        ),
        staged(
            "endless-command",
            tries="Go on after a command's time-out, deaf to signals.",
            inside=_command,
            outside=lambda bait: _control(bait, _ENDLESS),
            held_by="the toolbox kills the shell and its session",
            gives="A session that waits for ever.",
        ),
        staged(
            "endless-session",
            tries="Go on after the session's time.",
            inside=_session,
            outside=lambda bait: _control(bait, _ENDLESS),
            held_by="a timer on the host, and another in the toolbox",
            gives="Computing on the host for as long as it likes.",
        ),
    ),
)
