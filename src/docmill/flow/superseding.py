"""Scheduled runs that are late, and runs still at work when the next one is due.

A worker that was away finds every run it missed; only the latest of them is made up for. `deployed`
asks; Prefect's own concurrency limit keeps the policies `skip` and `queue`.
"""

import asyncio
import contextlib
from datetime import UTC, datetime

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled, Cancelling

CANCEL_TAG = "overlap:cancel"
"""On deployments whose schedule says `overlap: cancel`."""
WAIT_SECONDS = 120.0
POLL_SECONDS = 1.0


async def by_another(client: PrefectClient, run: FlowRun) -> State[None] | None:
    """A cancelled state if a later scheduled run of the deployment is due already."""
    mine = run.expected_start_time
    if not run.auto_scheduled or mine is None or run.deployment_id is None:
        return None
    waiting = await _runs(client, run, StateType.SCHEDULED, StateType.PENDING)
    now = datetime.now(UTC)
    later = [
        other.expected_start_time
        for other in waiting
        if other.auto_scheduled
        and other.expected_start_time is not None
        and mine < other.expected_start_time <= now
    ]
    if not later:
        return None
    return Cancelled(message=f"Missed; made up for by the run of {max(later):%Y-%m-%d %H:%M %Z}.")


async def end_others(
    client: PrefectClient, run: FlowRun, *, wait_seconds: float = WAIT_SECONDS
) -> None:
    """End the deployment's runs that are at work, where its schedule says so, and wait for it.

    One that doesn't answer any more is called cancelled; if it is at work all the same, docmill's
    own store lets no second one begin.
    """
    if CANCEL_TAG not in run.tags or run.deployment_id is None:
        return
    for other in await _runs(client, run, StateType.RUNNING):
        message = f"Ended for {run.name}, which was due."
        await client.set_flow_run_state(other.id, Cancelling(message=message), force=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_seconds):
            # no event tells of other processes
            while await _runs(client, run, StateType.RUNNING, StateType.CANCELLING):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
    for other in await _runs(client, run, StateType.CANCELLING):
        message = f"It did not end for {run.name} within {wait_seconds:.0f} s; it seems to be dead."
        await client.set_flow_run_state(other.id, Cancelled(message=message), force=True)


async def _runs(client: PrefectClient, run: FlowRun, *types: StateType) -> list[FlowRun]:
    """The deployment's other flow runs in these states, at most Prefect's page of 200."""
    assert run.deployment_id is not None
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            id=FlowRunFilterId(not_any_=[run.id]),
            deployment_id=FlowRunFilterDeploymentId(any_=[run.deployment_id]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
    )
