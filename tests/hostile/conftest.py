"""A pipeline run over one document drawn for the test: real sandbox, real store, embedded model."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import open_state
from docmill.compile import compile_pipeline
from docmill.errors import SessionError
from docmill.events import UserMessage
from docmill.flow.job import RunEnd
from docmill.records.checked import CheckedValue
from docmill.records.results import DocumentResult
from docmill.settings import load_settings
from docmill.spec.load import load_workspace

Draw = Callable[[Any], None]
FIELDS = {
    "bore": {"type": "quantity", "unit": "mm", "aliases": ["bore"]},
    "serial": {"type": "id", "aliases": ["serial number"], "required": False},
}
AGENT = {"name": "reader", "model": "rules"}


async def _carry_out(job: BatchJob) -> None:
    ingested = await job.ingest()
    for document in ingested.pending:
        try:
            await job.process(document, attempt=1)
        except SessionError as error:
            job.settle_failure(document, error, attempts=1)
    await job.judge()
    await job.report(RunEnd(status="finished"))


class Desk:
    """A workspace with one document."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("in", "pipelines", "agent_specs", "sandbox"):
            (root / folder).mkdir()
        (root / "docmill.yaml").write_text("state: .docmill\n")
        (root / "agent_specs" / "reader.yaml").write_text(json.dumps(AGENT))
        (root / "sandbox" / "default.yaml").write_text('{"name": "default"}')

    @property
    def document(self) -> Path:
        """Where the document lies."""
        return self.root / "in" / "paper.pdf"

    @property
    def report(self) -> Path:
        """Where its report lies."""
        return self.root / "reports" / "check" / "latest"

    def draw(self, draw: Draw, *, size: tuple[int, int] = (420, 300)) -> "Desk":
        """Make the document."""
        canvas: Any = Canvas(str(self.document), pagesize=size, invariant=1)
        draw(canvas)
        canvas.save()
        return self

    def run(self, **documents: Any) -> DocumentResult:
        """The document's end in a run with these keys of `documents`."""
        pipeline = {
            "name": "check",
            "agent": "reader",
            "documents": {"path": "in", **documents},
            "record": {"fields": FIELDS},
        }
        (self.root / "pipelines" / "check.yaml").write_text(json.dumps(pipeline))
        loaded = load_workspace(self.root)
        compiled = compile_pipeline(loaded, "check", verify_expectations=False)
        with open_state(loaded) as state:
            job = prepare_job(loaded, compiled, load_settings({}), state, observer=SilentObserver())
            asyncio.run(_carry_out(job))
            (result,) = job.reader().documents()
            return result

    def told(self, result: DocumentResult) -> str:
        """What the model was told of the document, all blocks together."""
        with open_state(load_workspace(self.root)) as state:
            trace = list(state.sessions.journal(result.session_id))
        events = [entry.event for entry in trace if isinstance(entry.event, UserMessage)]
        return "\n".join(str(block.get("text")) for event in events for block in event.content)

    @staticmethod
    def bore(result: DocumentResult) -> CheckedValue:
        """The value the tests are about."""
        assert result.record is not None, result.message
        (value,) = (value for value in result.record.values if value.path == "bore")
        return value


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty workspace."""
    return Desk(tmp_path)
