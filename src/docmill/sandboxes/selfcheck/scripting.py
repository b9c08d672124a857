"""Attacks that are scripts: the same text runs inside a sandbox and, as its control, outside.

`prologue` gives scripts their words and says how they end. Where the attack itself would harm the
host a `guard` runs before it in the control, and makes a place where it can't.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from docmill.errors import SandboxError
from docmill.sandboxes.base import Sandbox, SandboxLimits
from docmill.sandboxes.selfcheck.bait import Bait
from docmill.sandboxes.selfcheck.base import LIMITS, Attack, Outcome, Stage

MARK = "selfcheck-outcome "
SECONDS = 8.0
"""An attack's time; none needs a quarter of it."""
_PROLOGUE = Path(__file__).with_name("prologue.py").read_text(encoding="utf-8")
_KILLED = {128 + number: number for number in (signal.SIGKILL, signal.SIGSYS)}
"""Exit codes that are an answer of the kernel's: out of memory, and a call that ends its caller."""


def scripted(
    name: str,
    *,
    tries: str,
    script: str,
    held_by: str,
    gives: str,
    guard: str = "",
    limits: SandboxLimits | None = None,
) -> Attack:
    """An attack by one script; with `limits` it gets a sandbox of its own, and may end it."""

    async def shared(stage: Stage) -> Outcome:
        return await run_inside(stage.sandbox, stage.bait, script)

    async def alone(stage: Stage) -> Outcome:
        async with stage.open(limits or LIMITS) as sandbox:
            try:
                found = await run_inside(sandbox, stage.bait, script)
                await sandbox.call("ping", {}, timeout=SECONDS)
            except SandboxError as error:
                return Outcome(False, f"the sandbox was ended: {error.code}")
        return found

    async def control(bait: Bait) -> Outcome:
        return await run_outside(bait, guard + script)

    inside: Callable[[Stage], Awaitable[Outcome]] = alone if limits else shared
    return Attack(name, tries, held_by, gives, inside, control, alone=limits is not None)


def staged(
    name: str,
    *,
    tries: str,
    inside: Callable[[Stage], Awaitable[Outcome]],
    outside: Callable[[Bait], Awaitable[Outcome]],
    held_by: str,
    gives: str,
) -> Attack:
    """An attack that docmill's side of the sandbox takes part in; it opens its own sandboxes."""
    return Attack(name, tries, held_by, gives, inside, outside, alone=True)


def text_of(script: str) -> str:
    """The whole program."""
    return f"{_PROLOGUE}\n\nrun({script!r})\n"


async def run_inside(sandbox: Sandbox, bait: Bait, script: str) -> Outcome:
    """Run a script in a sandbox.

    Raises:
        SandboxError: it ended the sandbox.
    """
    path = "/workspace/.attack.py"
    await sandbox.put(path, text_of(script).encode())
    command = f"python3 -I -S -B {path} '{bait.facts(inside=True)}' 2>&1"
    arguments = {"command": command, "timeout_ms": int(SECONDS * 1000)}
    answer = await sandbox.call("bash", arguments, timeout=SECONDS + 4)
    return outcome_of(str(answer["output"]), int(answer["exit_code"]))


async def run_outside(bait: Bait, script: str) -> Outcome:
    """Run a script without a sandbox, in the bait's folder, until it has said what happened."""
    printed: list[str] = []
    async with control_process(bait, text_of(script)) as process:
        assert process.stdout
        try:
            async with asyncio.timeout(SECONDS):
                async for line in process.stdout:
                    printed.append(line.decode("utf-8", "replace"))
                    if printed[-1].startswith(MARK):
                        return outcome_of(printed[-1], 0)
                code = await process.wait()
        except TimeoutError:
            return Outcome(None, f"no end within {SECONDS:g} s")
    return outcome_of("".join(printed), 128 - code if code < 0 else code)


@asynccontextmanager
async def control_process(bait: Bait, text: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A Python process in a session of its own; leaving the block ends it and its session."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-B", "-c", text, bait.facts(inside=False)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        cwd=bait.folder,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):  # what has left its session may hold its output
            async with asyncio.timeout(SECONDS):
                await process.wait()


def outcome_of(printed: str, code: int) -> Outcome:
    """What a script has said; one that said nothing has proven nothing, unless it was killed."""
    for line in reversed(printed.splitlines()):
        if line.startswith(MARK):
            reached, evidence = json.loads(line.removeprefix(MARK))
            return Outcome(reached, evidence)
    if code in _KILLED:
        return Outcome(False, f"ended by {signal.Signals(_KILLED[code]).name}")
    last = (printed.strip().splitlines() or ["nothing"])[-1]
    return Outcome(None, f"the script failed: exit code {code}, {last[:200]}")
