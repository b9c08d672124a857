"""What a model is shown of a document, and how it hands in, by what its endpoint can do."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import open_state
from docmill.compile import compile_pipeline
from docmill.events import ModelRequestEnd
from docmill.records.results import DocumentResult, Usage
from docmill.settings import load_settings
from docmill.spec.load import load_workspace
from docmill.testing import Answer, ScriptedServer, Step, text, tool_use

RECORD = {"voltage": {"value": "3.30", "unit": "V", "page": 1, "quote": "3.30 V"}}
WRONG = {"voltage": {"value": "9.99", "unit": "V", "page": 1, "quote": "9.99 V"}}
PIPELINE = """
name: reports
documents: {{path: in, present: {present}}}
agent: reader
record: {{fields: {{voltage: {{type: quantity, unit: V}}}}}}
"""


class Reader:
    """A scripted agent that keeps what it was sent."""

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.requests: list[dict[str, Any]] = []

    def __call__(self, request: dict[str, Any]) -> Step:
        self.requests.append(request)
        return self._steps.pop(0)

    def blocks(self, kind: str) -> list[dict[str, Any]]:
        """Blocks of a kind in the last request, those within tool results too."""
        found: list[dict[str, Any]] = []
        waiting = [
            block for message in self.requests[-1]["messages"] for block in message["content"]
        ]
        while waiting:
            block = waiting.pop()
            found += [block] if block["type"] == kind else []
            inner = block.get("content")
            waiting += inner if isinstance(inner, list) else []
        return found


class Office:
    """Runs the workspace's document and keeps the sessions' uses."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.turns: list[Usage] = []

    def write_report(self, *lines: str) -> None:
        """The document."""
        (self.root / "in").mkdir(exist_ok=True)
        canvas: Any = Canvas(str(self.root / "in" / "report.pdf"), invariant=1)
        for place, line in enumerate(lines):
            canvas.drawString(72, 760 - 14 * place, line)
        canvas.save()

    async def read(
        self, reader: Reader, capabilities: str, *, present: str = "auto"
    ) -> DocumentResult:
        """Have it read by a scripted model."""
        async with ScriptedServer(reader) as server:
            for folder in ("agent_specs", "pipelines"):
                (self.root / folder).mkdir(exist_ok=True)
            (self.root / "docmill.yaml").write_text(
                f"endpoints: {{scripted: {{base_url: '{server.base_url}', api_key_env: KEY, "
                f"capabilities: {capabilities}}}}}\n"
            )
            agent = "name: reader\nmodel: scripted/reader\n"
            (self.root / "agent_specs" / "reader.yaml").write_text(agent)
            pipeline = PIPELINE.format(present=present)
            (self.root / "pipelines" / "reports.yaml").write_text(pipeline)
            return await self._run()

    async def _run(self) -> DocumentResult:
        loaded = load_workspace(self.root)
        with open_state(loaded) as state:
            compiled = compile_pipeline(loaded, "reports")
            settings = load_settings({"KEY": "test"})
            job = prepare_job(loaded, compiled, settings, state, observer=SilentObserver())
            try:
                async with job.held:
                    for document in (await job.ingest()).pending:
                        await job.process(document, attempt=1)
            finally:
                job.release()
            (result,) = job.reader().documents()
            events = [entry.event for entry in state.sessions.journal(result.session_id)]
        self.turns = [event.model_usage for event in events if isinstance(event, ModelRequestEnd)]
        return result


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A workspace with a report of 3.30 V and some prose."""
    office = Office(tmp_path)
    office.write_report("Output voltage 3.30 V", *["The unit was tested as delivered."] * 40)
    return office


async def test_by_default_a_model_gets_text_and_tools(office: Office) -> None:
    """No picture, no file: the text is enough and the cheapest."""
    reader = Reader(Answer([tool_use("submit_record", RECORD)]))
    result = await office.read(reader, "{images: true, documents: true}")
    assert result.status == "ok"
    assert not reader.blocks("image")
    assert not reader.blocks("document")


async def test_an_endpoint_that_keeps_to_a_schema_answers_in_words(office: Office) -> None:
    """The record is the answer's text; there is no tool for it, and errors go back as words."""
    reader = Reader(Answer([text(json.dumps(WRONG))]), Answer([text(json.dumps(RECORD))]))
    result = await office.read(reader, "{json_schema: true}")
    assert result.status == "ok"
    names = {tool["name"] for tool in reader.requests[0].get("tools", ())}
    assert "submit_record" not in names
    assert reader.requests[0]["output_config"]["format"]["type"] == "json_schema"
    last = reader.requests[1]["messages"][-1]
    assert "9.99 V" in last["content"][-1]["text"]


async def test_a_picture_comes_where_the_agent_asks(office: Office) -> None:
    """`view_page` gives it the page as printed; the journal keeps only the picture's hash."""
    look = Answer([tool_use("view_page", {"page": 1}, call="toolu_v")])
    reader = Reader(look, Answer([tool_use("submit_record", RECORD)]))
    result = await office.read(reader, "{images: true}")
    assert result.status == "ok"
    (picture,) = reader.blocks("image")
    assert base64.b64decode(picture["source"]["data"]).startswith(b"\x89PNG")


async def test_a_page_that_is_not_there_is_an_error_for_the_model(office: Office) -> None:
    """It is told which pages there are."""
    look = Answer([tool_use("view_page", {"page": 9}, call="toolu_v")])
    reader = Reader(look, Answer([tool_use("submit_record", RECORD)]))
    await office.read(reader, "{images: true}")
    (result,) = reader.blocks("tool_result")
    assert result["is_error"]
    assert "from 1 to 1" in str(result["content"])


async def test_pictures_come_where_the_pipeline_says_so(office: Office) -> None:
    """One per page, beside the text."""
    reader = Reader(Answer([tool_use("submit_record", RECORD)]))
    await office.read(reader, "{images: true}", present="pictures")
    assert len(reader.blocks("image")) == 1


async def test_the_file_comes_where_the_pipeline_says_so(office: Office) -> None:
    """As a document block."""
    reader = Reader(Answer([tool_use("submit_record", RECORD)]))
    await office.read(reader, "{documents: true}", present="pdf")
    (file,) = reader.blocks("document")
    assert base64.b64decode(file["source"]["data"]).startswith(b"%PDF")


async def test_a_page_with_hardly_any_text_comes_with_its_picture(office: Office) -> None:
    """Its text layer can't be all that is on it."""
    office.write_report("3.30 V")
    reader = Reader(Answer([tool_use("submit_record", RECORD)]))
    await office.read(reader, "{images: true}")
    assert len(reader.blocks("image")) == 1


async def test_from_the_second_turn_on_the_prompt_is_read_from_the_cache(office: Office) -> None:
    """At least nine tenths of it."""
    looks = [
        Answer([tool_use("grep", {"pattern": "voltage"}, call=f"toolu_{turn}")])
        for turn in range(3)
    ]
    reader = Reader(*looks, Answer([tool_use("submit_record", RECORD)]))
    await office.read(reader, "{caching: true}")
    later = sum(office.turns[1:], Usage())
    assert later.cache_read_tokens >= 0.9 * later.prompt_tokens
