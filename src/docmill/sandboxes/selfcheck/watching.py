"""Looking at the host's processes for those an attack has left; they carry a word of their own."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from docmill.sandboxes.selfcheck.bait import PREFIX


def word() -> str:
    """A word that no other process has among its arguments."""
    return f"{PREFIX}{secrets.token_hex(8)}"


def alive(mark: str) -> list[int]:
    """Processes of this machine with that word among their arguments."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


async def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it comes true in that time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.02)
    return True


async def gone(mark: str, seconds: float) -> bool:
    """Whether nothing carries the word within that time.

    Looked at thrice: one that forks while `/proc` is read isn't in the listing, nor its parent.
    """
    until = time.monotonic() + seconds
    while True:
        looks: list[list[int]] = []
        for _ in range(3):
            looks.append(alive(mark))
            await asyncio.sleep(0.015)
        if not any(looks):
            return True
        if time.monotonic() > until:
            return False


async def end(mark: str) -> None:
    """End what carries the word; what an attack started outside doesn't stay."""
    until = time.monotonic() + 6
    while not await gone(mark, 0) and time.monotonic() < until:
        for pid in alive(mark):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
