"""What a run keeps when it is stopped early."""

import asyncio
import shutil
from pathlib import Path

from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import State, open_state
from docmill.compile import compile_pipeline
from docmill.flow.job import RunEnd
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace

CASE = Path(__file__).parents[1] / "cases" / "ambiguous"


def new_job(loaded: LoadedWorkspace, state: State) -> BatchJob:
    """A run of the case's pipeline, claimed."""
    compiled = compile_pipeline(loaded, "ambiguous")
    return prepare_job(loaded, compiled, load_settings({}), state, observer=SilentObserver())


async def read_all(job: BatchJob) -> None:
    """Every document once, then the end of the run."""
    for document in (await job.ingest()).pending:
        await job.process(document, attempt=1)
    await job.judge()
    job.close(RunEnd(status="finished"))


async def reuse_and_stop(job: BatchJob) -> None:
    """Take finished documents over, then be cancelled before they are judged."""
    for document in (await job.ingest()).finished:
        job.reuse(document)
    job.close(RunEnd(status="cancelled"))


def test_reused_documents_of_a_cancelled_run_are_kept(tmp_path: Path) -> None:
    """They stand in the run with their status, as if it had gone on."""
    folder = tmp_path / "workspace"
    shutil.copytree(CASE, folder)
    loaded = load_workspace(folder)
    with open_state(loaded) as state:
        asyncio.run(read_all(new_job(loaded, state)))
        cancelled = new_job(loaded, state)
        asyncio.run(reuse_and_stop(cancelled))
        results = list(cancelled.reader().documents())
    assert [(result.status, result.cached) for result in results] == [("flagged", True)]
