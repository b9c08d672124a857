"""A run whose store is a PostgreSQL that crashes in the middle, again and again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import open_state
from docmill.compile import compile_pipeline
from docmill.flow.job import RunEnd
from docmill.plan import PlannedDocument
from docmill.records.results import Usage
from docmill.settings import load_settings
from docmill.spec.load import load_workspace
from docmill.store.runs import DocumentEnd
from docmill.testing import Answer, ScriptedServer, tool_use

if TYPE_CHECKING:
    from tests.conftest import Cluster

KEY = "sk-test-0123456789"
RECORD = {"voltage": {"value": "3.30", "unit": "V", "page": 1, "quote": "3.30 V"}}
WORKSPACE = {
    "docmill.yaml": """
endpoints:
  scripted: {{base_url: "{url}", api_key_env: SCRIPTED_KEY}}
prices: prices.yaml
""",
    "prices.yaml": """
as_of: 2026-11-01
models:
  scripted/reader: {{input: 1, output: 5, cache_write: 1.25, cache_read: 0.10}}
""",
    "agent_specs/reader.yaml": "name: reader\nmodel: scripted/reader\n",
    "pipelines/reports.yaml": """
name: reports
documents: in
agent: reader
record:
  fields:
    voltage: {{type: quantity, unit: V}}
limits: {{turns: 4, usd_per_run: 5, output_tokens: 4000}}
""",
}


class Crashing(SilentObserver):
    """Crashes the server whenever a document begins or ends."""

    def __init__(self, server: "Cluster") -> None:
        self._server = server
        self.crashes = 0

    def began(self, document: PlannedDocument, *, attempt: int) -> None:
        """In the middle of a session."""
        self._crash()

    def ended(self, document: PlannedDocument, end: DocumentEnd, usage: Usage) -> None:
        """Before the next one."""
        self._crash()

    def _crash(self) -> None:
        self._server.control("restart")
        self.crashes += 1


def make_workspace(root: Path, url: str, documents: Sequence[str]) -> None:
    """Specs, and reports that say 3.30 V."""
    for name, content in WORKSPACE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content.format(url=url))
    (root / "in").mkdir()
    for name in documents:
        canvas: Any = Canvas(str(root / "in" / f"{name}.pdf"), invariant=1)
        canvas.drawString(72, 760, f"Report {name}: output voltage 3.30 V")
        canvas.save()


async def drive(job: BatchJob) -> None:
    """What the flow does."""
    async with job.held:
        for document in (await job.ingest()).pending:
            await job.process(document, attempt=1)
    await job.judge()
    job.release()
    job.close(RunEnd(status="finished"))


async def test_a_run_outlives_crashes_of_its_database(
    tmp_path: Path, database_url: str, postgresql: "Cluster"
) -> None:
    """Every document is read and paid once; the state folder holds no store of its own."""
    answers = [Answer([tool_use("submit_record", RECORD, call=f"toolu_{n}")]) for n in range(2)]
    async with ScriptedServer(answers, key=KEY) as server:
        make_workspace(tmp_path, server.base_url, ["a", "b"])
        loaded = load_workspace(tmp_path)
        settings = load_settings({"SCRIPTED_KEY": KEY, "DOCMILL_DATABASE_URL": database_url})
        observer = Crashing(postgresql)
        with open_state(loaded, settings) as state:
            compiled = compile_pipeline(loaded, "reports")
            job = prepare_job(loaded, compiled, settings, state, observer=observer)
            await drive(job)
            results = list(job.reader().documents())
            spent = state.sessions.spent(1)
        asked = sum(entry.kind == "message" for entry in server.log)
    assert observer.crashes == 4
    assert [result.status for result in results] == ["ok", "ok"]
    assert (asked, spent.model_calls, spent.lost_calls) == (2, 2, 0)
    assert not (tmp_path / ".docmill" / "store.db").exists()
