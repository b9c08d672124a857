"""A real Prefect server for tests of flows, and a way to ask it what it knows."""

import base64
import gc
import importlib
import json
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.forked import template

from docmill.flow import server
from docmill.flow.address import ServerAddress, ServerSettings
from docmill.flow.launch import prefect_client

sys.path.append(str(Path(__file__).parent))

Ask = Callable[..., Any]
"""`ask(path, body=None)`: GET, or POST with a body; the answer's JSON."""


@pytest.fixture(scope="session")
def prefect_server(prefect_folder: Path) -> Iterator[ServerAddress]:
    """The server that all tests share."""
    address = server.ensure(ServerSettings(folder=prefect_folder))
    with warnings.catch_warnings(), prefect_client(address):
        # Prefect and what it brings along warn at import; not ours to mend.
        warnings.simplefilter("ignore")
        importlib.import_module("docmill.flow.runner")
    with template():
        yield address


@pytest.fixture(autouse=True)
def no_litter() -> Iterator[None]:
    """Prefect leaves a result file open where it is cancelled while it opens it."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed file.*/storage/", ResourceWarning)
        gc.collect()


@pytest.fixture
def ask(prefect_server: ServerAddress) -> Ask:
    """Prefect's REST API, as its UI uses it."""

    def call(path: str, body: object = None) -> Any:
        return request(prefect_server, path, body)

    return call


def request(address: ServerAddress, path: str, body: object = None) -> Any:
    """One call of Prefect's REST API."""
    token = base64.b64encode(address.auth.encode()).decode()
    call = urllib.request.Request(
        address.api_url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
    )
    for _ in range(50):
        try:
            with urllib.request.urlopen(call, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            # SQLite was busy; Prefect's own clients ask again, too.
            if error.code != 503:
                raise
        time.sleep(0.2)
    raise AssertionError(f"{path} was never free")


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """Ask again until the answer is a true one; Prefect records runs a second or two later."""

    def wait(question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 30
        while not (answer := question()):
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.1)
        return answer

    return wait
