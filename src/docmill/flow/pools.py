"""Work pools: found or made, their jobs' variables checked, their workers counted.

Used by `deployments`. A worker itself is Prefect's: `docmill worker` starts one. Imports prefect.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import prefect
from jsonschema import Draft202012Validator
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import WorkerFilter, WorkerFilterStatus
from prefect.client.schemas.objects import WorkerStatus, WorkPool
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from docmill.errors import KeyProblem, PrerequisiteError
from docmill.spec.suggest import nearest

_TYPES = Path(prefect.__file__).parent / "server/api/collections_data/views"
"""What Prefect knows of pools whose package isn't installed; its server would ask the internet."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The work pool whose workers run the pipelines."""

    name: str
    kind: str = "process"
    queue: str | None = None


class PoolState(NamedTuple):
    """A pool as it is on the server."""

    template: Mapping[str, Any]
    """Base job template: what its jobs can be given."""
    workers: int
    """Workers that have said lately that they are there."""
    paused: bool = False
    missing: bool = False
    """It isn't there yet."""


async def look(client: PrefectClient, pool: Pool) -> PoolState:
    """The pool on the server, or as it would be made.

    Raises:
        PrerequisiteError: it is of another type there, or Prefect knows none of that type.
    """
    try:
        there = await client.read_work_pool(pool.name)
    except ObjectNotFound:
        return PoolState(_template(pool.kind), workers=0, missing=True)
    _same_type(there, pool)
    online = WorkerFilter(status=WorkerFilterStatus(any_=[WorkerStatus.ONLINE]))
    workers = await client.read_workers_for_work_pool(pool.name, worker_filter=online)
    return PoolState(there.base_job_template, len(workers), paused=bool(there.is_paused))


async def make(client: PrefectClient, pool: Pool) -> None:
    """Make the pool, unless somebody else just did."""
    wanted = WorkPoolCreate(name=pool.name, type=pool.kind, base_job_template=_template(pool.kind))
    try:
        await client.create_work_pool(wanted)
    except ObjectAlreadyExists:
        return


def variable_problems(
    template: Mapping[str, Any], variables: Mapping[str, Any], kind: str
) -> list[KeyProblem]:
    """What a pool's jobs can't be given of `deploy.job_variables`.

    A value with `{{ … }}` is filled in by Prefect and not looked at.
    """
    schema: dict[str, Any] = dict(template.get("variables", {}))
    known: dict[str, Any] = schema.get("properties", {})
    needed: list[str] = schema.get("required") or []
    schema["required"] = [name for name in needed if "default" not in known.get(name, {})]
    return [
        *_unknown(known, variables, kind),
        *_unfit(schema, {name: value for name, value in variables.items() if name in known}),
    ]


def _unknown(
    known: Mapping[str, Any], variables: Mapping[str, Any], kind: str
) -> Iterator[KeyProblem]:
    for name in variables:
        if name not in known and name.partition(".")[0] not in known:
            near = nearest(name, known)
            hint = f"did you mean `{near}`? " if near else ""
            yield KeyProblem(
                ("deploy", "job_variables", name),
                f"`{name}` is no variable of a pool of the type {kind}",
                f"{hint}known: {', '.join(sorted(known))}",
            )


def _unfit(schema: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[KeyProblem]:
    for error in Draft202012Validator(schema).iter_errors(dict(variables)):  # pyright: ignore[reportUnknownMemberType]
        if "{{" in json.dumps(error.instance, default=str) and error.validator != "required":
            continue
        path = ("deploy", "job_variables", *error.absolute_path)
        yield KeyProblem(path, error.message, "write it as the pool wants it")


def _same_type(there: WorkPool, pool: Pool) -> None:
    if there.type != pool.kind:
        raise PrerequisiteError(
            f"The work pool {pool.name} is of the type {there.type}, not {pool.kind}.",
            remedy=f"In docmill.yaml: deploy.pool_type: {there.type}, or deploy.work_pool: another "
            "name, which is then made",
        )


def _template(kind: str) -> dict[str, Any]:
    """The base job template that Prefect gives new pools of a type."""
    known = _types()
    if kind not in known:
        near = nearest(kind, known)
        raise PrerequisiteError(
            f"Prefect knows no work pools of the type {kind}.",
            remedy=f"Set deploy.pool_type in docmill.yaml to one of: {', '.join(sorted(known))}"
            + (f" (did you mean {near}?)" if near else ""),
        )
    return known[kind]


def _types() -> dict[str, dict[str, Any]]:
    """Type → base job template."""
    views = json.loads((_TYPES / "aggregate-worker-metadata.json").read_text(encoding="utf-8"))
    return {
        worker["type"]: worker["default_base_job_configuration"]
        for collection in views.values()
        for worker in collection.values()
    }
