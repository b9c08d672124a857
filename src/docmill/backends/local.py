"""The embedded harness: ask the model, run its tools in the sandbox, again until it is done.

Neighbours: `conversation` folds events into messages, `models` answer, `tools` act. It stores
nothing and decides nothing about limits of money; the session does.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from docmill.backends.base import Task
from docmill.backends.conversation import Call, Conversation, fingerprint
from docmill.errors import LimitError, ModelError
from docmill.events import (
    CustomToolResult,
    CustomToolUse,
    Event,
    ModelRequestEnd,
    ModelRequestStart,
    StatusIdle,
    ToolResultEvent,
    ToolUse,
    UserMessage,
)
from docmill.models.base import Model
from docmill.sandboxes.base import Sandbox
from docmill.tools.base import Tool, ToolResult

MAX_OUTPUT_TOKENS = 16_000
NUDGES = 1
NUDGE = "Hand in the record with submit_record; nothing else is read."
UNUSABLE = {
    "refusal": ("model_refused", "The model refused to read this document."),
    "max_tokens": ("model_output_cut", "The model's answer was cut at its output limit."),
    "model_context_window_exceeded": (
        "model_context_full",
        "The document and the conversation don't fit the model's context window.",
    ),
}


class LocalBackend:
    """Runs agents on this machine with any model and any sandbox."""

    def __init__(self, model: Model, tools: Sequence[Tool]) -> None:
        self._model = model
        self._tools = {str(tool.definition["name"]): tool for tool in tools}

    @asynccontextmanager
    async def open(self, task: Task, sandbox: Sandbox) -> AsyncGenerator["LocalStream"]:
        """Start the loop; it holds nothing but the sandbox, which is the session's."""
        stream = LocalStream(self._model, self._tools, task, sandbox)
        yield stream


class LocalStream:
    """One running agent."""

    def __init__(
        self, model: Model, tools: Mapping[str, Tool], task: Task, sandbox: Sandbox
    ) -> None:
        self._model = model
        self._tools = tools
        self._task = task
        self._sandbox = sandbox
        self._answers: dict[str, CustomToolResult] = {}
        self._custom = {str(tool["name"]) for tool in task.tools}
        definitions = (*(tool.definition for tool in tools.values()), *task.tools)
        self._talk = Conversation(model=task.model, system=task.system, tools=definitions)

    def answer(self, result: CustomToolResult) -> None:
        """Keep the answer for the loop, which picks it up with the next event."""
        self._answers[result.custom_tool_use_id] = result

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Events from where the history ends."""
        for event in self._task.history:
            self._talk.add(event)
        await self._restore()
        if self._talk.is_empty:
            yield self._said(UserMessage(content=self._task.messages))
        nudges = 0
        while not self._talk.final:
            async for event in self._settle_calls():
                yield event
            if self._talk.final:
                break
            if not self._talk.waits_for_model:
                self._refuse_unusable_stop()
                if nudges == NUDGES:
                    break
                nudges += 1
                nudge = ({"type": "text", "text": NUDGE},)
                yield self._said(UserMessage(content=nudge))
            async for event in self._ask():
                yield event
        yield StatusIdle(stop_reason=self._talk.stop_reason)

    def _said(self, event: Event) -> Event:
        self._talk.add(event)
        return event

    async def _ask(self) -> AsyncIterator[Event]:
        if self._talk.turns >= self._task.turns:
            raise LimitError(
                f"The session made {self._talk.turns} model calls, `limits.turns` allows no more.",
                code="limit_turns",
                remedy="Raise `limits.turns` in the pipeline and run again.",
            )
        request = self._talk.request(MAX_OUTPUT_TOKENS)
        yield ModelRequestStart(
            model=request.model,
            fingerprint=fingerprint(request),
            input_tokens=self._model.bound_tokens(request),
            max_output_tokens=request.max_tokens,
        )
        started = time.monotonic()
        response = await self._model.respond(request)
        yield self._said(
            ModelRequestEnd(
                model=response.model,
                response_id=response.id,
                content=response.content,
                stop_reason=response.stop_reason,
                model_usage=response.usage,
                seconds=time.monotonic() - started,
            )
        )

    async def _settle_calls(self) -> AsyncIterator[Event]:
        begun = {event.tool_use_id for event in self._task.history if isinstance(event, ToolUse)}
        for call in list(self._talk.calls):
            if call.name in self._custom:
                yield CustomToolUse(tool_use_id=call.id, name=call.name, input=call.input)
                self._talk.add(self._answers.pop(call.id))
                continue
            if call.id not in begun:
                yield ToolUse(tool_use_id=call.id, name=call.name, input=call.input)
            started = time.monotonic()
            result = await self._run(call, interrupted=call.id in begun)
            yield self._said(
                ToolResultEvent(
                    tool_use_id=call.id,
                    content=result.content,
                    is_error=result.is_error,
                    seconds=time.monotonic() - started,
                )
            )

    async def _run(self, call: Call, *, interrupted: bool) -> ToolResult:
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(sorted({*self._tools, *self._custom}))
            return ToolResult(f"There is no tool `{call.name}`; there are: {known}.", is_error=True)
        if interrupted and not tool.repeatable:
            return ToolResult(
                "The call was cut when the session was interrupted; it may have done all, some or "
                "nothing of its work. Look before you repeat it.",
                is_error=True,
            )
        return await tool.run(call.input, self._sandbox)

    async def _restore(self) -> None:
        """Rebuild the workspace of a resumed session: run again, in order, what changed it."""
        done = {
            event.tool_use_id for event in self._task.history if isinstance(event, ToolResultEvent)
        }
        for event in self._task.history:
            if isinstance(event, ToolUse) and event.tool_use_id in done:
                tool = self._tools.get(event.name)
                if tool is not None and not tool.repeatable:
                    await tool.run(event.input, self._sandbox)

    def _refuse_unusable_stop(self) -> None:
        if self._talk.stop_reason in UNUSABLE:
            code, message = UNUSABLE[self._talk.stop_reason]
            raise ModelError(message, code=code, remedy="See the trace: docmill show")
