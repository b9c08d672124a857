"""`docmill serve-stack`: Prefect's server, worker and watchers of a workspace as one command."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from docmill.batch.state import server_settings
from docmill.cli.console import inert, put, put_json, talk
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.errors import EXIT_SPEC, EXIT_UNFINISHED
from docmill.flow import server
from docmill.flow.address import ServerAddress, ServerSettings
from docmill.flow.hosting import stop_on_signals
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace
from docmill.stack.health import is_running, read_status, sole_stack, write_status
from docmill.stack.parts import Part, PartStatus
from docmill.stack.supervisor import Patience, Supervisor

SERVER, DEPLOY, WORKER = "server", "deploy", "worker"
GOOD = ("running", "done")
_SELF = (sys.executable, "-P", "-m")


def serve_stack(*, grace: float, workers: int, deploy: bool) -> None:
    """Run the stack until SIGTERM or Ctrl-C.

    Raises:
        PrerequisiteError: another one runs, or the Prefect server that is named doesn't answer.
        SystemExit: with 2 if the pipelines can't be deployed as they are written.
    """
    loaded, settings = here()
    loaded.check()
    own = server_settings(loaded, settings)
    with sole_stack(loaded.state_folder):
        if not own.api_url and server.stop(own):
            _say(SERVER, "the one in the background was stopped, to be started under the stack")
        parts = [*_server(own), *_others(loaded, settings, own, workers=workers, deploy=deploy)]
        code = asyncio.run(_serve(loaded, parts, Patience(grace=grace)))
    if code:
        raise SystemExit(code)


async def _serve(loaded: LoadedWorkspace, parts: Sequence[Part], patience: Patience) -> int:
    publish = partial(write_status, loaded.state_folder)
    supervisor = Supervisor(parts, say=_say, publish=publish, patience=patience)
    stop = asyncio.Event()
    with stop_on_signals(stop.set):
        code = await supervisor.run(stop)
    _say("stack", "has ended")
    return code


def _server(own: ServerSettings) -> list[Part]:
    """The workspace's own server, unless PREFECT_API_URL names another."""
    if own.api_url:
        return []
    command = (*_SELF, "docmill.flow.daemon", str(own.folder.resolve()))
    return [
        Part(
            SERVER,
            (*command, "--idle-minutes", "0", *own.keeping, "--foreground"),
            ready=lambda: server.status(own).running,
        )
    ]


def _others(
    loaded: LoadedWorkspace, settings: Settings, own: ServerSettings, *, workers: int, deploy: bool
) -> list[Part]:
    needs = () if own.api_url else (SERVER,)
    environ = {"DOCMILL_WORKSPACE": str(loaded.root), "PYTHONUNBUFFERED": "1"}
    docmill = (*_SELF, "docmill.cli")
    parts: list[Part] = []
    if deploy:
        fatal = frozenset({EXIT_SPEC})
        parts.append(Part(DEPLOY, (*docmill, DEPLOY), environ, needs, once=True, fatal=fatal))
        needs = (*needs, DEPLOY)
    for number in range(1, workers + 1):
        name = WORKER if workers == 1 else f"{WORKER}-{number}"
        parts.append(Part(name, (*docmill, WORKER), environ, needs, drains=True))
    for name, pipeline in sorted(loaded.workspace.pipelines.items()):
        if pipeline.watch is not None:
            parts.append(Part(f"watch {name}", (*docmill, "watch", name), environ, needs))
    return parts


def _say(part: str, what: str) -> None:
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    put(f"{moment} {inert(part)}: {inert(what)}")
    sys.stdout.flush()


def check_stack(*, json: bool) -> None:
    """Say how the stack is.

    Raises:
        SystemExit: with 1 if it isn't there, or a part of it isn't well.
    """
    loaded, settings = here()
    status = read_status(loaded.state_folder)
    own = server_settings(loaded, settings)
    parts = [*(status.parts if status else ())]
    if own.api_url:
        parts.append(_external(own))
    well = {part.name: _is_well(part, own) for part in parts}
    ok = status is not None and all(well.values())
    if json:
        described = [part.model_dump() | {"ok": well[part.name]} for part in parts]
        put_json({"ok": ok, "pid": status.pid if status else None, "parts": described})
    elif status is None:
        talk("No stack of this workspace runs. Start it: docmill serve-stack")
    else:
        put_table(
            ["part", "", "state", "process", "since (UTC)", "restarts", "note"],
            [
                [
                    part.name,
                    "✓" if well[part.name] else "✗",
                    part.state,
                    str(part.pid or ""),
                    part.since.partition("+")[0].replace("T", " "),
                    str(part.restarts),
                    part.note,
                ]
                for part in parts
            ],
        )
    if not ok:
        raise SystemExit(EXIT_UNFINISHED)


def _external(own: ServerSettings) -> PartStatus:
    address = ServerAddress(api_url=own.api_url.rstrip("/"), folder=own.folder)
    answers = server.healthy(address)
    note = "" if answers else "it doesn't answer"
    return PartStatus(name=own.api_url, state="running" if answers else "failing", note=note)


def _is_well(part: PartStatus, own: ServerSettings) -> bool:
    if part.state not in GOOD:
        return False
    if part.pid and not is_running(part):
        return False
    return part.name != SERVER or server.status(own).running
