"""Shared by all tests: nothing may stay behind a test, and no test may reach a paid model."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from docmill.flow import server
from docmill.flow.address import ServerSettings

KEYS = {
    name: os.environ.pop(name, "")
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY")
}
"""Taken from the environment before anything can use them; tests marked `live` may ask."""

KEEPERS = pytest.StashKey[set[int]]()
"""Processes that session-wide fixtures started and will end themselves."""

PREFECT = pytest.StashKey[ServerSettings]()
"""This process's Prefect server, from the first test on that needs one."""
SERVERS = pytest.StashKey[Path]()
"""Folder of the servers of all processes; the one that all others are started by ends them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Real models cost money: they are asked only by `pytest --live`."""
    parser.addoption("--live", action="store_true", help="run tests that call paid models")


def pytest_configure(config: pytest.Config) -> None:
    """Make room for what session-wide fixtures start; no test fails for being slow."""
    config.stash[KEEPERS] = set()
    given: dict[str, str] = getattr(config, "workerinput", {})
    servers = Path(given.get("servers") or tempfile.mkdtemp(prefix="docmill-prefect-"))
    folder = servers / given.get("workerid", "alone")
    config.stash[SERVERS] = servers
    config.stash[PREFECT] = ServerSettings(folder=folder, idle_minutes=90)
    hypothesis.settings.register_profile("docmill", deadline=None)
    hypothesis.settings.load_profile("docmill")


def pytest_configure_node(node: Any) -> None:
    """Tell a worker where its server has its place."""
    node.workerinput["servers"] = str(node.config.stash[SERVERS])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Servers end with the session, not with a worker."""
    if not hasattr(config, "workerinput"):
        for folder in config.stash[SERVERS].iterdir():
            server.stop(ServerSettings(folder=folder))
        shutil.rmtree(config.stash[SERVERS], ignore_errors=True)


@pytest.fixture(scope="session")
def prefect_folder(pytestconfig: pytest.Config) -> Path:
    """Folder of a running Prefect server, the same for all tests of a worker.

    A workspace uses it whose `.docmill/prefect` is a link to it. Others do so, too: names of
    deployments, pools and blocks have to be a test's own.
    """
    server.ensure(pytestconfig.stash[PREFECT])
    return pytestconfig.stash[PREFECT].folder


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without --live the tests that cost money aren't there; what takes longest is dealt first."""
    if not config.getoption("--live"):
        paid = [item for item in items if item.get_closest_marker("live")]
        config.hook.pytest_deselected(items=paid)
        items[:] = [item for item in items if item not in paid]
    seconds: defaultdict[str, float] = defaultdict(float)
    for item in items:
        seconds[_group(item.nodeid)] += _seconds(item.nodeid)
    items.sort(key=lambda item: -seconds[_group(item.nodeid)])


@pytest.fixture
def anthropic_key(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the environment, for tests marked `live`; the network is open to them."""
    assert request.node.get_closest_marker("live"), "only tests marked `live` may spend"
    if not KEYS["ANTHROPIC_API_KEY"]:
        pytest.fail("--live needs ANTHROPIC_API_KEY")
    monkeypatch.setattr(socket.socket, "connect", _connect)
    monkeypatch.setattr(socket.socket, "connect_ex", _connect_ex)
    return KEYS["ANTHROPIC_API_KEY"]


SHARING_A_SERVER = {
    "tests/flow": "flow",
    "tests/cli/test_cli_run.py": "cli",
    "tests/cli/test_cli_terminal.py": "cli",
    "tests/deploy/test_deploy_ends.py": "deploy",
    "tests/deploy/test_deploy_policies.py": "deploy",
    "tests/deploy/test_deploy_registry.py": "deploy",
}
"""Folder or file → tests that go to one worker, because they share an expensive fixture."""


SLOW = {
    "tests/bundles": 0.5,
    "tests/cli": 0.5,
    "tests/cli/test_cli_batches.py": 30,
    "tests/cli/test_cli_deploy.py": 20,
    "tests/cli/test_cli_killed.py": 30,
    "tests/cli/test_cli_resume.py": 30,
    "tests/cli/test_cli_run.py": 3,
    "tests/cli/test_cli_terminal.py": 10,
    "tests/cli/test_cli_vault.py": 45,
    "tests/cli/test_cli_watch.py": 20,
    "tests/crash": 30,
    "tests/deploy": 3,
    "tests/deploy/test_deploy_ends.py": 12,
    "tests/deploy/test_deploy_workers.py": 70,
    "tests/flow": 2,
    "tests/models/rules/test_rules_accuracy.py": 27,
    "tests/scaffold/test_scaffold_wheel.py": 40,
    "tests/scale": 5,
    "tests/scale/test_scale_prefect.py": 55,
    "tests/scale/test_scale_shards.py": 35,
    "tests/selfcheck": 2,
    "tests/stack/test_stack_whole.py": 60,
}
"""Folder or file → seconds that a test in it takes, roughly; others take `QUICK`."""
QUICK = 0.2


def _group(nodeid: str) -> str:
    """What goes to one worker as a whole: a file, or all that share a server."""
    file = nodeid.partition("::")[0]
    return SHARING_A_SERVER.get(file) or SHARING_A_SERVER.get(file.rpartition("/")[0]) or file


def _seconds(nodeid: str) -> float:
    file = nodeid.partition("::")[0]
    return SLOW.get(file) or SLOW.get(file.rpartition("/")[0]) or QUICK


class Scheduling(LoadScopeScheduling):
    """Deals out tests file by file, and those that share a server together."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """With several workers; groups are dealt in the order in which they were sorted."""
    config.option.loadscopereorder = False
    return Scheduling(config, log)


MAY_BE_SKIPPED = re.compile(
    r"shared/data|real documents|only root|root's home|can't be read by an ordinary user"
    r"|limited per process only|has no npm",
    re.IGNORECASE,
)
"""What a machine can lack in the gate: the real documents, root, a Python elsewhere, cgroups."""


def _all_or_nothing(report: Any) -> Any:
    """In the gate (DOCMILL_CI) a test that is skipped for lack of a program has failed."""
    if report.skipped and os.environ.get("DOCMILL_CI") and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        if not MAY_BE_SKIPPED.search(reason):
            report.outcome = "failed"
            report.longrepr = f"skipped, and in the gate nothing may be: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Reports of tests."""
    return _all_or_nothing((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Reports of files that are skipped as a whole."""
    return _all_or_nothing((yield))


_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True
    host = str(address[0])  # pyright: ignore[reportUnknownArgumentType]
    return host.startswith("127.") or host in ("::1", "localhost")


def _guarded_connect(self: socket.socket, address: object) -> None:
    if not _is_local(address):
        raise AssertionError(f"a test tried to reach {address!r}")
    _connect(self, address)  # pyright: ignore[reportArgumentType]


def _guarded_connect_ex(self: socket.socket, address: object) -> int:
    if not _is_local(address):
        raise AssertionError(f"a test tried to reach {address!r}")
    return _connect_ex(self, address)  # pyright: ignore[reportArgumentType]


socket.socket.connect = _guarded_connect  # type: ignore[method-assign]
socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def nothing_stays_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """No child process is left after a test; a session's server fixtures are started before."""
    before = _children()
    yield
    left = {pid: name for pid, name in _children().items() if pid not in before}
    left = {pid: name for pid, name in left.items() if pid not in request.config.stash[KEEPERS]}
    commands = [_command(pid) or name for pid, name in left.items()]
    assert not left, f"processes left behind: {commands}"


def _command(pid: int) -> str:
    """The command line of a process; empty if it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _children() -> dict[int, str]:
    """Live child processes of this one, with their command names."""
    found: dict[int, str] = {}
    for task in Path("/proc/self/task").iterdir():
        try:
            pids = (task / "children").read_text().split()
        except OSError:
            continue
        for pid in pids:
            try:
                stat = Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                continue
            if stat.rpartition(")")[2].split()[0] != "Z":
                found[int(pid)] = stat.partition("(")[2].rpartition(")")[0]
    return found


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL of our own."""

    folder: Path
    url: str
    """Of its database, as its owner."""

    def control(self, action: str) -> None:
        """`restart` as after a crash, `pause` or `resume`."""
        subprocess.run([CONTROL, action, self.folder], check=True)

    def run(self, statement: str) -> None:
        """SQL, as the owner."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


CONTROL = Path(__file__).parents[1] / ".ci" / "database"


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A PostgreSQL server for the tests of one process."""
    if not (shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))):
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # The server's user can't look into pytest's own folders, and a socket's path is short.
    folder = Path(f"/tmp/docmill-postgresql-{secrets.token_hex(4)}")
    try:
        started = subprocess.run(
            [CONTROL, "start", folder], check=True, stdout=subprocess.PIPE, text=True
        )
        yield Cluster(folder, started.stdout.strip())
    finally:
        subprocess.run([CONTROL, "stop", folder], check=True)


@pytest.fixture
def database_url(postgresql: Cluster) -> Iterator[str]:
    """An empty schema of that server, as DOCMILL_DATABASE_URL names it."""
    name = f"t{secrets.token_hex(6)}"
    postgresql.run(f"CREATE SCHEMA {name}")
    yield f"{postgresql.url}?options=-csearch_path%3D{name}"
    postgresql.run(f"DROP SCHEMA {name} CASCADE")
