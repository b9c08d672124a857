"""Runs with an MCP server: met before anything is spent, called with consent."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from reportlab.pdfgen.canvas import Canvas

from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import State, open_state
from docmill.cli.approving import Say, approve, list_waiting
from docmill.compile import compile_pipeline
from docmill.errors import PrerequisiteError, RunError, SessionError
from docmill.events import Event, McpToolResult, McpTools, McpToolUse, ToolConfirmation
from docmill.flow.job import RunEnd
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.store.approvals import Question
from docmill.testing import Failure, ScriptedServer, tool_use

from .conftest import Crm

T = TypeVar("T")
KEY, TOKEN = "sk-test-0123456789", "crm-token-42"
RECORD = {"voltage": {"value": "3.30", "unit": "V", "page": 1, "quote": "3.30 V"}}
SUBMIT = [tool_use("submit_record", RECORD, call="s1")]
LOOK = tool_use("mcp__crm__look_up", {"serial": "A-1"}, call="l1")
ORDER = tool_use("mcp__crm__order", {"serial": "B-2"}, call="o1")
FILES = {
    "docmill.yaml": """
endpoints:
  scripted: {{base_url: "{model}", api_key_env: SCRIPTED_KEY}}
""",
    "agent_specs/reader.yaml": """
name: reader
model: scripted/reader
mcp_servers: [{{type: url, name: crm, url: "{crm}"}}]
tools:
  - type: mcp_toolset
    mcp_server_name: crm
    configs: [{{name: look_up, permission_policy: {{type: always_allow}}}}]
""",
    "pipelines/reports.yaml": """
name: reports
documents: in
agent: reader
record: {{fields: {{voltage: {{type: quantity, unit: V}}}}}}
limits: {{output_tokens: 4000}}
retries: {{calls: 1}}
vault: {{crm: {{env: CRM_TOKEN, hosts: ["{host}"], prefix: "Bearer "}}}}
""",
}


class Watcher(SilentObserver):
    """Remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Sequence[Question]]] = []

    def waits(self, document: str, questions: Sequence[Question]) -> None:
        """Note it."""
        self.asked.append((document, questions))


def workspace(root: Path, model: str, crm: Crm) -> LoadedWorkspace:
    """Specs, and one report that says 3.30 V."""
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        text = content.format(model=model, crm=crm.url, host=f"127.0.0.1:{crm.port}")
        (root / name).write_text(text)
    (root / "in").mkdir(exist_ok=True)
    canvas: Any = Canvas(str(root / "in" / "report.pdf"), invariant=1)
    canvas.drawString(72, 760, "Output voltage 3.30 V")
    canvas.save()
    return load_workspace(root)


def prepared(
    loaded: LoadedWorkspace,
    state: State,
    watcher: SilentObserver,
    more: Mapping[str, str] | None = None,
) -> BatchJob:
    """The run, planned and claimed, its server met; `more`: variables."""
    settings = load_settings({"SCRIPTED_KEY": KEY, "CRM_TOKEN": TOKEN, **(more or {})})
    compiled = compile_pipeline(loaded, "reports")
    return prepare_job(loaded, compiled, settings, state, observer=watcher)


async def process(job: BatchJob) -> None:
    """What the flow does with the only document."""
    async with job.held:
        (document,) = (await job.ingest()).pending
        await job.process(document, attempt=1)


class Ran(NamedTuple):
    """What came of a run."""

    watcher: Watcher
    events: list[Event]
    """Of the newest session of its only document."""

    def of(self, kind: type[T]) -> list[T]:
        """Events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


def run(loaded: LoadedWorkspace, state: State, *meanwhile: Callable[[], Any]) -> Ran:
    """A run from its start to the document's end; `meanwhile` goes on beside it."""
    watcher = Watcher()
    job = prepared(loaded, state, watcher)

    async def both() -> None:
        await asyncio.gather(process(job), *(work() for work in meanwhile))

    try:
        asyncio.run(both())
    except SessionError as error:
        job.settle_failure(job.plan.documents[0], error, attempts=1)
    finally:
        job.release()
        job.close(RunEnd(status="finished"))
    session = state.sessions.latest(job.plan.documents[0].key)
    assert session is not None
    return Ran(watcher, [stored.event for stored in state.sessions.journal(session)])


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace's folder, where commands look."""
    monkeypatch.setenv("DOCMILL_WORKSPACE", str(tmp_path))
    return tmp_path


async def allowed() -> None:
    """A person who looks what waits, and allows it."""
    loaded = load_workspace(Path(os.environ["DOCMILL_WORKSPACE"]))
    with open_state(loaded) as state:
        while not state.approvals.waiting():  # noqa: ASYNC110 - it comes by the store
            await asyncio.sleep(0.01)
    list_waiting(json=False)
    says = Say("allow")
    approve("latest", "report.pdf", says, json=False)


def test_a_run_calls_a_server_with_consent(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The call that may change something waits for `docmill approve`; the other doesn't."""
    crm = Crm()
    crm.wants = f"Bearer {TOKEN}"
    with crm.up(), ScriptedServer([[LOOK, ORDER], SUBMIT], key=KEY) as model:
        loaded = workspace(at, model.base_url, crm)
        with open_state(loaded) as state:
            ran = run(loaded, state, allowed)
    assert [(use.mcp_server_name, use.name) for use in ran.of(McpToolUse)] == [
        ("crm", "look_up"),
        ("crm", "order"),
    ]
    assert not any(result.is_error for result in ran.of(McpToolResult))
    assert [said.result for said in ran.of(ToolConfirmation)] == ["allow"]
    (offered,) = ran.of(McpTools)
    assert offered.tools == ("mcp__crm__look_up", "mcp__crm__order", "mcp__crm__photo")
    said = capsys.readouterr().out
    assert 'crm: order(serial="B-2")' in said
    assert "allowed: report.pdf" in said
    assert [len(asked) for _, asked in ran.watcher.asked] == [1, 0]
    written = b"".join(path.read_bytes() for path in at.rglob("*") if path.is_file())
    assert b"B-2" in written
    assert TOKEN.encode() not in written


def test_a_document_that_waits_for_a_person_holds_up_no_other(at: Path) -> None:
    """Its only place is another's meanwhile; it takes it again before it goes on."""
    crm = Crm()
    with crm.up(), ScriptedServer([[ORDER], SUBMIT, SUBMIT], key=KEY) as model:
        loaded = workspace(at, model.base_url, crm)
        canvas: Any = Canvas(str(at / "in" / "second.pdf"), invariant=1)
        canvas.drawString(72, 760, "Output voltage 3.30 V again")
        canvas.save()
        with open_state(loaded) as state:
            job = prepared(loaded, state, SilentObserver(), {"DOCMILL_CONCURRENCY": "1"})
            assert job.concurrency > 1

            async def both() -> None:
                async with job.held:
                    first, second = (await job.ingest()).pending
                    waits = asyncio.create_task(job.process(first, attempt=1))
                    while not state.approvals.waiting():  # noqa: ASYNC110 - it comes by the store
                        await asyncio.sleep(0.01)
                    done = await job.process(second, attempt=1)
                    assert done["status"] == "ok"
                    assert not waits.done()
                    await allowed()
                    assert (await waits)["status"] == "ok"

            try:
                asyncio.run(both())
            finally:
                job.release()
                job.close(RunEnd(status="finished"))


def test_a_server_that_is_away_stops_the_run_before_it_begins(at: Path) -> None:
    """No run is claimed, no model asked."""
    crm = Crm()
    with ScriptedServer([], key=KEY) as model:
        loaded = workspace(at, model.base_url, crm)
        with open_state(loaded) as state:
            with pytest.raises(PrerequisiteError, match=r"`crm` can't be used"):
                prepared(loaded, state, Watcher())
            assert state.runs.recent() == []


def test_a_changed_server_is_noticed_at_resume(at: Path) -> None:
    """The session can't go on with other tools than it was told of: it starts anew."""
    crm = Crm()
    with ScriptedServer([[LOOK], Failure(400), SUBMIT], key=KEY) as model:
        loaded = workspace(at, model.base_url, crm)
        with open_state(loaded) as state:
            with crm.up():
                first = run(loaded, state)
            crm.extra = True
            with crm.up():
                second = run(loaded, state)
    assert len(first.of(McpToolResult)) == 1
    assert second.of(McpToolResult) == []
    assert "mcp__crm__extra" in second.of(McpTools)[0].tools


def test_a_server_that_goes_away_is_an_answer_for_the_model(at: Path) -> None:
    """It can hand in what it has."""
    crm = Crm()
    with ScriptedServer([[LOOK], SUBMIT], key=KEY) as model:
        loaded = workspace(at, model.base_url, crm)
        with open_state(loaded) as state:
            with crm.up():
                job = prepared(loaded, state, Watcher())
            asyncio.run(process(job))
            job.release()
            session = state.sessions.latest(job.plan.documents[0].key)
            assert session is not None
            events = [stored.event for stored in state.sessions.journal(session)]
            (result,) = [event for event in events if isinstance(event, McpToolResult)]
            assert result.is_error
            assert "can't be reached" in str(result.content)
            job.close(RunEnd(status="finished"))


def test_several_calls_have_to_be_told_apart(at: Path) -> None:
    """`approve` decides on one call, or on all of them if that is said; never on one of several."""
    crm = Crm()
    photo = tool_use("mcp__crm__photo", {}, call="p1")

    async def person() -> None:
        loaded = load_workspace(at)
        with open_state(loaded) as state:
            while len(state.approvals.waiting()) < 2:  # noqa: ASYNC110 - it comes by the store
                await asyncio.sleep(0.01)
        with pytest.raises(RunError, match="2 calls wait"):
            approve("latest", None, Say("allow"), json=False)
        approve("latest", None, Say("allow", call="p1"), json=False)
        approve("latest", None, Say("deny", reason="not today", every=True), json=False)
        with pytest.raises(RunError, match="waits for nobody"):
            approve("latest", None, Say("allow"), json=False)

    with crm.up(), ScriptedServer([[ORDER, photo], SUBMIT], key=KEY) as model:
        loaded = workspace(at, model.base_url, crm)
        with open_state(loaded) as state:
            ran = run(loaded, state, person)
    decided = {said.tool_use_id: said.result for said in ran.of(ToolConfirmation)}
    assert decided == {"o1": "deny", "p1": "allow"}
    assert crm.calls == []
