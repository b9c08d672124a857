"""A Prefect server that is none of the workspaces', and workspaces that deploy to it."""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.workers import end_worker

from docmill.cli import main
from docmill.flow import server
from docmill.flow.address import ServerAddress, ServerSettings
from docmill.flow.launch import prefect_client
from docmill.scaffold import make_workspace

KEPT = (
    "Pruefbericht_2023-0442.pdf",
    "TMI-57-0231.pdf",
    "ate_log_000322.pdf",
    "kps-2405-0118.pdf",
    "norrvik-7790.pdf",
)


class Answer(NamedTuple):
    """What a command said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Site:
    """A Prefect server somewhere, as those see it who have its address."""

    address: ServerAddress

    def environment(self, home: Path) -> dict[str, str]:
        """Of a machine of its own: a home, the address, and nothing else of Prefect's."""
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "PREFECT_API_URL": self.address.api_url,
            "PREFECT_API_AUTH_STRING": self.address.auth,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_HOME": str(home / "prefect"),
            "DO_NOT_TRACK": "1",
            # Addresses of repositories in tests are folders of this machine.
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def ask(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        """One call of Prefect's REST API, as its UI makes it."""
        token = b64encode(self.address.auth.encode()).decode()
        call = urllib.request.Request(
            self.address.api_url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"},
            method=method,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(call, timeout=30) as answer:
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                error.close()
                # SQLite was busy; Prefect's own clients ask again, too.
                if error.code != 503 or time.monotonic() > deadline:
                    raise

    def docmill(self, *arguments: str, at: Path) -> Answer:
        """A command on some machine that has the address; in this process, which is quicker."""
        out, err = StringIO(), StringIO()
        home = at.parent / "home"
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name in [each for each in os.environ if each.startswith(("DOCMILL_", "PREFECT_"))]:
                patch.delenv(name)
            for name, value in self.environment(home).items():
                patch.setenv(name, value)
            patch.chdir(at)
            patch.setattr(sys, "argv", ["docmill", *arguments])
            try:
                main()
            except SystemExit as ended:
                return Answer(int(ended.code or 0), out.getvalue(), err.getvalue())
        return Answer(0, out.getvalue(), err.getvalue())

    def deployed(self, *arguments: str, at: Path) -> dict[str, Any]:
        """What `docmill deploy --json` says, by deployment."""
        done = self.docmill("deploy", "--json", *arguments, at=at)
        assert done.code == 0, done.err
        return {change["deployment"]: change for change in json.loads(done.out)["changes"]}

    def start(self, deployment: str, **parameters: Any) -> str:
        """A run from Prefect's UI; returns the flow run's id."""
        found = self.ask(f"/deployments/name/{deployment}")
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        return str(self.ask(f"/deployments/{found['id']}/create_flow_run", body)["id"])

    def run(self, flow_run: str) -> dict[str, Any]:
        """A flow run as it stands."""
        return self.ask(f"/flow_runs/{flow_run}")

    def set_state(self, flow_run: str, **state: Any) -> dict[str, Any]:
        """What a button of the UI does."""
        return self.ask(f"/flow_runs/{flow_run}/set_state", {"state": state})


@pytest.fixture(scope="session")
def site(prefect_folder: Path) -> Site:
    """The server that all tests share."""
    address = server.ensure(ServerSettings(folder=prefect_folder))
    with warnings.catch_warnings(), prefect_client(address):
        # Prefect and what it brings along warn at import; not ours to mend.
        warnings.simplefilter("ignore")
        importlib.import_module("docmill.flow.deployments")
    return Site(address)


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example workspace with few documents, to be copied."""
    root = tmp_path_factory.mktemp("example") / "workspace"
    make_workspace(root)
    for document in (root / "sample_data" / "spec-check" / "documents").iterdir():
        if document.name not in KEPT:
            document.unlink()
    for folder in ("datasheets", "invoices", "material-certificates"):
        shutil.rmtree(root / "sample_data" / folder)
        (root / "pipelines" / f"{folder}.yaml").unlink()
    return root


@pytest.fixture
def workspace(example: Path, tmp_path: Path, name: str) -> Path:
    """A workspace with one pipeline that no other test has: the server is shared."""
    root = tmp_path / "workspace"
    shutil.copytree(example, root)
    spec = root / "pipelines" / "spec-check.yaml"
    text = re.sub("^name: .*$", f"name: {name}", spec.read_text(), flags=re.MULTILINE)
    (root / "pipelines" / f"{name}.yaml").write_text(text)
    spec.unlink()
    configure(root, name=name, work_pool=f"pool-{name}")
    return root


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The pipeline's name."""
    return re.sub("[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))[:40].strip(
        "-"
    )


def configure(root: Path, **deploy: Any) -> None:
    """Write `docmill.yaml` with these keys below `deploy`."""
    (root / "docmill.yaml").write_text(json.dumps({"deploy": deploy}))


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Ask again until the answer is a true one."""

    def wait(question: Callable[[], Any], *, seconds: float = 300) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.1)
        return answer

    return wait


@contextmanager
def working(site: Site, folder: Path, pool: str) -> Generator[Path]:
    """`docmill worker` on a machine with nothing but docmill; yields its log."""
    process, log = start_worker(site, folder, pool)
    try:
        yield log
    finally:
        end_worker(process)


def start_worker(
    site: Site, folder: Path, pool: str, *options: str
) -> tuple[subprocess.Popen[str], Path]:
    """`docmill worker`, and its log. As scripts start programs in the background, it ignores
    SIGINT, by which Prefect's own worker would be told to end."""
    folder.mkdir()
    log = folder.parent / "worker.log"
    docmill = (sys.executable, "-m", "docmill.cli", "worker", "--pool", pool, *options)
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *docmill],
            cwd=folder,
            env=site.environment(folder.parent / "elsewhere"),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    return process, log
