"""A docmill command as a process beside a flow: signals passed on, what it says kept.

For the flows `watching` and `sharding`, whose work knows nothing of Prefect. `deployed` has its own
way, as it answers its process over sockets.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from docmill.flow.hosting import stop_on_signals

LAST_WORDS = 4000
"""Characters of what a process said last that stand in the flow run's state."""


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    done: str
    """The end of its output."""
    said: str
    """The end of what it said on stderr."""
    stopped: bool
    """Whether it was told to end."""


async def run_beside(*words: str, env: Mapping[str, str]) -> Ended:
    """Run `docmill WORDS`; a signal to this process ends it, and so does cancelling the call."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "docmill.cli", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A signal to the group is this process's to pass on.
        start_new_session=True,
        env=env,
    )
    stopped: list[bool] = []

    def stop() -> None:
        stopped.append(True)
        process.terminate()

    try:
        with stop_on_signals(stop):
            done, said = await asyncio.gather(listen(process.stdout), listen(process.stderr))
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return Ended(code, done.strip(), said.strip(), bool(stopped))


async def listen(stream: asyncio.StreamReader | None) -> str:
    """Pass on to stderr what a process says, and keep the end of it."""
    assert stream is not None
    said = ""
    while line := await stream.readline():
        text = line.decode("utf-8", "replace")
        with suppress(OSError):  # the worker that reads it may have died
            sys.stderr.write(text)
        said = (said + text)[-LAST_WORDS:]
    return said
