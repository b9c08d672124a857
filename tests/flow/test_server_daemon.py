"""What the server's process does before and beside Prefect: lock, port, database, idleness."""

import asyncio
import json
import os
import socket
import sqlite3
import stat
from collections.abc import MutableMapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docmill.flow import daemon
from docmill.flow.address import ServerAddress, ServerSettings, environment, read_auth
from docmill.flow.server import status


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """A workspace without a server, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "prefect"
    folder.mkdir()
    return ServerSettings(folder=folder)


def test_one_server_per_folder(settings: ServerSettings) -> None:
    """The lock is the server's for as long as it lives; a second one finds it taken."""
    first = daemon.take_lock(settings)
    assert first is not None
    assert daemon.take_lock(settings) is None
    os.close(first)
    again = daemon.take_lock(settings)
    assert again is not None
    os.close(again)


def test_a_folder_whose_lock_is_held_but_does_not_answer_is_starting(
    settings: ServerSettings,
) -> None:
    """A state file of an earlier server means nothing while the new one doesn't answer yet."""
    settings.state_file.write_text('{"port": 9, "pid": 1}')
    lock = daemon.take_lock(settings)
    assert lock is not None
    try:
        found = status(settings)
    finally:
        os.close(lock)
    assert found.starting
    assert not found.running
    assert not status(settings).starting


def test_the_port_stays_the_same(settings: ServerSettings) -> None:
    """A bookmark of the UI outlives the server."""
    with closing(daemon.bind(settings)) as first:
        port = first.getsockname()[1]
    with closing(daemon.bind(settings)) as second:
        assert second.getsockname() == ("127.0.0.1", port)


@pytest.mark.parametrize("memory", ["taken", "nonsense", "99999999999"])
def test_another_port_is_found_if_need_be(settings: ServerSettings, memory: str) -> None:
    """A port that somebody else has, or a torn file, does not keep the server from starting."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        settings.port_file.write_text(str(taken) if memory == "taken" else memory)
        with closing(daemon.bind(settings)) as listener:
            port = listener.getsockname()[1]
    assert port != taken
    assert settings.port_file.read_text() == str(port)


def test_the_secret_is_made_once_and_for_the_owner_only(settings: ServerSettings) -> None:
    """`user:password`, mode 0600, the same for everyone who asks."""
    secret = read_auth(settings)
    assert secret == read_auth(settings)
    assert secret.startswith("docmill:")
    assert len(secret) > 30
    assert stat.S_IMODE(settings.auth_file.stat().st_mode) == 0o600
    assert [file.name for file in settings.folder.iterdir()] == ["auth"]


def make_database(settings: ServerSettings, *, table: str) -> None:
    """A stand-in for what Prefect's migrations leave."""
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute(f"CREATE TABLE {table} (id)")
        connection.execute("CREATE TABLE IF NOT EXISTS configuration (value)")
        connection.execute("INSERT INTO configuration VALUES ('secret')")
        connection.commit()


def tables(file: Path) -> set[str]:
    """Names of a database's tables."""
    with closing(sqlite3.connect(file)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_a_half_made_database_is_made_anew(settings: ServerSettings) -> None:
    """A first start that was killed left tables behind that no migration expects."""
    make_database(settings, table="half")
    assert not daemon.Database(settings, prefect_version="3.9").prepare()
    assert not settings.database.exists()


def test_a_database_that_is_up_to_date_is_not_migrated(settings: ServerSettings) -> None:
    """Only a start with another version of Prefect has to migrate, and it keeps the history."""
    first = daemon.Database(settings, prefect_version="3.9")
    first.prepare()
    make_database(settings, table="history")
    first.finish()
    assert daemon.Database(settings, prefect_version="3.9").prepare()
    assert not daemon.Database(settings, prefect_version="3.10").prepare()
    assert "history" in tables(settings.database)


def test_a_new_workspace_gets_a_copy_of_the_empty_database(
    settings: ServerSettings, tmp_path: Path
) -> None:
    """Migrations run once per user and version; secrets don't travel with the template."""
    first = daemon.Database(settings, prefect_version="3.9")
    first.prepare()
    make_database(settings, table="empty")
    first.finish()
    other = ServerSettings(folder=tmp_path / "other")
    other.folder.mkdir()
    assert daemon.Database(other, prefect_version="3.9").prepare()
    assert "empty" in tables(other.database)
    with closing(sqlite3.connect(other.database)) as connection:
        assert connection.execute("SELECT count(*) FROM configuration").fetchone() == (0,)


def test_a_cache_that_cannot_be_written_is_done_without(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home that is a file, as for some service accounts."""
    blocker = settings.folder / "file"
    blocker.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocker))
    database = daemon.Database(settings, prefect_version="3.9")
    assert not database.prepare()
    make_database(settings, table="own")
    database.finish()
    assert daemon.Database(settings, prefect_version="3.9").prepare()


async def test_health_checks_do_not_keep_a_server_alive() -> None:
    """Requests and open websockets count as use, being asked for one's health does not."""
    inside = asyncio.Event()
    leave = asyncio.Event()

    async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        del receive, send
        if scope["type"] == "websocket":
            inside.set()
            await leave.wait()

    async def receive() -> MutableMapping[str, Any]:
        return {}

    async def send(message: MutableMapping[str, Any]) -> None:
        del message

    activity = daemon.Activity(application)
    await activity({"type": "lifespan"}, receive, send)
    before = activity.idle_seconds()
    await activity({"type": "http", "path": "/api/health"}, receive, send)
    assert activity.idle_seconds() > before > 0
    websocket = asyncio.ensure_future(activity({"type": "websocket", "path": "/"}, receive, send))
    await inside.wait()
    assert activity.idle_seconds() == 0
    leave.set()
    await websocket
    still = activity.idle_seconds()
    await activity({"type": "http", "path": "/api/flows"}, receive, send)
    assert 0 < activity.idle_seconds() < still + 1


async def test_an_unused_server_serves_and_then_leaves(settings: ServerSettings) -> None:
    """It says where it is once it answers, and takes that back when it goes."""
    seen: list[str] = []

    async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        make_database(settings, table="empty")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        seen.append(settings.state_file.read_text())
        await send({"type": "lifespan.shutdown.complete"})

    idle = replace(settings, idle_minutes=0.001)
    database = daemon.Database(idle, prefect_version="3.9")
    database.prepare()
    listener = daemon.bind(idle)
    await daemon.serve(idle, application, listener=listener, ready=database.finish)
    assert json.loads(seen[0])["port"] == int(idle.port_file.read_text())
    assert json.loads(seen[0])["pid"] == os.getpid()
    assert not idle.state_file.exists()


def test_the_server_is_quiet_offline_and_locked(settings: ServerSettings) -> None:
    """What has to be in its environment."""
    variables = daemon.server_environment(settings, port=4321, prefect_version="3.9", current=True)
    assert variables["PREFECT_SERVER_API_AUTH_STRING"] == read_auth(settings)
    assert variables["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert variables["PREFECT_SERVER_UI_API_URL"] == "http://127.0.0.1:4321/api"
    assert variables["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert variables["DO_NOT_TRACK"] == "1"


def test_the_server_forgets_flow_runs_only_if_it_is_told_to(settings: ServerSettings) -> None:
    """`retention.days` of the workspace; what Prefect would do by itself is left as it is."""

    def told(days: float | None) -> dict[str, str]:
        own = replace(settings, keep_days=days)
        found = daemon.server_environment(own, port=1, prefect_version="3.9", current=True)
        return {key.rpartition("VACUUM_")[2]: found[key] for key in found if "VACUUM" in key}

    assert told(None) == {}
    assert told(90) == {"ENABLED": "events,flow_runs", "RETENTION_PERIOD": "7776000"}
    assert told(0)["RETENTION_PERIOD"] == "3601"
    assert replace(settings, keep_days=90).keeping == ("--keep-days", "90")


def test_a_foreign_server_keeps_the_users_own_login(tmp_path: Path) -> None:
    """With PREFECT_API_URL of the user's, keys and profile stay as they are."""
    address = ServerAddress(api_url="https://prefect.example/api", folder=tmp_path)
    variables = environment(address)
    assert variables["PREFECT_API_URL"] == "https://prefect.example/api"
    assert not {"PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_HOME"} & set(variables)
