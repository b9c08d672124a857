"""`docmill deploy`: the workspace's pipelines as Prefect deployments. `working` runs them."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from docmill.batch.state import server_settings
from docmill.cli.console import put, put_json, talk
from docmill.cli.workspace import here
from docmill.compile import compile_pipeline
from docmill.errors import KeyProblem, PrerequisiteError, Problem, SpecError
from docmill.flow import server, snapshots
from docmill.flow.address import ServerAddress
from docmill.flow.launch import prefect_client
from docmill.settings import Settings
from docmill.spec.load import CONFIG, LoadedWorkspace

if TYPE_CHECKING:
    from docmill.flow.deployments import Deployed, Deployment

SIGNS = {"create": "+", "update": "~", "unchanged": "=", "retire": "-"}
STEPS = "docmill.flow.pulling"
Step = Mapping[str, Any]


def deploy(pipelines: list[str], *, dry_run: bool, json: bool) -> None:
    """Register pipelines, all of them if none is named, and say what changed."""
    loaded, settings = here()
    names = [_known(loaded, name) for name in pipelines] or sorted(loaded.workspace.pipelines)
    loaded.check()
    config = loaded.workspace.config.deploy
    pull = _pull(loaded, dry_run=dry_run)
    address = lasting_server(loaded, settings)
    with prefect_client(address):
        from docmill.flow import deployments

        wanted = [each for name in names for each in _deployments(loaded, name, pull)]
        try:
            done = asyncio.run(
                deployments.deploy(
                    wanted,
                    workspace=workspace_name(loaded),
                    pool=deployments.Pool(config.work_pool, config.pool_type, config.work_queue),
                    retire=not pipelines,
                    dry_run=dry_run,
                )
            )
        except deployments.JobVariableError as error:
            located = [loaded.locate(CONFIG, problem) for problem in error.problems]
            raise SpecError(located) from None
    if json:
        put_json(_described(done, address, config.work_pool, dry_run=dry_run))
    else:
        _print(done, config.work_pool, dry_run=dry_run)


def lasting_server(loaded: LoadedWorkspace, settings: Settings) -> ServerAddress:
    """The server; one of the workspace's own is not to end itself while nobody asks."""
    address = reachable(server.ensure(server_settings(loaded, settings)))
    if address.local:
        talk(
            "The workspace's own Prefect server keeps schedules while it runs: "
            "DOCMILL_PREFECT_IDLE_MINUTES=0 docmill prefect start"
        )
    return address


def reachable(address: ServerAddress) -> ServerAddress:
    """The address, if somebody answers there.

    Raises:
        PrerequisiteError: nobody does.
    """
    if address.local or server.healthy(address):
        return address
    raise PrerequisiteError(
        f"No Prefect server answers at {address.api_url} (PREFECT_API_URL).",
        remedy="Start it there: prefect server start --host 0.0.0.0; or use the workspace's own: "
        "unset PREFECT_API_URL",
    )


def workspace_name(loaded: LoadedWorkspace) -> str:
    """What deployments of the workspace are known by.

    Two workspaces may have folders of one name; where workers fetch it, the path means nothing.
    """
    config = loaded.workspace.config.deploy
    if config.name:
        return config.name
    folder = re.sub("[^A-Za-z0-9._-]+", "-", loaded.root.name).strip("-._") or "workspace"
    if config.workspace or config.pull:
        return folder
    digest = hashlib.sha256(str(loaded.root).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{folder}-{digest[:6]}"


def _print(done: "Deployed", pool: str, *, dry_run: bool) -> None:
    for change in done.changes:
        put(f"{SIGNS[change.action]} {change.name}  {change.action}")
        for line in change.differences:
            put(f"    {line}")
    if dry_run:
        talk("Nothing was changed; leave out --dry-run to do it.")
    elif not any(change.action != "retire" for change in done.changes):
        return
    elif done.pool.paused:
        talk(
            f"The work pool {pool} is paused; nothing starts before: "
            f"prefect work-pool resume {pool}"
        )
    elif not done.pool.workers:
        talk(f"No worker of the pool {pool} is there to run them. Start one: docmill worker")


def _described(
    done: "Deployed", address: ServerAddress, pool: str, *, dry_run: bool
) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "server": address.api_url,
        "work_pool": pool,
        "workers": done.pool.workers,
        "changes": [
            {
                "deployment": change.name,
                "pipeline": change.pipeline,
                "action": change.action,
                "differences": [each._asdict() for each in change.differences],
            }
            for change in done.changes
        ],
    }


def _known(loaded: LoadedWorkspace, given: str) -> str:
    name = given.partition("/")[0]
    if name not in loaded.workspace.pipelines:
        known = ", ".join(sorted(loaded.workspace.pipelines)) or "none"
        raise SpecError(
            [Problem("command line", 0, 0, given, "there is no such pipeline", f"known: {known}")]
        )
    return name


def _deployments(loaded: LoadedWorkspace, name: str, pull: tuple[Step, ...]) -> "list[Deployment]":
    from docmill.flow.deployments import deployments_of

    compiled = compile_pipeline(loaded, name)
    return deployments_of(
        compiled.pipeline,
        version=f"{version('docmill')}+{compiled.spec_digest[:12]}",
        job_variables=loaded.workspace.config.deploy.job_variables,
        pull=pull,
    )


def _pull(loaded: LoadedWorkspace, *, dry_run: bool) -> tuple[Step, ...]:
    """Prefect's pull steps; a snapshot is stored here, unless nothing is to be changed."""
    config = loaded.workspace.config.deploy
    if config.pull:
        return config.pull
    if config.workspace is None:
        return ({f"{STEPS}.enter": {"directory": _same_place(loaded)}},)
    packed = snapshots.pack(loaded)
    name = workspace_name(loaded)
    # A template is filled in where the step runs; here the environment has to do.
    known = {key: value for key, value in config.storage_options.items() if "{{" not in str(value)}
    at = snapshots.absolute(config.workspace, loaded.root)
    if dry_run:
        address = snapshots.snapshot_address(packed, at, name=name)
    else:
        address = snapshots.put(packed, at, name=name, options=known)
    step: dict[str, Any] = {"address": address, "sha256": packed.sha256, "name": name}
    if config.storage_options:
        step["storage_options"] = config.storage_options
    return ({f"{STEPS}.fetch": step},)


def _same_place(loaded: LoadedWorkspace) -> str:
    """Where jobs find the workspace without fetching it: here, or where their image has it.

    Raises:
        SpecError: a pool of containers that know nothing of it.
    """
    config = loaded.workspace.config.deploy
    if config.pool_type == "process":
        return str(loaded.root)
    environment: Mapping[str, Any] = config.job_variables.get("env") or {}
    if "DOCMILL_WORKSPACE" in environment:
        return str(environment["DOCMILL_WORKSPACE"])
    problem = KeyProblem(
        ("deploy", "pool_type"),
        f"jobs of a pool of the type {config.pool_type} don't find the workspace",
        "set deploy.workspace: s3://BUCKET/docmill/, or deploy.pull, or, where the image or a "
        "volume holds it, deploy.job_variables.env.DOCMILL_WORKSPACE",
    )
    raise SpecError([loaded.locate(CONFIG, problem)])
