"""The flow of the deployment `PIPELINE/shard`: one shard of a run, in a process beside it.

`coordinating` starts it, `kinds` registers it; a worker's Prefect loads it by its module path. The
work is `docmill shard`, which knows nothing of Prefect.
"""

import os
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.states import Cancelled, Completed, Failed

from docmill.flow.beside import run_beside
from docmill.flow.pulling import require_pulled

KIND = "shard"
"""Name of the deployment."""


@flow(name="docmill-shard", persist_result=False)
async def run_shard(*, run: str, shard: str) -> Any:
    """Carry out a share of a run's documents; started by the run itself, not by hand.

    Args:
        run: The run, as `run-0007`.
        shard: The name that the run has given to this shard.
    """
    require_pulled(Path.cwd())
    ended = await run_beside("shard", run, shard, env=dict(os.environ))
    if ended.stopped:
        return Cancelled(message="The shard was cancelled; others take over its documents.")
    if ended.code:
        return Failed(message=ended.said or f"docmill ended with exit code {ended.code}.")
    return Completed(message=ended.said)
