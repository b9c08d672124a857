"""Registers pipelines with a Prefect server as deployments, and says what that would change.

`deployed` is the flow they run; the command line says which pipelines there are. Imports prefect.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectException
from prefect.utilities.callables import parameter_schema
from prefect.workers.utilities import get_default_base_job_template_for_infrastructure_type

from docmill.errors import PrerequisiteError
from docmill.flow import deployed
from docmill.flow.superseding import CANCEL_TAG
from docmill.spec.pipeline import Schedule

NAME = "default"
"""Of every deployment: `prefect deployment run 'spec-check/default'`."""
TAG = "docmill"
ENTRYPOINT = f"{deployed.__name__}.run_pipeline"
_STRATEGIES = {
    "skip": ConcurrencyLimitStrategy.CANCEL_NEW,
    "queue": ConcurrencyLimitStrategy.ENQUEUE,
}

Action = Literal["create", "update", "unchanged", "retire"]


@dataclass(frozen=True, slots=True)
class Pool:
    """The work pool whose workers run the pipelines."""

    name: str
    kind: str = "process"
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """A pipeline as its deployment is to be."""

    pipeline: str
    description: str
    version: str
    """`0.1.0+3f2a...`: docmill's version and the digest of the specs."""
    schedule: Schedule | None
    job_variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pull: tuple[Mapping[str, Any], ...] = ()
    """Prefect's pull steps; empty: the workspace is where it was deployed from."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a deployment needs, or got."""

    pipeline: str
    action: Action
    details: tuple[str, ...] = ()
    """`schedule: 0 2 * * 1 (UTC) → 0 3 * * 1 (UTC)`, one per key that differs."""


class Registry:
    """The deployments of one workspace on one server."""

    def __init__(self, client: PrefectClient, workspace: str, pool: Pool) -> None:
        self._client = client
        self._mark = f"workspace:{workspace}"
        self._pool = pool

    async def changes(self, wanted: Sequence[Deployment], *, retire: bool) -> tuple[Change, ...]:
        """What `apply` would do; `retire` also takes away what the workspace no longer has."""
        found = [await self._change(deployment) for deployment in wanted]
        if retire:
            keep = {deployment.pipeline for deployment in wanted}
            gone = [name for name in await self._registered() if name not in keep]
            found += [Change(name, "retire") for name in gone]
        return tuple(found)

    async def apply(self, wanted: Sequence[Deployment], changes: Sequence[Change]) -> None:
        """Make it so; runs that are under way aren't touched."""
        await self._ensure_pool()
        by_name = {deployment.pipeline: deployment for deployment in wanted}
        for change in changes:
            if change.action in ("create", "update"):
                await self._write(by_name[change.pipeline])
            elif change.action == "retire":
                there = await self._read(change.pipeline)
                if there is not None:
                    await self._client.delete_deployment(there.id)

    async def _change(self, deployment: Deployment) -> Change:
        there = await self._read(deployment.pipeline)
        wanted = _described(self._fields(deployment))
        if there is None:
            return Change(deployment.pipeline, "create", tuple(_lines({}, wanted)))
        details = tuple(_lines(_described(_fields_of(there)), wanted))
        return Change(deployment.pipeline, "update" if details else "unchanged", details)

    async def _read(self, pipeline: str) -> DeploymentResponse | None:
        try:
            return await self._client.read_deployment_by_name(f"{pipeline}/{NAME}")
        except ObjectNotFound:
            return None

    async def _registered(self) -> list[str]:
        """Pipelines that were deployed from this workspace."""
        tags = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG, self._mark]))
        found = await self._client.read_deployments(deployment_filter=tags)
        flows = [await self._client.read_flow(each.flow_id) for each in found]
        return sorted(flow.name for flow in flows)

    async def _ensure_pool(self) -> None:
        try:
            await self._client.read_work_pool(self._pool.name)
        except ObjectNotFound:
            template = await get_default_base_job_template_for_infrastructure_type(self._pool.kind)
            if template is None:
                raise PrerequisiteError(
                    f"Prefect knows no work pools of the type {self._pool.kind!r} here.",
                    remedy=f"Install what brings it (pip install prefect-{self._pool.kind}), or "
                    "set deploy.pool_type: process in docmill.yaml",
                ) from None
            pool = WorkPoolCreate(
                name=self._pool.name, type=self._pool.kind, base_job_template=template
            )
            try:
                await self._client.create_work_pool(pool)
            except ObjectAlreadyExists:
                return

    def _keys(self, deployment: Deployment) -> dict[str, Any]:
        """What is written of a deployment and compared just as it is."""
        schedule = deployment.schedule
        cancels = schedule is not None and schedule.overlap == "cancel"
        return {
            "version": deployment.version,
            "description": deployment.description,
            "tags": sorted((TAG, self._mark, *((CANCEL_TAG,) if cancels else ()))),
            "entrypoint": ENTRYPOINT,
            "work_pool_name": self._pool.name,
            "job_variables": dict(deployment.job_variables),
            "pull_steps": [dict(step) for step in deployment.pull],
        }

    def _fields(self, deployment: Deployment) -> dict[str, Any]:
        """The keys of a deployment as `_fields_of` reads them from the server."""
        schedule = deployment.schedule
        strategy = _strategy(schedule)
        return self._keys(deployment) | {
            "schedule": _schedule_text(schedule.cron, schedule.timezone) if schedule else "",
            "overlap": strategy.value if strategy else "",
            "work_queue_name": self._pool.queue or "default",
        }

    async def _write(self, deployment: Deployment) -> None:
        strategy = _strategy(deployment.schedule)
        options = ConcurrencyOptions(collision_strategy=strategy) if strategy else None
        await self._client.create_deployment(
            flow_id=await self._client.create_flow_from_name(deployment.pipeline),
            name=NAME,
            schedules=_schedules(deployment.schedule, await self._read(deployment.pipeline)),
            concurrency_limit=1 if strategy else None,
            concurrency_options=options,
            parameter_openapi_schema=parameter_schema(deployed.run_pipeline.fn).model_dump(),
            enforce_parameter_schema=True,
            work_queue_name=self._pool.queue,
            **self._keys(deployment),
        )


async def deploy(
    wanted: Sequence[Deployment], *, workspace: str, pool: Pool, retire: bool, dry_run: bool
) -> tuple[Change, ...]:
    """Register pipelines on the server this process is a client of (`launch.prefect_client`).

    Raises:
        PrerequisiteError: the server refused, or has no such kind of pool.
    """
    try:
        async with get_client() as client:
            registry = Registry(client, workspace, pool)
            changes = await registry.changes(wanted, retire=retire)
            if not dry_run:
                await registry.apply(wanted, changes)
            return changes
    except (PrefectException, httpx.HTTPError) as error:
        raise PrerequisiteError(
            f"Prefect's server did not take the deployments: {error}",
            remedy="Look: docmill prefect status",
        ) from error


def _strategy(schedule: Schedule | None) -> ConcurrencyLimitStrategy | None:
    """What Prefect itself does about overlapping runs; None: it lets them start."""
    return _STRATEGIES.get(schedule.overlap) if schedule else None


def _schedules(
    schedule: Schedule | None, there: DeploymentResponse | None
) -> list[DeploymentScheduleCreate]:
    """The schedule, paused if somebody had paused it in Prefect."""
    if schedule is None:
        return []
    active = all(each.active for each in there.schedules) if there else True
    cron = CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
    return [DeploymentScheduleCreate(schedule=cron, active=active)]


def _fields_of(there: DeploymentResponse) -> dict[str, Any]:
    options = there.concurrency_options
    limited = there.global_concurrency_limit is not None and options is not None
    crons = [each.schedule for each in there.schedules if isinstance(each.schedule, CronSchedule)]
    return {
        "version": there.version,
        "description": there.description,
        "tags": sorted(there.tags),
        "entrypoint": there.entrypoint,
        "schedule": ", ".join(_schedule_text(cron.cron, str(cron.timezone)) for cron in crons),
        "overlap": options.collision_strategy.value if limited and options else "",
        "work_pool_name": there.work_pool_name,
        "work_queue_name": there.work_queue_name,
        "job_variables": there.job_variables or {},
        "pull_steps": there.pull_steps or [],
    }


def _schedule_text(cron: str, timezone: str) -> str:
    return f"{cron} ({timezone})"


def _described(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value not in ("", None, [], {})}


def _lines(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        old, new = before.get(name, "none"), after.get(name, "none")
        if old != new:
            yield f"{name}: {old} → {new}" if before else f"{name}: {new}"
