"""Tool calls that a person has to allow: asked, waited for, stored, remembered."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from docmill.events import (
    CustomToolResult,
    Event,
    McpToolResult,
    McpToolUse,
    ModelRequestStart,
    StatusIdle,
    ToolConfirmation,
    ToolResultEvent,
    ToolUse,
)
from docmill.session.follow import Follower
from docmill.session.journal import Journal
from docmill.session.run import SessionEnd, run_session
from docmill.session.worktime import within
from docmill.store.approvals import Waiting
from docmill.testing import ScriptedModel, tool_use

if TYPE_CHECKING:
    from .conftest import Bench

ASKING = """Read.
tools:
  - type: agent_toolset_20260401
    configs: [{name: bash, permission_policy: {type: always_ask}}]"""
BASH = tool_use("bash", {"command": "echo done > /workspace/note; cat /workspace/note"}, call="b1")
RECORD = {"voltage": {"value": 3.30, "unit": "V", "page": 1, "quote": "Output voltage 3.30 V"}}
SUBMIT = [tool_use("submit_record", RECORD, call="s1")]


@pytest.fixture
def asking(bench: "Bench") -> "Bench":
    """A workspace whose agent may use bash only if a person says so."""
    bench.system = ASKING
    return bench


class Waits:
    """An agent that does nothing but wait for a person."""

    def __init__(self) -> None:
        self.confirmed: list[ToolConfirmation] = []

    async def __aiter__(self) -> AsyncIterator[Event]:
        """One call, and that it waits."""
        yield ToolUse(tool_use_id="b1", name="bash", input={})
        yield StatusIdle(stop_reason="requires_action", event_ids=("b1",))

    def confirm(self, confirmation: ToolConfirmation) -> None:
        """What was decided."""
        self.confirmed.append(confirmation)

    def answer(self, result: CustomToolResult) -> None:
        """It calls none."""

    async def count_tokens(self) -> int:
        """It asks no model."""
        return 0


async def run(bench: "Bench", model: ScriptedModel) -> SessionEnd:
    """One session on the workspace's document."""
    workbench = bench.for_model(model)
    return await run_session(workbench, bench.document(workbench), attempt=1)


async def question(bench: "Bench") -> Waiting:
    """The next call that waits."""
    while not (found := bench.approvals.waiting()):  # noqa: ASYNC110 - it comes by the store
        await asyncio.sleep(0.01)
    return found[0]


def events(bench: "Bench", end: SessionEnd, *kinds: type[Any]) -> Iterator[Event]:
    """Events of these kinds in the session's journal."""
    for stored in bench.store.journal(end.session):
        if isinstance(stored.event, kinds):
            yield stored.event


async def test_a_call_waits_until_it_is_allowed(asking: "Bench") -> None:
    """Nothing is run before, and the model isn't asked; the journal tells the whole story."""
    with ScriptedModel([[BASH], SUBMIT]) as model:
        session = asyncio.create_task(run(asking, model))
        asked = await question(asking)
        assert (asked.tool, asked.document) == ("bash", asked.document)
        assert len(model.requests) == 1
        asking.approvals.decide(asked.session, asked.call, "allow")
        end = await session
    story = list(
        events(
            asking,
            end,
            ModelRequestStart,
            StatusIdle,
            ToolUse,
            ToolConfirmation,
            ToolResultEvent,
        )
    )
    assert [event.type for event in story] == [
        "span.model_request_start",
        "agent.tool_use",
        "session.status_idle",
        "user.tool_confirmation",
        "agent.tool_result",
        "span.model_request_start",
        "session.status_idle",
    ]
    assert isinstance(story[2], StatusIdle)
    assert (story[2].stop_reason, story[2].event_ids) == ("requires_action", ("b1",))
    assert isinstance(story[4], ToolResultEvent)
    assert story[4].content == "done\n"


async def test_a_denied_call_is_never_run(asking: "Bench") -> None:
    """The model is told why, and goes on without."""
    with ScriptedModel([[BASH], SUBMIT]) as model:
        session = asyncio.create_task(run(asking, model))
        asked = await question(asking)
        asking.approvals.decide(asked.session, asked.call, "deny", reason="Too risky.")
        await session
    result = model.requests[1].messages[-1]["content"][0]
    assert result["is_error"]
    assert "denied: Too risky." in result["content"]


async def test_no_needs_no_reason(asking: "Bench") -> None:
    """The model is told that it was a person."""
    with ScriptedModel([[BASH], SUBMIT]) as model:
        session = asyncio.create_task(run(asking, model))
        asked = await question(asking)
        asking.approvals.decide(asked.session, asked.call, "deny")
        await session
    assert "A person said no." in model.requests[1].messages[-1]["content"][0]["content"]


async def test_nobody_answers_in_time(asking: "Bench") -> None:
    """The call is denied by itself, and the store says so: a late yes has no effect."""
    asking.limits = "{approval_minutes: 0}"
    with ScriptedModel([[BASH], SUBMIT]) as model:
        end = await run(asking, model)
    assert "Nobody answered" in model.requests[1].messages[-1]["content"][0]["content"]
    assert not asking.approvals.decide(end.session, "b1", "allow")


async def test_other_calls_of_the_turn_don_t_wait(asking: "Bench") -> None:
    """They are done while the person thinks; the model gets all results in its own order."""
    look = tool_use("glob", {"pattern": "*"}, call="g1")
    with ScriptedModel([[BASH, look], SUBMIT]) as model:
        session = asyncio.create_task(run(asking, model))
        asked = await question(asking)
        done = asking.store.journal(asked.session)
        assert "g1" in [e.event.tool_use_id for e in done if isinstance(e.event, ToolResultEvent)]
        asking.approvals.decide(asked.session, asked.call, "allow")
        await session
    results = model.requests[1].messages[-1]["content"]
    assert [block["tool_use_id"] for block in results] == ["b1", "g1"]


async def test_a_question_outlives_its_process(asking: "Bench") -> None:
    """What is decided while nobody runs counts when the session goes on; it isn't asked twice."""
    with ScriptedModel([[BASH]]) as model:
        session = asyncio.create_task(run(asking, model))
        asked = await question(asking)
        session.cancel()
        await asyncio.wait([session])
    asking.approvals.decide(asked.session, asked.call, "allow")
    with ScriptedModel([SUBMIT]) as model:
        end = await run(asking, model)
    assert end.attempt == 2
    assert model.requests[0].messages[-1]["content"][0]["content"] == "done\n"


async def test_what_was_decided_is_never_asked_again(asking: "Bench") -> None:
    """Killed between yes and result, a call that may have run is told as interrupted."""
    with ScriptedModel([[BASH]]) as model, asking.dying_after(ToolConfirmation):
        session = asyncio.create_task(run(asking, model))
        asked = await question(asking)
        asking.approvals.decide(asked.session, asked.call, "allow")
        await session
    with ScriptedModel([SUBMIT]) as model:
        await run(asking, model)
    assert "was cut" in model.requests[0].messages[-1]["content"][0]["content"]
    assert asking.approvals.waiting() == []


async def test_waiting_is_no_working_time(asking: "Bench") -> None:
    """A session that has less than two seconds to work may wait longer than that."""
    workbench = asking.for_model(ScriptedModel([]))
    session = asking.store.create(key="k", run=1, document="doc-1")
    journal = Journal(asking.store, asking.blobs, session=session, run=1, document="doc-1")
    stream = Waits()
    async with within(1.5 / 60) as clock:
        following = asyncio.create_task(Follower(workbench, journal, clock).follow(stream, {}))
        asked = await question(asking)
        loop = asyncio.get_running_loop()
        late = loop.time() + 1.6
        while loop.time() < late:  # noqa: ASYNC110 - time has to go by
            await asyncio.sleep(0.05)
        asking.approvals.decide(asked.session, asked.call, "allow")
        await following
    assert [said.result for said in stream.confirmed] == ["allow"]


async def test_a_long_answer_of_a_server_is_a_blob(bench: "Bench") -> None:
    """It comes back whole when the session goes on; one with pictures stays as it is."""
    session = bench.store.create(key="k", run=1, document="doc-1")
    journal = Journal(bench.store, bench.blobs, session=session, run=1, document="doc-1")
    picture = {"type": "image", "source": {"type": "blob", "sha256": "0" * 64}}
    long = McpToolResult(mcp_tool_use_id="m1", content="x" * 9000)
    mixed = McpToolResult(mcp_tool_use_id="m2", content=(picture, {"text": "y" * 9000}))
    journal.add(long)
    journal.add(mixed)
    stored = [entry.event for entry in bench.store.journal(session)]
    assert isinstance(stored[0], McpToolResult)
    assert len(stored[0].content) == 200
    again = Journal(bench.store, bench.blobs, session=session, run=1, document="doc-1")
    assert again.history == [long, mixed]


async def test_a_server_s_tool_isn_t_taken_for_the_sandbox_s(bench: "Bench") -> None:
    """A program inside may call `read` what writes files; they are looked for all the same."""
    session = bench.store.create(key="k", run=1, document="doc-1")
    journal = Journal(bench.store, bench.blobs, session=session, run=1, document="doc-1")
    journal.add(McpToolUse(tool_use_id="m1", mcp_server_name="lab", name="read", input={}))
    assert "read" not in journal.tools
    assert len(journal.tools) == 1
