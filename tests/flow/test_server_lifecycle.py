"""The workspace's Prefect server, as a process: start, stop, two starters, what a kill leaves."""

import os
import signal
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from docmill.errors import PrerequisiteError
from docmill.flow import server
from docmill.flow.address import ServerAddress, ServerSettings
from docmill.flow.daemon import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[ServerSettings]:
    """A workspace that has no server yet, and has none any more afterwards."""
    settings = ServerSettings(folder=tmp_path / "with space?#" / "prefect")
    yield settings
    server.stop(settings)


def test_a_server_starts_once_and_again_once_it_was_killed(
    settings: ServerSettings, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    """Two starters at once end up with one server; a third finds it at once. What a killed one
    leaves behind is not taken for a running one; the port stays. After the idle time nothing is
    left running."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(server.start, [settings, settings])
    assert first.api_url == second.api_url
    assert [first.started, second.started].count(True) == 1
    found = server.ensure(settings)
    assert (found.api_url, found.started) == (first.api_url, False)
    os.kill(server.status(settings).pid, signal.SIGKILL)
    server.stop(settings)
    settings.state_file.write_text("{torn")
    assert not server.status(settings).running
    after = server.start(replace(settings, idle_minutes=0.1))
    assert after.started
    assert after.api_url == first.api_url
    settings.state_file.write_text("{torn")
    assert server.status(settings).running
    eventually(lambda: server.status(settings) == server.ServerStatus(running=False))


def test_the_first_start_of_a_user_serves_all_later_ones(
    settings: ServerSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`prepare` migrates an empty database once, and ends; a new workspace gets a copy of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server.prepare()
    settings.folder.mkdir(parents=True)
    database = Database(settings, prefect_version=version("prefect"))
    assert database.prepare()
    with closing(sqlite3.connect(settings.database)) as connection:
        assert connection.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
    assert not server.stop(settings)


def test_a_server_that_cannot_start_says_why(settings: ServerSettings) -> None:
    """A broken database is a missing prerequisite, with the log's last line and the remedy."""
    settings.folder.mkdir(parents=True)
    (settings.folder / "database-version").write_text("0.1")
    settings.database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(PrerequisiteError, match="ended while starting") as caught:
        server.start(settings)
    assert str(settings.database) in caught.value.remedy


def test_nobody_gets_in_without_the_secret(prefect_server: ServerAddress) -> None:
    """Other users of the machine reach the port, not the runs."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{prefect_server.api_url}/version", timeout=10)
    caught.value.close()
    assert caught.value.code == 401
    stranger = ServerAddress(
        api_url=prefect_server.api_url, folder=prefect_server.folder, auth="docmill:wrong"
    )
    assert not server.healthy(stranger)


def test_the_ui_is_served(prefect_server: ServerAddress) -> None:
    """The web UI answers at the server's address and asks its own server, with a login."""
    with urllib.request.urlopen(prefect_server.ui_url, timeout=10) as answer:
        assert b"<html" in answer.read().lower()
    with urllib.request.urlopen(f"{prefect_server.ui_url}/ui-settings", timeout=10) as answer:
        settings = answer.read().decode()
    assert f'"{prefect_server.api_url}"' in settings
    assert '"BASIC"' in settings


def test_a_named_server_is_used_as_it_is(tmp_path: Path) -> None:
    """With PREFECT_API_URL docmill starts nothing, and waits for nothing."""
    folder = tmp_path / "prefect"
    address = server.ensure(ServerSettings(folder=folder, api_url="https://prefect.example/api/"))
    assert address == ServerAddress(api_url="https://prefect.example/api", folder=folder)
    assert not folder.exists()
