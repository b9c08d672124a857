"""Registers pipelines with a Prefect server as deployments, and says what that would change.

`deployed` is the flow they run; the command line says which pipelines there are. Imports prefect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.exceptions import ObjectNotFound, PrefectException

from docmill.errors import KeyProblem, PrerequisiteError
from docmill.flow import pools
from docmill.flow.deployed import MARK
from docmill.flow.differences import Difference, differences
from docmill.flow.kinds import Kind, Timing, kinds_of
from docmill.flow.pools import Pool, PoolState
from docmill.flow.superseding import CANCEL_TAG
from docmill.spec.pipeline import Pipeline

TAG = "docmill"
_STRATEGIES = {
    "skip": ConcurrencyLimitStrategy.CANCEL_NEW,
    "queue": ConcurrencyLimitStrategy.ENQUEUE,
}

Action = Literal["create", "update", "unchanged", "retire"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment as it is to be."""

    pipeline: Pipeline
    kind: Kind
    version: str
    """`0.1.0+3f2a...`: docmill's version and the digest of the specs."""
    job_variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pull: tuple[Mapping[str, Any], ...] = ()
    """Prefect's pull steps; empty: the workspace is where it was deployed from."""

    @property
    def name(self) -> str:
        """`spec-check/default`."""
        return f"{self.pipeline.name}/{self.kind.name}"

    @property
    def timing(self) -> Timing | None:
        """When it runs by itself."""
        return self.kind.timing(self.pipeline)


def deployments_of(
    pipeline: Pipeline,
    *,
    version: str,
    job_variables: Mapping[str, Any],
    pull: tuple[Mapping[str, Any], ...] = (),
) -> list[Deployment]:
    """The deployments of a pipeline, one of each kind it wants."""
    return [Deployment(pipeline, kind, version, job_variables, pull) for kind in kinds_of(pipeline)]


@dataclass(frozen=True, slots=True)
class Change:
    """What a deployment needs, or got."""

    name: str
    """`spec-check/default`."""
    action: Action
    differences: tuple[Difference, ...] = ()

    @property
    def pipeline(self) -> str:
        """Whose deployment it is."""
        return self.name.partition("/")[0]


class Registry:
    """The deployments of one workspace on one server."""

    def __init__(self, client: PrefectClient, workspace: str, pool: Pool) -> None:
        self._client = client
        self._mark = f"{MARK}{workspace}"
        self._pool = pool

    async def changes(self, wanted: Sequence[Deployment], *, retire: bool) -> tuple[Change, ...]:
        """What `apply` would do.

        Kinds that a pipeline no longer wants are taken away; with `retire` also what the workspace
        has registered of pipelines that aren't in `wanted`.
        """
        found = [await self._change(deployment) for deployment in wanted]
        keep = {deployment.name for deployment in wanted}
        pipelines = {deployment.pipeline.name for deployment in wanted}
        for name in await self._registered():
            if name not in keep and (retire or name.partition("/")[0] in pipelines):
                found.append(Change(name, "retire"))
        return tuple(found)

    async def apply(self, wanted: Sequence[Deployment], changes: Sequence[Change]) -> None:
        """Make it so; runs that are under way aren't touched."""
        by_name = {deployment.name: deployment for deployment in wanted}
        for change in changes:
            if change.action in ("create", "update"):
                await self._write(by_name[change.name])
            elif change.action == "retire":
                there = await self._read(change.name)
                if there is not None:
                    await self._client.delete_deployment(there.id)

    async def _change(self, deployment: Deployment) -> Change:
        there = await self._read(deployment.name)
        wanted = self._fields(deployment)
        if there is None:
            return Change(deployment.name, "create", differences({}, wanted))
        if self._mark not in there.tags:
            raise _of_another(deployment.name, there.tags, self._mark)
        form = {"form": deployment.kind.form(deployment.pipeline)["properties"]}
        found = differences(_fields_of(there) | _form_of(there), wanted | form)
        return Change(deployment.name, "update" if found else "unchanged", found)

    async def _read(self, name: str) -> DeploymentResponse | None:
        try:
            return await self._client.read_deployment_by_name(name)
        except ObjectNotFound:
            return None

    async def _registered(self) -> list[str]:
        """Names of what was deployed from this workspace."""
        tags = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG, self._mark]))
        found = await self._client.read_deployments(deployment_filter=tags)
        flows = {each.flow_id: await self._client.read_flow(each.flow_id) for each in found}
        return sorted(f"{flows[each.flow_id].name}/{each.name}" for each in found)

    def _keys(self, deployment: Deployment) -> dict[str, Any]:
        """What is written of a deployment and compared just as it is."""
        timing = deployment.timing
        cancels = timing is not None and timing.overlap == "cancel"
        return {
            "version": deployment.version,
            "description": deployment.pipeline.description,
            "tags": sorted((TAG, self._mark, *((CANCEL_TAG,) if cancels else ()))),
            "entrypoint": deployment.kind.entrypoint,
            "work_pool_name": self._pool.name,
            "parameters": dict(deployment.kind.parameters(deployment.pipeline)),
            "job_variables": dict(deployment.job_variables),
            "pull_steps": [dict(step) for step in deployment.pull],
        }

    def _fields(self, deployment: Deployment) -> dict[str, Any]:
        """The keys of a deployment as `_fields_of` reads them from the server."""
        strategy = _strategy(deployment.timing)
        return self._keys(deployment) | {
            "schedule": str(deployment.timing or ""),
            "overlap": strategy.value if strategy else "",
            "work_queue_name": self._pool.queue or "default",
        }

    async def _write(self, deployment: Deployment) -> None:
        strategy = _strategy(deployment.timing)
        options = ConcurrencyOptions(collision_strategy=strategy) if strategy else None
        await self._client.create_deployment(
            flow_id=await self._client.create_flow_from_name(deployment.pipeline.name),
            name=deployment.kind.name,
            schedules=_schedules(deployment.timing, await self._read(deployment.name)),
            concurrency_limit=1 if strategy else None,
            concurrency_options=options,
            parameter_openapi_schema=deployment.kind.form(deployment.pipeline),
            enforce_parameter_schema=True,
            work_queue_name=self._pool.queue,
            **self._keys(deployment),
        )


class JobVariableError(Exception):
    """`deploy.job_variables` don't fit the pool; the command line knows where they stand."""

    def __init__(self, problems: Sequence[KeyProblem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Deployed:
    """What `deploy` did, or would do."""

    changes: tuple[Change, ...]
    pool: PoolState


async def deploy(
    wanted: Sequence[Deployment], *, workspace: str, pool: Pool, retire: bool, dry_run: bool
) -> Deployed:
    """Register pipelines on the server this process is a client of (`launch.prefect_client`).

    Raises:
        PrerequisiteError: the server refused, the pool is of another type, or a deployment is
            another workspace's.
        JobVariableError: the pool's jobs can't be given what they are to be given.
    """
    try:
        async with get_client() as client:
            registry = Registry(client, workspace, pool)
            there = await pools.look(client, pool)
            _check_variables(wanted, there, pool)
            changes = await registry.changes(wanted, retire=retire)
            if not dry_run:
                if there.missing:
                    await pools.make(client, pool)
                await registry.apply(wanted, changes)
            return Deployed(changes, there)
    except (PrefectException, httpx.HTTPError) as error:
        raise PrerequisiteError(
            f"Prefect's server did not take the deployments: {error}",
            remedy="Look: docmill prefect status",
        ) from error


def _check_variables(wanted: Sequence[Deployment], there: PoolState, pool: Pool) -> None:
    problems = [
        problem
        for deployment in wanted[:1]  # all have the same
        for problem in pools.variable_problems(there.template, deployment.job_variables, pool.kind)
    ]
    if problems:
        raise JobVariableError(problems)


def _of_another(name: str, tags: Sequence[str], mark: str) -> PrerequisiteError:
    whose = next((tag for tag in tags if tag.startswith(MARK)), "")
    ours = mark.removeprefix(MARK)
    if whose:
        theirs = whose.removeprefix(MARK)
        return PrerequisiteError(
            f"{name} was deployed by the workspace {theirs}, not by this one ({ours}).",
            remedy=f"If they are the same workspace, set deploy.name: {theirs} in docmill.yaml; if "
            "not, give the pipeline another name",
        )
    return PrerequisiteError(
        f"There is a deployment {name} already, and docmill didn't make it.",
        remedy=f"Give the pipeline another name, or: prefect deployment delete '{name}'",
    )


def _strategy(timing: Timing | None) -> ConcurrencyLimitStrategy | None:
    """What Prefect itself does about overlapping runs; None: it lets them start."""
    return _STRATEGIES.get(timing.overlap) if timing else None


def _schedules(
    timing: Timing | None, there: DeploymentResponse | None
) -> list[DeploymentScheduleCreate]:
    """The schedule, paused if somebody had paused it in Prefect."""
    if timing is None:
        return []
    active = all(each.active for each in there.schedules) if there else True
    if timing.cron:
        schedule = CronSchedule(cron=timing.cron, timezone=timing.timezone)
    else:
        schedule = IntervalSchedule(interval=timedelta(seconds=timing.every_seconds))
    return [DeploymentScheduleCreate(schedule=schedule, active=active)]


def _timing_of(schedule: object) -> str:
    if isinstance(schedule, CronSchedule):
        return str(Timing(cron=schedule.cron, timezone=str(schedule.timezone)))
    if isinstance(schedule, IntervalSchedule):
        return str(Timing(every_seconds=schedule.interval.total_seconds()))
    return type(schedule).__name__


def _fields_of(there: DeploymentResponse) -> dict[str, Any]:
    options = there.concurrency_options
    limited = there.global_concurrency_limit is not None and options is not None
    return {
        "version": there.version,
        "description": there.description,
        "tags": sorted(there.tags),
        "entrypoint": there.entrypoint,
        "schedule": ", ".join(_timing_of(each.schedule) for each in there.schedules),
        "overlap": options.collision_strategy.value if limited and options else "",
        "work_pool_name": there.work_pool_name,
        "work_queue_name": there.work_queue_name,
        "parameters": there.parameters,
        "job_variables": there.job_variables or {},
        "pull_steps": there.pull_steps or [],
    }


def _form_of(there: DeploymentResponse) -> dict[str, Any]:
    return {"form": (there.parameter_openapi_schema or {}).get("properties", {})}
