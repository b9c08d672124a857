"""Flow runs whose process died together with its worker: nobody is left to tell Prefect so.

Prefect would call them Running for ever, and they would count for the pool's limit. The next worker
of the machine closes them (`worker`). What died on other machines is for Prefect's heartbeats.
"""

from pathlib import Path

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled, Crashed

from docmill.store.lease import host_of, is_alive, own_lease, pid_of

_PREFIX = "docmill "
_LABEL = "prefect.worker.name"
"""Prefect gives every flow run that a worker begins the worker's name."""
_UNDER_WAY = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)


def worker_name() -> str:
    """A name for this worker by which others of the machine can tell whether it lives."""
    return _PREFIX + own_lease()


async def close_orphans(client: PrefectClient, pool: str) -> list[str]:
    """Close what died on this machine of a pool's flow runs; their names."""
    found = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(_UNDER_WAY)))
        ),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
    )
    dead = [run for run in found if _is_dead(run)]
    for run in dead:
        lease = _lease_of(run)
        message = (
            f"Its process died with its worker, process {pid_of(lease)} of {host_of(lease)}. What "
            "was finished is kept: Retry goes on with it."
        )
        cancelling = run.state is not None and run.state.is_cancelling()
        state = (Cancelled if cancelling else Crashed)(message=message)
        await client.set_flow_run_state(run.id, state, force=True)
    return [run.name for run in dead]


def _lease_of(run: FlowRun) -> str:
    """That of its worker; empty if none of docmill's began it."""
    name = str(run.labels.get(_LABEL, ""))
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else ""


def _is_dead(run: FlowRun) -> bool:
    lease = _lease_of(run)
    return bool(lease) and not is_alive(lease) and not _outlives(run)


def _outlives(run: FlowRun) -> bool:
    """Whether its process goes on without its worker: then it tells Prefect itself how it ends."""
    pid = str(run.infrastructure_pid or "").rpartition(":")[2]
    if not pid.isdecimal():
        return False
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"PREFECT__FLOW_RUN_ID={run.id}".encode() in environ
