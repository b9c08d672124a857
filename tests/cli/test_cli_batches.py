"""`mode: batch`, for real: rounds over HTTP, and runs that end in the middle of one."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from tests.cli.conftest import Docmill, served

from docmill.testing import ScriptedServer, reader
from docmill.testing.log import Entry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DOCUMENTS = 3
TURNS = 3
ENDPOINT = """\
endpoints:
  scripted:
    base_url: {base_url}
    api_key_env: SCRIPTED_KEY
    capabilities: {{batches: {batches}}}
prices: prices.yaml
"""
PRICES = "{as_of: 2026-11-01, models: {scripted/reader: {input: 1, output: 5}}}"
PIPELINE = """\
name: reports
documents: in
agent: reader
record: {fields: {voltage: {type: quantity, unit: V}}}
limits: {usd_per_run: 5}
mode: batch
"""


ENVIRONMENT = """\
name: default
docmill: {limits: {seconds: 1}}
"""
"""A sandbox that has less time than a batch takes: waiting isn't counted."""


def record(number: int) -> dict[str, Any]:
    """What a report says."""
    volts = f"3.{number:02d}"
    return {"voltage": {"value": volts, "unit": "V", "page": 1, "quote": volts}}


def write_report(path: Path, number: int) -> None:
    """A page that says it."""
    canvas: Any = Canvas(str(path), invariant=1)
    canvas.rect(50, 50, 400, 20)
    canvas.drawString(72, 760, f"Report R-{number:04d}")
    canvas.drawString(72, 740, f"Output voltage 3.{number:02d} V")
    canvas.save()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, prefect_folder: Path) -> Path:
    """A workspace with its Prefect server up."""
    root = tmp_path_factory.mktemp("batches") / "demo"
    for folder in ("agent_specs", "pipelines", "sandbox", "in"):
        (root / folder).mkdir(parents=True)
    (root / "prices.yaml").write_text(PRICES)
    (root / "agent_specs" / "reader.yaml").write_text("name: reader\nmodel: scripted/reader\n")
    (root / "pipelines" / "reports.yaml").write_text(PIPELINE)
    (root / "sandbox" / "default.yaml").write_text(ENVIRONMENT)
    for number in range(DOCUMENTS):
        write_report(root / "in" / f"report-{number}.pdf", number)
    (root / "docmill.yaml").write_text("")
    return served(root, prefect_folder)


class Case:
    """The workspace with nothing run, and the endpoint its model is asked at."""

    def __init__(self, root: Path, endpoint: ScriptedServer) -> None:
        self.root = root
        self.endpoint = endpoint
        (root / ".docmill" / "store.db").unlink(missing_ok=True)
        self.allow(batches=True)

    def allow(self, *, batches: bool) -> None:
        """Whether the endpoint is said to have batches."""
        text = ENDPOINT.format(base_url=self.endpoint.base_url, batches=str(batches).lower())
        (self.root / "docmill.yaml").write_text(text)

    @contextmanager
    def running(self) -> Generator[subprocess.Popen[str]]:
        """`docmill run` as a process of its own; none is left."""
        process = subprocess.Popen(
            [sys.executable, "-m", "docmill.cli", "run", "reports"],
            cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={"PATH": os.environ["PATH"], "SCRIPTED_KEY": "test"}, start_new_session=True,
        )  # fmt: skip
        with process:
            try:
                yield process
            finally:
                process.kill()

    def stopped_in_batch(self, number: int, sign: signal.Signals) -> tuple[int, str]:
        """Run, and send the signal as soon as so many batches were sent; code and words."""
        with self.running() as run:
            while len(self.sent()) < number:
                assert run.poll() is None, run.communicate()
                time.sleep(0.002)
            run.send_signal(sign)
            words = run.communicate()[1]
            return run.returncode, words

    def finished(self) -> None:
        """Run to the end."""
        with self.running() as run:
            words = run.communicate()[1]
            assert run.returncode == 0, words

    def sent(self) -> list[Entry]:
        """Batches the endpoint has taken."""
        asked = [entry for entry in self.endpoint.log if entry.path == "/v1/messages/batches"]
        return [entry for entry in asked if entry.kind == "batch" and entry.sha256 != EMPTY]

    def asked(self) -> Counter[str]:
        """How often each call was part of a batch, by what it asked."""
        return Counter(entry.sha256 for entry in self.endpoint.log if entry.kind == "batch_entry")

    def rows(self, query: str) -> list[Any]:
        """Of the store's database."""
        with closing(sqlite3.connect(self.root / ".docmill" / "store.db")) as connection:
            rows = connection.execute(query).fetchall()
            connection.commit()
        return [row[0] for row in rows]

    def ledger(self) -> dict[str, float]:
        """Sums of the charges."""
        total: dict[str, float] = defaultdict(float)
        for text in self.rows("SELECT usage FROM charges"):
            for name, value in json.loads(text).items():
                total[name] += float(value)
        return total


EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""sha256 of a request without a body."""


@pytest.fixture
def case(workspace: Path) -> Iterator[Case]:
    """An endpoint whose batches take a while."""
    records = {f"R-{number:04d}": record(number) for number in range(DOCUMENTS)}
    policy = reader(records, turns=TURNS, marker=r"R-\d+")
    with ScriptedServer(policy, batch_seconds=1.5) as endpoint:
        yield Case(workspace, endpoint)


def test_each_turn_of_all_documents_is_one_batch(case: Case) -> None:
    """At half the price, and in the ledger as such."""
    case.finished()
    assert len(case.sent()) == TURNS
    assert sorted(case.asked().values()) == [1] * (DOCUMENTS * TURNS)
    ledger = case.ledger()
    assert ledger["batched_calls"] == ledger["model_calls"] == DOCUMENTS * TURNS
    totals = case.endpoint.totals
    dollars = (totals["input_tokens"] * 1 + totals["output_tokens"] * 5) / 1_000_000
    assert ledger["usd"] == pytest.approx(dollars / 2)


def test_each_end_in_a_batch_leaves_it_to_the_next_run(case: Case) -> None:
    """By Ctrl-C, which says so, or by a kill, also before the batch's id came to be stored: nothing
    is asked twice, and the ledger is the endpoint's count."""
    code, words = case.stopped_in_batch(1, signal.SIGINT)
    assert code == 130
    said = "A message batch goes on at the endpoint; the next run takes over the answers."
    assert said in re.sub(r"\s+", " ", words)
    assert case.stopped_in_batch(2, signal.SIGKILL)[0] == -signal.SIGKILL
    assert case.stopped_in_batch(3, signal.SIGKILL)[0] == -signal.SIGKILL
    case.rows("UPDATE batches SET id = '' WHERE number = 3")
    case.finished()
    assert set(case.asked().values()) == {1}
    assert case.asked().total() == DOCUMENTS * TURNS
    ledger = case.ledger()
    assert ledger["model_calls"] == case.endpoint.totals["answers"] == DOCUMENTS * TURNS
    assert not ledger["lost_calls"]


def test_an_endpoint_without_batches_is_said_before_the_run(
    case: Case, docmill: Docmill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent, and the remedy is named."""
    case.allow(batches=False)
    monkeypatch.setenv("SCRIPTED_KEY", "test")
    answer = docmill("run", "reports", at=case.root)
    assert answer.code == 3
    assert "has no message batches" in answer.err
    assert "Remove `mode: batch`" in answer.err
    assert not case.endpoint.log
