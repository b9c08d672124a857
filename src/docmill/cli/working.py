"""`docmill worker`: a Prefect worker of the workspace's pool, or of any pool of any server."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import NamedTuple

from docmill.batch.state import server_settings
from docmill.cli.console import talk
from docmill.cli.deploying import lasting_server, reachable
from docmill.cli.workspace import here
from docmill.errors import PrerequisiteError
from docmill.flow import server
from docmill.flow.address import ServerAddress, ServerSettings, environment
from docmill.flow.fetching import worker_home
from docmill.settings import load_settings
from docmill.spec.deploy import Deploy
from docmill.spec.load import find_workspace

_BUILT_IN = "process"


class Post(NamedTuple):
    """Whom a worker works for."""

    address: ServerAddress
    pool: str
    kind: str | None
    """None: as the server has it."""
    queue: str | None = None


def worker(*, pool: str | None, limit: int | None, grace: float) -> None:
    """Become a Prefect worker (`docmill.flow.worker`); doesn't return.

    Raises:
        PrerequisiteError: neither a workspace nor a server is known here, or what the pool's type
            needs isn't installed.
    """
    post = _post(pool)
    if post.kind:
        _require_package(post.kind)
    # A pool that isn't there yet is made; its type is what docmill.yaml says.
    command = [sys.executable, "-P", "-m", "docmill.flow.worker", "--pool", post.pool]
    command += ["--kind", post.kind] if post.kind else []
    command += ["--queue", post.queue] if post.queue else []
    command += ["--limit", str(limit)] if limit else []
    command += ["--grace", str(grace)]
    talk(f"Working for the pool {post.pool} at {post.address.api_url}; Ctrl-C ends it.")
    # Its log lines are what somebody who watches a worker wants to see, and it has time to wait.
    unfit = ("LOGGING", "MAX_RETRIES")
    variables = environment(post.address).items()
    loud = {name: value for name, value in variables if not any(part in name for part in unfit)}
    os.execve(command[0], command, os.environ | loud)  # noqa: S606 - ourselves, no shell


def _post(pool: str | None) -> Post:
    """The workspace's pool; away from any workspace that of the server the environment names."""
    settings = load_settings()
    try:
        find_workspace(settings.workspace or Path.cwd())
    except PrerequisiteError:
        if not settings.prefect_api_url:
            raise PrerequisiteError(
                f"{Path.cwd()} is in no workspace, and PREFECT_API_URL names no server to work "
                "for.",
                remedy="Go to a workspace, or: export PREFECT_API_URL=http://SERVER:4200/api",
            ) from None
        outside = ServerSettings(worker_home() / "prefect", api_url=settings.prefect_api_url)
        return Post(reachable(server.ensure(outside)), pool or Deploy().work_pool, None)
    loaded, settings = here()
    config = loaded.workspace.config.deploy
    if pool and pool != config.work_pool:
        return Post(reachable(server.ensure(server_settings(loaded, settings))), pool, None)
    address = lasting_server(loaded, settings)
    return Post(address, config.work_pool, config.pool_type, config.work_queue)


def _require_package(kind: str) -> None:
    package = f"prefect_{kind}"
    if kind != _BUILT_IN and importlib.util.find_spec(package) is None:
        raise PrerequisiteError(
            f"A worker of a pool of the type {kind} needs Prefect's package for it, which is not "
            "installed.",
            remedy=f"pip install {package.replace('_', '-')}",
        )
