"""The flow of the deployment `PIPELINE/shard`: one shard of a run, in a process beside it.

`coordinating` starts it, `kinds` registers it; a worker's Prefect loads it by its module path. The
work is `docmill shard`, which knows nothing of Prefect.
"""

import asyncio
import os
import sys
from typing import Any

from prefect import flow
from prefect.states import Cancelled, Completed, Failed

from docmill.flow.hosting import stop_on_signals

KIND = "shard"
"""Name of the deployment."""
LAST_WORDS = 4000
"""Characters of what the process said last that stand in the flow run's state."""


@flow(name="docmill-shard", persist_result=False)
async def run_shard(*, run: str, shard: str) -> Any:
    """Carry out a share of a run's documents; started by the run itself, not by hand.

    Args:
        run: The run, as `run-0007`.
        shard: The name that the run has given to this shard.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "docmill.cli", "shard", run, shard),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # A signal to the group is this process's to pass on.
        start_new_session=True,
        env=dict(os.environ),
    )
    stopped: list[bool] = []

    def stop() -> None:
        stopped.append(True)
        process.terminate()

    try:
        with stop_on_signals(stop):
            said = await _listen(process)
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if stopped:
        return Cancelled(message="The shard was cancelled; others take over its documents.")
    if code:
        return Failed(message=said.strip() or f"docmill ended with exit code {code}.")
    return Completed(message=said.strip())


async def _listen(process: asyncio.subprocess.Process) -> str:
    """Pass on what the process says, and keep the end of it."""
    assert process.stderr is not None
    said = ""
    while line := await process.stderr.readline():
        text = line.decode("utf-8", "replace")
        sys.stderr.write(text)
        said = (said + text)[-LAST_WORDS:]
    return said
