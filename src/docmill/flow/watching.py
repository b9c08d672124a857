"""The flow of the deployment `PIPELINE/watch`: one round over the pipeline's watched place.

`kinds` registers it; a worker's Prefect loads it by its module path. The round is
`docmill watch --once` in a process beside it, whose runs are flow runs of their own.
"""

import os
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.states import Cancelled, Completed, Failed

from docmill.flow.beside import run_beside
from docmill.flow.deployed import require_version
from docmill.flow.pulling import require_pulled

KIND = "watch"
"""Name of the deployment: `prefect deployment run 'spec-check/watch'` looks now."""
NOTHING = "Nothing was dropped."


@flow(name="docmill-watch", persist_result=False)
async def run_watch() -> Any:
    """Process what lies in the pipeline's watched folder or bucket."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    require_version(context.flow_run)
    require_pulled(Path.cwd())
    async with get_client() as client:
        name = (await client.read_flow(context.flow_run.flow_id)).name
    # What its runs do is no part of this flow run.
    env = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT__")}
    ended = await run_beside("watch", name, "--once", env=env)
    if ended.stopped:
        return Cancelled(message="The round was cancelled; the next one goes on with it.")
    if ended.code:
        message = ended.said or f"docmill watch ended with exit code {ended.code}."
        return Failed(message=message)
    return Completed(message=ended.done or NOTHING)
