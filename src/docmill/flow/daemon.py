"""The process that is a workspace's Prefect server: `python -m docmill.flow.daemon FOLDER …`.

`server` starts and stops it. It detaches, holds the lock, serves Prefect on the loopback interface,
writes `server.json` once it answers and ends itself when nobody has asked anything for a while.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import math
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn

from docmill.flow.address import ServerSettings, read_auth

ALREADY_RUNNING = 75
"""Exit code of a second server of the same folder."""
LOG_LIMIT = 5_000_000
SHORTEST_KEPT = 3601
"""Seconds: Prefect takes no age of an hour or less."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Activity:
    """Wraps the server's application and knows how long nobody has used it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._open = 0
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Asking whether the server is there must not keep it there.
        if scope["type"] == "lifespan" or scope.get("path") in ("/api/health", "/api/version"):
            await self._application(scope, receive, send)
            return
        self._open += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self._open -= 1
            self._last = time.monotonic()

    def idle_seconds(self) -> float:
        """Seconds since the last request; 0 while one or a websocket is open."""
        return 0.0 if self._open else time.monotonic() - self._last


def take_lock(settings: ServerSettings) -> int | None:
    """Lock the folder for this process and its forks; None if a server holds it."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(settings.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    os.ftruncate(handle, 0)
    return handle


def detach(settings: ServerSettings, lock: int) -> None:
    """Leave the starter: own session, output to the log. The starter's child ends here."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    settings.state_file.unlink(missing_ok=True)
    if settings.log_file.exists() and settings.log_file.stat().st_size > LOG_LIMIT:
        settings.log_file.unlink()
    log = os.open(settings.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.chdir(settings.folder)


def attach(settings: ServerSettings, lock: int) -> None:
    """Stay in the foreground, under whoever started it: its output is theirs."""
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    settings.state_file.unlink(missing_ok=True)
    os.chdir(settings.folder)


def bind(settings: ServerSettings) -> socket.socket:
    """The port of last time, so that a bookmark stays good, or any free one."""
    try:
        wanted = int(settings.port_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        wanted = 0
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", wanted))
    except (OSError, OverflowError):
        listener.bind(("127.0.0.1", 0))
    settings.port_file.write_text(str(listener.getsockname()[1]), encoding="ascii")
    return listener


def shared_folder(prefect_version: str) -> Path | None:
    """The user's cache for what every server of this version needs; None if it can't be written."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "docmill" / f"prefect-{prefect_version}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


class Database:
    """Prefect's SQLite file, brought to the version in use at the least cost.

    Migrating an empty file takes as long as all the rest of a start, so the result is kept in the
    user's cache as a template; a file that is up to date is not migrated at all.
    """

    def __init__(self, settings: ServerSettings, *, prefect_version: str) -> None:
        self._file = settings.database
        self._marker = settings.folder / "database-version"
        self._version = prefect_version
        shared = shared_folder(prefect_version)
        self._template = shared / "empty.db" if shared else None
        self._fresh = False

    def prepare(self) -> bool:
        """Put a usable file in place; True if it is up to date."""
        if not self._marker.exists():
            # No start ever got to its end here: what there is may be half made.
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._file}{suffix}").unlink(missing_ok=True)
            self._fresh = True
            if self._template and self._template.exists():
                shutil.copyfile(self._template, self._file)
                self._mark()
        return self._file.exists() and self._marked() == self._version

    def finish(self) -> None:
        """The server is up and nobody knows of it yet: note the version, keep a new file as
        template."""
        self._mark()
        if not self._fresh or self._template is None or self._template.exists():
            return
        # Without a template the next workspace's first start takes longer, nothing else.
        with contextlib.suppress(OSError, sqlite3.Error):
            self._save(self._template)

    def _save(self, template: Path) -> None:
        scratch = template.with_name(f"empty.{os.getpid()}.db")
        with (
            contextlib.closing(sqlite3.connect(self._file)) as source,
            contextlib.closing(sqlite3.connect(scratch)) as target,
        ):
            source.backup(target)
            # Secrets are made on demand, per workspace; none may travel by the template.
            target.execute("DELETE FROM configuration")
            target.commit()
        scratch.replace(template)

    def _mark(self) -> None:
        self._marker.write_text(self._version, encoding="ascii")

    def _marked(self) -> str:
        return self._marker.read_text(encoding="ascii") if self._marker.exists() else ""


def server_environment(
    settings: ServerSettings, *, port: int, prefect_version: str, current: bool
) -> dict[str, str]:
    """Environment variables of the server; the figures are those that record runs at least cost."""
    auth = read_auth(settings)
    shared = shared_folder(prefect_version) or settings.folder
    origin = f"http://127.0.0.1:{port}"
    return {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(settings.folder),
        "PREFECT_PROFILES_PATH": str(settings.folder / "profiles.toml"),
        "PREFECT__SERVER_FINAL": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origin,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_API_URL": f"{origin}/api",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(shared / "ui"),
        # Relative: a path with `?` or `#` in it could not stand in an address.
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{settings.database.name}",
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false" if current else "true",
        # docmill uses no blocks; `prefect block register` brings those of the catalogue.
        "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "false",
        "PREFECT_SERVER_MEMOIZE_BLOCK_AUTO_REGISTRATION": "false",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "2",
        **_vacuum(settings.keep_days),
    }


def _vacuum(days: float | None) -> dict[str, str]:
    """Prefect's own service removes old flow runs with their logs; events it always removes."""
    if days is None:
        return {}
    service = "PREFECT_SERVER_SERVICES_DB_VACUUM"
    seconds = max(math.ceil(days * 86_400), SHORTEST_KEPT)
    return {f"{service}_ENABLED": "events,flow_runs", f"{service}_RETENTION_PERIOD": str(seconds)}


def announce(settings: ServerSettings, *, port: int, prefect_version: str) -> None:
    """Write `server.json`; readers never see half of it."""
    state = {"pid": os.getpid(), "port": port, "prefect": prefect_version, "started": time.time()}
    scratch = settings.state_file.with_suffix(".tmp")
    scratch.write_text(json.dumps(state), encoding="utf-8")
    scratch.replace(settings.state_file)


async def until(condition: Callable[[], bool], *, every: float) -> None:
    """Look every so many seconds whether it is so; uvicorn tells nobody."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(every)


async def serve(
    settings: ServerSettings,
    application: Application,
    *,
    listener: socket.socket,
    ready: Callable[[], None],
) -> None:
    """Serve until told to stop or idle for too long; `ready` is called before anybody knows."""
    activity = Activity(application)
    server = uvicorn.Server(
        uvicorn.Config(
            activity,  # pyright: ignore[reportArgumentType]  ASGI types differ in name only
            lifespan="on",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=3,
        )
    )

    async def watch() -> None:
        await until(lambda: server.started, every=0.02)
        ready()
        announce(settings, port=listener.getsockname()[1], prefect_version=version("prefect"))
        limit = settings.idle_minutes * 60 or math.inf
        await until(lambda: activity.idle_seconds() >= limit, every=min(limit / 4, 30))

    def leave(_watching: asyncio.Task[None]) -> None:
        server.should_exit = True

    watching = asyncio.create_task(watch())
    watching.add_done_callback(leave)
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        settings.state_file.unlink(missing_ok=True)


def _other_database(environ: Mapping[str, str]) -> dict[str, str]:
    """The database that docmill's variable names, or Prefect's own; a server that docmill starts by
    itself, in the background, isn't told of the latter."""
    url = environ.get("DOCMILL_PREFECT_DATABASE_URL", "").strip()
    url = url or environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL", "").strip()
    if not url:
        return {}
    if url.startswith(("postgresql://", "postgres://")):
        url = f"postgresql+asyncpg://{url.partition('://')[2]}"
    return {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": url,
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "true",
    }


def silent() -> None:
    """Does nothing."""


def run(settings: ServerSettings) -> None:
    """Prepare and serve, in this process."""
    prefect_version = version("prefect")
    database = Database(settings, prefect_version=prefect_version)
    elsewhere = _other_database(os.environ)
    current = not elsewhere and database.prepare()
    listener = bind(settings)
    os.environ.update(
        server_environment(
            settings,
            port=listener.getsockname()[1],
            prefect_version=prefect_version,
            current=current,
        )
        | elsewhere
    )
    from prefect.server.api.server import create_app  # noqa: PLC0415  reads the environment

    application = create_app(final=True)
    ready = silent if elsewhere else database.finish
    asyncio.run(serve(settings, application, listener=listener, ready=ready))


def main(arguments: list[str]) -> int:
    """Start detached; returns in the starter's child only if there is a server already."""
    parser = argparse.ArgumentParser(prog="docmill-prefect-server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--idle-minutes", type=float, required=True)
    parser.add_argument("--keep-days", type=float)
    parser.add_argument("--foreground", action="store_true")
    options = parser.parse_args(arguments)
    settings = ServerSettings(
        folder=options.folder, idle_minutes=options.idle_minutes, keep_days=options.keep_days
    )
    lock = take_lock(settings)
    if lock is None:
        return ALREADY_RUNNING
    (attach if options.foreground else detach)(settings, lock)
    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
