"""The flow of every deployment: a run of the pipeline it is named after, in a process beside it.

`deployments` registers it; a worker's Prefect loads it by its module path. The run is `docmill run`
as anybody would call it, joined to this flow by two sockets as `hosting` and `remote` are.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.states import Failed
from pydantic import Field

from docmill.errors import EXIT_UNFINISHED, PrerequisiteError
from docmill.flow import fetching, pulling, superseding
from docmill.flow.beside import listen
from docmill.flow.calls import Begin, receive
from docmill.flow.dealing import Control
from docmill.flow.hosting import stop_on_signals
from docmill.flow.job import Job, RunOutcome
from docmill.flow.prefect_process import HANDLES
from docmill.flow.remote import Streams, converse
from docmill.flow.runner import run_within
from docmill.flow.tasks import PREFECT_ERRORS
from docmill.spec.load import find_workspace

MARK = "workspace:"
"""Tag of deployments and their runs, with the workspace's name."""
RUN_LABEL = "docmill.run"
"""Label of flow runs: docmill's run, which a retry of the flow run goes on with."""

Dollars = Annotated[float, Field(gt=0)]
AtOnce = Annotated[int, Field(ge=1, le=1000)]
Minutes = Annotated[float, Field(gt=0)]
Turns = Annotated[int, Field(ge=1, le=1000)]


@flow(name="docmill", persist_result=False)
async def run_pipeline(
    *,
    documents: str | None = None,
    model: str | None = None,
    concurrency: AtOnce | None = None,
    usd_per_run: Dollars | None = None,
    usd_per_document: Dollars | None = None,
    minutes_per_run: Minutes | None = None,
    turns: Turns | None = None,
    settings: list[str] | None = None,
) -> Any:
    """Run the pipeline.

    Args:
        documents: Folder, file or address of the documents.
        model: Model that reads them, such as `claude-…` or `local/qwen3:8b`.
        concurrency: Documents at once.
        usd_per_run: US dollars that the run may cost.
        usd_per_document: US dollars that one document may cost.
        minutes_per_run: Wall time of the run.
        turns: Model calls for one document.
        settings: Other keys of the pipeline, each as `retries.attempts=5`.
    """
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    require_version(context.flow_run)
    pulling.require_pulled(Path.cwd())
    async with get_client() as client:
        superseded = await superseding.by_another(client, context.flow_run)
        if superseded:
            return superseded
        await superseding.end_others(client, context.flow_run)
        name = (await client.read_flow(context.flow_run.flow_id)).name
        await _keep_state(client, context.flow_run)
    given = {
        "documents.path": documents,
        "model": model,
        "concurrency": concurrency,
        "limits.usd_per_run": usd_per_run,
        "limits.usd_per_document": usd_per_document,
        "limits.minutes_per_run": minutes_per_run,
        "limits.turns": turns,
    }
    overrides = [f"{key}={value}" for key, value in given.items() if value is not None]
    begin = ["run", name, *_options([*overrides, *(settings or ())])]
    earlier = context.flow_run.labels.get(RUN_LABEL)
    if earlier:
        went_on = await _run(context.flow_run, ["resume", str(earlier)])
        if went_on.code != EXIT_UNFINISHED or went_on.state:
            return went_on.final
        # It is finished, or of other specs, or known to another machine: what is done is reused.
    return (await _run(context.flow_run, begin)).final


def require_version(run: FlowRun) -> None:
    """Refuse what another docmill has deployed: its specs may mean something else here.

    Raises:
        PrerequisiteError: with both versions.
    """
    deployed = (run.deployment_version or "").partition("+")[0]
    here = version("docmill")
    if deployed and deployed != here:
        raise PrerequisiteError(
            f"This worker has docmill {here}; docmill {deployed} has deployed the pipeline.",
            remedy=f"On the worker: pip install docmill=={deployed}; or deploy again: "
            "docmill deploy",
        )


async def _keep_state(client: PrefectClient, run: FlowRun) -> None:
    """Where the user's own steps brought the workspace, it ends with the run: what is kept of it
    lies elsewhere."""
    deployment = await client.read_deployment(run.deployment_id) if run.deployment_id else None
    steps = (deployment.pull_steps if deployment else None) or []
    marks = [tag.removeprefix(MARK) for tag in run.tags if tag.startswith(MARK)]
    if marks and not any(
        name.startswith(f"{pulling.__name__}.") for step in steps for name in step
    ):
        fetching.keep_state(find_workspace(Path.cwd()), fetching.worker_home() / marks[0])


class _End(NamedTuple):
    """How a run's process ended."""

    code: int
    said: str
    state: Any = None
    """Prefect's state for the run; None if there was nothing to carry out."""

    @property
    def final(self) -> Any:
        """The flow run's last state."""
        if self.state is not None:
            return self.state
        return Failed(message=self.said.strip() or f"docmill ended with exit code {self.code}.")


async def _run(run: FlowRun, arguments: list[str]) -> _End:
    """Start the run's process and be its Prefect until it has ended."""
    with ExitStack() as ends:
        work, theirs = map(ends.enter_context, socket.socketpair())
        quick, theirs_quick = map(ends.enter_context, socket.socketpair())
        handles = (theirs.fileno(), theirs_quick.fileno())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "docmill.cli", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=handles,
            # A signal to the group is this process's to pass on.
            start_new_session=True,
            env=os.environ | {HANDLES: ",".join(map(str, handles))},
        )
        theirs.close()
        theirs_quick.close()
        saying = asyncio.create_task(listen(process.stderr))
        try:
            state = await _answer(run, await asyncio.open_connection(sock=work), quick)
            code = await process.wait()
            return _End(code, await saying, state)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
            saying.cancel()


async def _answer(run: FlowRun, work: Streams, quick: socket.socket) -> Any:
    """Carry the run out as this flow; None if it was over before it began."""
    begin = await receive(work[0])
    if not isinstance(begin, Begin):
        work[1].close()
        return None
    states: list[Any] = []
    with suppress(*PREFECT_ERRORS):
        async with get_client() as client:
            await client.update_flow_run_labels(run.id, {RUN_LABEL: begin.run_id})

    async def within(job: Job, control: Control) -> RunOutcome:
        # Prefect's own answer to the signal would leave the run's process no time to close the run.
        with stop_on_signals(lambda: control.stop("The run was cancelled in Prefect.")):
            end = await run_within(job, control)
        states.append(end.state)
        return end.outcome

    await converse(begin, work, quick, within)
    return states[0] if states else None


def _options(settings: list[str]) -> Iterator[str]:
    for setting in settings:
        yield from ("-c", setting)
