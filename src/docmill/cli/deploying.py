"""`docmill deploy` and `docmill worker`: pipelines as Prefect deployments, and who runs them."""

import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from docmill.batch.state import server_settings
from docmill.cli.console import put, put_json, talk
from docmill.cli.workspace import here
from docmill.compile import compile_pipeline
from docmill.errors import Problem, SpecError
from docmill.flow import server
from docmill.flow.address import ServerAddress, environment
from docmill.flow.launch import prefect_client
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace

if TYPE_CHECKING:
    from docmill.flow.deployments import Deployment

SIGNS = {"create": "+", "update": "~", "unchanged": "=", "retire": "-"}


def deploy(pipelines: list[str], *, dry_run: bool, json: bool) -> None:
    """Register pipelines, all of them if none is named, and say what changed."""
    loaded, settings = here()
    names = [_known(loaded, name) for name in pipelines] or sorted(loaded.workspace.pipelines)
    loaded.check()
    address = _lasting_server(loaded, settings)
    with prefect_client(address):
        import asyncio

        from docmill.flow import deployments

        config = loaded.workspace.config.deploy
        changes = asyncio.run(
            deployments.deploy(
                [each for name in names for each in _deployments(loaded, name)],
                workspace=config.workspace or loaded.root.name,
                pool=deployments.Pool(config.work_pool, config.pool_type, config.work_queue),
                retire=not pipelines,
                dry_run=dry_run,
            )
        )
    if json:
        put_json(
            {
                "dry_run": dry_run,
                "server": address.api_url,
                "work_pool": config.work_pool,
                "changes": [
                    {
                        "deployment": change.name,
                        "pipeline": change.pipeline,
                        "action": change.action,
                        "differences": [each._asdict() for each in change.differences],
                    }
                    for change in changes
                ],
            }
        )
        return
    for change in changes:
        put(f"{SIGNS[change.action]} {change.name}  {change.action}")
        for line in change.differences:
            put(f"    {line}")
    if dry_run:
        talk("Nothing was changed; leave out --dry-run to do it.")
    elif config.pool_type == "process":
        talk("Their runs need a worker: docmill worker")


def worker(*, limit: int | None) -> None:
    """Become a Prefect worker of the workspace's pool; doesn't return."""
    loaded, settings = here()
    address = _lasting_server(loaded, settings)
    config = loaded.workspace.config.deploy
    command = [sys.executable, "-P", "-m", "prefect", "worker", "start"]
    command += ["--pool", config.work_pool, "--type", config.pool_type]
    command += ["--work-queue", config.work_queue] if config.work_queue else []
    command += ["--limit", str(limit)] if limit else []
    talk(f"Working for the pool {config.work_pool} at {address.api_url}; Ctrl-C ends it.")
    # Its log lines are what somebody who watches a worker wants to see.
    loud = {name: value for name, value in environment(address).items() if "LOGGING" not in name}
    os.execve(command[0], command, os.environ | loud)  # noqa: S606 - ourselves, no shell


def _known(loaded: LoadedWorkspace, given: str) -> str:
    name = given.removesuffix("/default")
    if name not in loaded.workspace.pipelines:
        known = ", ".join(sorted(loaded.workspace.pipelines)) or "none"
        raise SpecError(
            [Problem("command line", 0, 0, given, "there is no such pipeline", f"known: {known}")]
        )
    return name


def _lasting_server(loaded: LoadedWorkspace, settings: Settings) -> ServerAddress:
    """The server; one of the workspace's own is not to end itself while nobody asks."""
    wanted = server_settings(loaded, settings)
    address = server.ensure(wanted)
    if address.local:
        talk(
            "The workspace's own Prefect server keeps schedules while it runs: "
            "DOCMILL_PREFECT_IDLE_MINUTES=0 docmill prefect start"
        )
    return address


def _deployments(loaded: LoadedWorkspace, name: str) -> "list[Deployment]":
    from docmill.flow.deployments import deployments_of

    compiled = compile_pipeline(loaded, name)
    return deployments_of(
        compiled.pipeline,
        version=f"{version('docmill')}+{compiled.spec_digest[:12]}",
        job_variables=dict(_job_variables(loaded)),
        pull=loaded.workspace.config.deploy.pull,
    )


def _job_variables(loaded: LoadedWorkspace) -> Iterator[tuple[str, Any]]:
    """As docmill.yaml says; without pull steps a process finds the workspace where it is here."""
    config = loaded.workspace.config.deploy
    given = dict(config.job_variables)
    if not config.pull and config.pool_type == "process":
        yield "working_dir", given.pop("working_dir", str(loaded.root))
        env = {"DOCMILL_WORKSPACE": str(loaded.root)}
        yield "env", env | dict(given.pop("env", {}))
    yield from given.items()
