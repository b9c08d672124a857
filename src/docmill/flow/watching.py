"""The flow of the deployment `PIPELINE/watch`: one round over the pipeline's watched place.

`kinds` registers it; a worker's Prefect loads it by its module path. The round is
`docmill watch --once` in a process beside it, whose runs are flow runs of their own.
"""

import asyncio
import os
import sys
from typing import Any

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.states import Cancelled, Completed, Failed

from docmill.flow.deployed import require_version
from docmill.flow.hosting import stop_on_signals

KIND = "watch"
"""Name of the deployment: `prefect deployment run 'spec-check/watch'` looks now."""
NOTHING = "Nothing was dropped."
LAST_WORDS = 4000
"""Characters of what the process said that stand in the flow run's state."""


@flow(name="docmill-watch", persist_result=False)
async def run_watch() -> Any:
    """Process what lies in the pipeline's watched folder or bucket."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    require_version(context.flow_run)
    async with get_client() as client:
        name = (await client.read_flow(context.flow_run.flow_id)).name
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "docmill.cli", "watch", name, "--once"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A signal to the group is this process's to pass on.
        start_new_session=True,
        # What its runs do is no part of this flow run.
        env={key: value for key, value in os.environ.items() if not key.startswith("PREFECT__")},
    )
    stopped: list[bool] = []

    def stop() -> None:
        stopped.append(True)
        process.terminate()

    try:
        with stop_on_signals(stop):
            done, said = await asyncio.gather(_listen(process.stdout), _listen(process.stderr))
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if stopped:
        return Cancelled(message="The round was cancelled; the next one goes on with it.")
    if code:
        return Failed(message=said.strip() or f"docmill watch ended with exit code {code}.")
    return Completed(message=done.strip() or NOTHING)


async def _listen(stream: asyncio.StreamReader | None) -> str:
    """Pass on what the process says, and keep the end of it."""
    assert stream is not None
    said = ""
    while line := await stream.readline():
        text = line.decode("utf-8", "replace")
        sys.stderr.write(text)
        said = (said + text)[-LAST_WORDS:]
    return said
