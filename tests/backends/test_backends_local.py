"""The loop: ask the model, run its tools, again; and the same messages after a crash."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from docmill.backends.base import Task
from docmill.backends.conversation import JournalChangedError
from docmill.backends.local import LocalBackend
from docmill.errors import LimitError, ModelError
from docmill.events import (
    CustomToolResult,
    CustomToolUse,
    Event,
    McpToolResult,
    McpToolUse,
    ModelRequestStart,
    ToolResultEvent,
)
from docmill.sandboxes.base import Sandbox
from docmill.testing import ScriptedModel, text, tool_use
from docmill.tools.base import Origin, ToolResult

NO_SANDBOX = cast("Sandbox", object())
SUBMIT = {"name": "submit_record", "description": "", "input_schema": {"type": "object"}}
FINAL = [tool_use("submit_record", {"a": 1}, call="s1")]


class Notepad:
    """A tool that keeps what it was told."""

    asks = False

    def __init__(self, *, repeatable: bool = True, origin: Origin | None = None) -> None:
        self.origin = origin
        self.repeatable = repeatable
        self.changes_files = not repeatable
        self.seen: list[Mapping[str, Any]] = []

    @property
    def definition(self) -> dict[str, Any]:
        """As a model sees it."""
        return {"name": "note", "description": "", "input_schema": {"type": "object"}}

    async def run(self, arguments: Mapping[str, Any], sandbox: Sandbox) -> ToolResult:
        """Keep the arguments."""
        self.seen.append(arguments)
        return ToolResult(f"noted {len(self.seen)}")


def task(history: Sequence[Event] = (), *, turns: int = 10, system: str = "Read.") -> Task:
    """One document's task."""
    return Task(
        model="scripted",
        system=system,
        tools=(SUBMIT,),
        messages=(text("the document"),),
        turns=turns,
        history=history,
    )


async def follow(model: ScriptedModel, tool: Notepad, work: Task, *, stop: int = 99) -> list[Event]:
    """Run to the end, or until `stop` events have come; every submission is accepted."""
    seen: list[Event] = []
    async with LocalBackend(model, [tool]).open(work, NO_SANDBOX) as stream:
        async for event in stream:
            seen.append(event)
            if len(seen) == stop:
                return seen
            if isinstance(event, CustomToolUse):
                answer = CustomToolResult(
                    custom_tool_use_id=event.tool_use_id, content="accepted", final=True
                )
                seen.append(answer)
                stream.answer(answer)
    return seen


async def test_tools_run_until_the_record_is_accepted() -> None:
    """The model isn't asked again once its record is accepted."""
    notepad = Notepad()
    with ScriptedModel([[tool_use("note", {"x": 1}, call="n1")], FINAL]) as model:
        events = await follow(model, notepad, task())
    assert notepad.seen == [{"x": 1}]
    assert [event.type for event in events] == [
        "user.message",
        "span.model_request_start",
        "span.model_request_end",
        "agent.tool_use",
        "agent.tool_result",
        "span.model_request_start",
        "span.model_request_end",
        "agent.custom_tool_use",
        "user.custom_tool_result",
        "session.status_idle",
    ]


async def test_every_call_of_a_turn_is_answered_in_one_message() -> None:
    """Results go back together, in the order of the calls."""
    calls = [tool_use("note", {}, call="n1"), tool_use("note", {}, call="n2")]
    with ScriptedModel([calls, FINAL]) as model:
        await follow(model, Notepad(), task())
        last = model.requests[1].messages[-1]
    assert [block["tool_use_id"] for block in last["content"]] == ["n1", "n2"]


async def test_an_unknown_tool_is_an_error_for_the_model() -> None:
    """It is told which tools there are."""
    with ScriptedModel([[tool_use("nope", {})], FINAL]) as model:
        events = await follow(model, Notepad(), task())
    results = [event for event in events if isinstance(event, ToolResultEvent)]
    assert results[0].is_error
    assert "note, submit_record" in results[0].content


async def test_a_model_that_forgets_to_submit_is_reminded_once() -> None:
    """After that the session ends without a record."""
    with ScriptedModel([[text("I am done.")], [text("Really.")]]) as model:
        events = await follow(model, Notepad(), task())
    assert events[-1].type == "session.status_idle"


async def test_turns_are_limited() -> None:
    """The call that would be one too many isn't made."""
    endless = [[tool_use("note", {}, call=f"n{turn}")] for turn in range(3)]
    with ScriptedModel(endless) as model, pytest.raises(LimitError) as caught:
        await follow(model, Notepad(), task(turns=3))
    assert caught.value.code == "limit_turns"


@pytest.mark.parametrize("cut", range(1, 10))
async def test_a_session_goes_on_wherever_it_was_cut(cut: int) -> None:
    """No answered model call is repeated, and the conversation is the same as without a cut."""
    steps = [[tool_use("note", {"x": 1}, call="n1")], FINAL]
    whole = ScriptedModel(steps)
    await follow(whole, Notepad(), task())
    first = ScriptedModel(steps)
    before = await follow(first, Notepad(), task(), stop=cut)
    answered = sum(event.type == "span.model_request_end" for event in before)
    with ScriptedModel(steps[answered:]) as second:
        await follow(second, Notepad(), task(before))
    assert [*first.requests[:answered], *second.requests] == whole.requests


async def test_a_changed_prompt_makes_the_journal_useless() -> None:
    """The fingerprint of the stored request differs: the session has to start anew."""
    steps = [[tool_use("note", {}, call="n1")], FINAL]
    before = await follow(ScriptedModel(steps), Notepad(), task(), stop=3)
    with pytest.raises(JournalChangedError):
        await follow(ScriptedModel(steps), Notepad(), task(before, system="Other."))


async def test_a_cut_tool_call_is_repeated_only_if_it_may_be() -> None:
    """Otherwise the model is told that it was cut."""
    steps = [[tool_use("note", {}, call="n1")], FINAL]
    for repeatable in (True, False):
        before = await follow(ScriptedModel(steps), Notepad(), task(), stop=4)
        notepad = Notepad(repeatable=repeatable)
        with ScriptedModel(steps[1:]) as model:
            await follow(model, notepad, task(before))
            result = model.requests[0].messages[-1]["content"][0]
        assert len(notepad.seen) == int(repeatable)
        assert result["is_error"] is not repeatable


async def test_a_resumed_workspace_is_rebuilt() -> None:
    """Finished calls that changed the workspace run again in the fresh sandbox."""
    steps = [[tool_use("note", {"x": 1}, call="n1")], FINAL]
    before = await follow(ScriptedModel(steps), Notepad(repeatable=False), task(), stop=5)
    notepad = Notepad(repeatable=False)
    with ScriptedModel(steps[1:]) as model:
        await follow(model, notepad, task(before))
    assert notepad.seen == [{"x": 1}]


@pytest.mark.parametrize("reason", ["refusal", "model_context_window_exceeded"])
async def test_answers_that_can_not_be_used_end_the_session(reason: str) -> None:
    """Each with its own code."""
    before = await follow(ScriptedModel([[text("...")]]), Notepad(), task(), stop=3)
    before[2] = before[2].model_copy(update={"stop_reason": reason})
    with pytest.raises(ModelError) as caught:
        await follow(ScriptedModel([]), Notepad(), task(before))
    assert caught.value.code.startswith("model_")


async def test_the_worst_case_is_known_before_a_call() -> None:
    """The start of a request says what it may cost at the most."""
    with ScriptedModel([FINAL]) as model:
        events = await follow(model, Notepad(), task())
    start = next(event for event in events if isinstance(event, ModelRequestStart))
    assert start.input_tokens > 0
    assert start.max_output_tokens > 0


async def test_a_tool_of_a_server_has_events_of_its_own() -> None:
    """They name the server, and the tool as the server does; the model hears the same."""
    steps = [[tool_use("note", {"x": 1}, call="n1")], FINAL]
    with ScriptedModel(steps) as model:
        events = await follow(model, Notepad(origin=Origin("crm", "jot")), task())
    (use,) = [event for event in events if isinstance(event, McpToolUse)]
    assert (use.mcp_server_name, use.name, use.input) == ("crm", "jot", {"x": 1})
    (result,) = [event for event in events if isinstance(event, McpToolResult)]
    assert (result.mcp_tool_use_id, result.content) == ("n1", "noted 1")
    assert model.requests[1].messages[-1]["content"][0]["content"] == "noted 1"


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_cut_call_of_a_server_is_told(*, repeatable: bool) -> None:
    """It is made again only if the server said that this does no harm."""
    steps = [[tool_use("note", {}, call="n1")], FINAL]
    origin = Origin("crm", "jot")
    before = await follow(ScriptedModel(steps), Notepad(origin=origin), task(), stop=4)
    assert isinstance(before[-1], McpToolUse)
    notepad = Notepad(repeatable=repeatable, origin=origin)
    with ScriptedModel(steps[1:]) as model:
        await follow(model, notepad, task(before))
    assert len(notepad.seen) == int(repeatable)
    assert model.requests[0].messages[-1]["content"][0]["is_error"] is not repeatable
