"""The Prefect server of a workspace: start on demand, stop, status. Imports no prefect.

The server itself is `daemon`, a process of its own that holds a lock for as long as it lives, so a
dead server, a reused process id or a torn state file can't be mistaken for a running one.
"""

import base64
import fcntl
import http.client
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from docmill.errors import PrerequisiteError
from docmill.flow.address import ServerAddress, ServerSettings, read_auth

_POLL_SECONDS = 0.05
_STOP_SECONDS = 10
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "PYTHONPATH",
                   "LD_LIBRARY_PATH", "VIRTUAL_ENV", "DOCMILL_PREFECT_DATABASE_URL")  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of the workspace's server."""

    running: bool
    """It answers."""
    address: ServerAddress | None = None
    pid: int = 0
    prefect: str = ""
    """Version of Prefect it runs on."""
    starting: bool = False
    """The process is there and doesn't answer yet."""


def ensure(settings: ServerSettings) -> ServerAddress:
    """The server to use: the one the user named, else the workspace's own, started if need be.

    Raises:
        PrerequisiteError: it can't be started; the message ends with the last line of its log.
    """
    if settings.api_url:
        return ServerAddress(api_url=settings.api_url.rstrip("/"), folder=settings.folder)
    return start(settings)


def start(settings: ServerSettings) -> ServerAddress:
    """Start the workspace's server, or find it running; callers at once end up with the same one.

    Raises:
        PrerequisiteError: as in `ensure`.
    """
    begin = time.monotonic()
    launched = False
    while True:
        found = status(settings)
        seconds = time.monotonic() - begin
        if found.address:
            return ServerAddress(
                api_url=found.address.api_url,
                folder=settings.folder,
                auth=found.address.auth,
                started=launched,
                seconds=seconds,
            )
        if not found.starting:
            if launched:
                raise _start_failed(settings, "ended while starting")
            launched = _launch(settings)
        if seconds > settings.start_seconds:
            raise _start_failed(settings, f"did not answer within {settings.start_seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def begin(settings: ServerSettings) -> None:
    """Let the server start while the caller does something else; `ensure` waits for it."""
    if not settings.api_url and not _alive(settings):
        _launch(settings)


def prepare() -> None:
    """Do once for this user what a first start spends most of its time on: the empty database.

    Raises:
        PrerequisiteError: as in `ensure`.
    """
    with tempfile.TemporaryDirectory(prefix="docmill-prefect-") as folder:
        settings = ServerSettings(folder=Path(folder))
        start(settings)
        stop(settings)


def stop(settings: ServerSettings) -> bool:
    """Stop the workspace's server; False if there was none. Runs in progress go on without it."""
    if not _alive(settings):
        return False
    deadline = time.monotonic() + _STOP_SECONDS
    asked = False
    while _alive(settings):
        pid = _pid(settings)
        late = time.monotonic() > deadline
        if pid and (late or not asked):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            asked = True
        time.sleep(_POLL_SECONDS)
    settings.state_file.unlink(missing_ok=True)
    return True


def status(settings: ServerSettings) -> ServerStatus:
    """Whether the workspace's server runs, and where; asks it for its health."""
    if not _alive(settings):
        return ServerStatus(running=False)
    pid = _pid(settings)
    state = _state(settings)
    # The file may have been deleted or torn; the port is known all the same.
    port = _whole_number(state.get("port")) or _whole_number(_text(settings.port_file))
    address = ServerAddress(
        api_url=f"http://127.0.0.1:{port}/api", folder=settings.folder, auth=read_auth(settings)
    )
    if not port or not healthy(address):
        return ServerStatus(running=False, starting=True, pid=pid)
    return ServerStatus(
        running=True, address=address, pid=pid, prefect=str(state.get("prefect", ""))
    )


def healthy(address: ServerAddress, *, timeout: float = 2) -> bool:
    """True if the API answers, and, where it is the workspace's own, lets us in."""
    path = "/version" if address.local else "/health"
    return _get(address, path, timeout=timeout) == http.client.OK


def _get(address: ServerAddress, path: str, *, timeout: float) -> int:
    parts = urlsplit(address.api_url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    headers: dict[str, str] = {}
    if address.auth:
        headers["Authorization"] = "Basic " + base64.b64encode(address.auth.encode()).decode()
    try:
        connection.request("GET", parts.path + path, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _alive(settings: ServerSettings) -> bool:
    """True while a server process holds the folder's lock."""
    try:
        handle = os.open(settings.lock_file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _pid(settings: ServerSettings) -> int:
    return _whole_number(_text(settings.lock_file))


def _state(settings: ServerSettings) -> dict[str, Any]:
    try:
        state = json.loads(_text(settings.state_file))
    except ValueError:
        return {}
    return cast("dict[str, Any]", state) if isinstance(state, dict) else {}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _whole_number(text: object) -> int:
    """0 for whatever isn't one."""
    return int(text) if isinstance(text, int) or (isinstance(text, str) and text.isdecimal()) else 0


def _launch(settings: ServerSettings) -> bool:
    """Start the process; it has the lock when this returns. True unless another was faster."""
    if importlib.util.find_spec("prefect") is None:
        raise PrerequisiteError("prefect is not installed.", remedy="pip install docmill")
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    command = [sys.executable, "-P", "-m", "docmill.flow.daemon", str(settings.folder.resolve())]
    done = subprocess.run(
        [*command, "--idle-minutes", str(settings.idle_minutes), *settings.keeping],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=settings.start_seconds,
        check=False,
        env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
    )
    if done.returncode not in (0, 75):
        cause = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PrerequisiteError(
            f"The Prefect server can't be started: {cause}", remedy="Look: docmill doctor"
        )
    return done.returncode == 0


def _start_failed(settings: ServerSettings, what: str) -> PrerequisiteError:
    lines = _text(settings.log_file).splitlines()
    last = next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")
    return PrerequisiteError(
        f"The Prefect server {what}: {last}",
        remedy=f"Its log: {settings.log_file}\n"
        f"Drop its history, results are kept elsewhere: rm {settings.database}*",
    )
