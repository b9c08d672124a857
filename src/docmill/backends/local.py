"""The embedded harness: ask the model, run its tools in the sandbox, again until it is done.

Neighbours: `conversation` folds events into messages, `calling` asks the model, `tools` act. It
stores nothing and decides nothing about limits of money; the session does.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from docmill.backends.answers import Call
from docmill.backends.base import Task
from docmill.backends.calling import call_model
from docmill.backends.conversation import Conversation
from docmill.errors import LimitError, ModelError
from docmill.events import (
    ContextCompacted,
    CustomToolResult,
    CustomToolUse,
    Event,
    McpToolResult,
    McpTools,
    McpToolUse,
    StatusIdle,
    ToolConfirmation,
    ToolResultEvent,
    ToolUse,
    UserMessage,
)
from docmill.models.base import Model
from docmill.sandboxes.base import Sandbox
from docmill.tools.base import Offer, Origin, Tool, ToolResult, ToolSource

NUDGES = 1
NUDGE = "Hand in the record with submit_record; nothing else is read."
CUTS = 2
CUT = (
    "Your answer was cut at its limit of {tokens} tokens, and a tool call in it is lost. Answer "
    "again, shorter: no explanations, one tool call."
)
INTERRUPTED = (
    "The call was cut when the session was interrupted; it may have done all, some or nothing of "
    "its work. Look before you repeat it."
)
DENIED = "This call was denied: {why} Don't repeat it; do without, or say null for what it is for."


class LocalBackend:
    """Runs agents on this machine with any model and any sandbox."""

    def __init__(
        self, model: Model, tools: Sequence[Tool], sources: Sequence[ToolSource] = ()
    ) -> None:
        self._model = model
        self._tools = tuple(tools)
        self._sources = tuple(sources)

    @asynccontextmanager
    async def open(self, task: Task, sandbox: Sandbox) -> AsyncGenerator["LocalStream"]:
        """Start the loop; it holds the sandbox, which is the session's, and MCP servers in it."""
        async with AsyncExitStack() as stack:
            offers = [
                await stack.enter_async_context(source.open(sandbox)) for source in self._sources
            ]
            own = [*self._tools, *(tool for offer in offers for tool in offer.tools)]
            tools = {str(tool.definition["name"]): tool for tool in own}
            yield LocalStream(self._model, tools, task, sandbox, offers=offers)


class LocalStream:
    """One running agent."""

    def __init__(
        self,
        model: Model,
        tools: Mapping[str, Tool],
        task: Task,
        sandbox: Sandbox,
        *,
        offers: Sequence[Offer] = (),
    ) -> None:
        self._model = model
        self._tools = tools
        self._task = task
        self._sandbox = sandbox
        self._offers = offers
        self._answers: dict[str, CustomToolResult] = {}
        self._decided = {
            event.tool_use_id: event
            for event in task.history
            if isinstance(event, ToolConfirmation)
        }
        custom = (*task.tools, *([task.output] if task.output else []))
        self._custom = {str(tool["name"]) for tool in custom}
        definitions = (*(tool.definition for tool in tools.values()), *task.tools)
        self._talk = Conversation(task, definitions)

    def answer(self, result: CustomToolResult) -> None:
        """Keep the answer for the loop, which picks it up with the next event."""
        self._answers[result.custom_tool_use_id] = result

    def confirm(self, confirmation: ToolConfirmation) -> None:
        """Keep what a person decided on a call that waits for it."""
        self._decided[confirmation.tool_use_id] = confirmation

    async def count_tokens(self) -> int:
        """Input tokens of the next call, as exactly as the endpoint can say."""
        return await self._model.count_tokens(self._talk.request())

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Events from where the history ends."""
        for event in self._task.history:
            self._talk.add(event)
        await self._restore()
        for offer in self._offers:
            yield _announced(offer)
        if self._talk.is_empty:
            yield self._said(UserMessage(content=self._task.messages))
        while not self._talk.final:
            async for event in self._settle_calls():
                yield event
            if self._talk.final:
                break
            if not self._talk.waits_for_model:
                word = self._after_stop()
                if word is None:
                    break
                yield self._said(word)
            self._refuse_more_turns()
            async for event in call_model(self._model, self._talk, self._task.rules):
                yield event
        yield StatusIdle(stop_reason=self._talk.stop_reason)

    def _said(self, event: Event) -> Event:
        self._talk.add(event)
        return event

    def _refuse_more_turns(self) -> None:
        if self._talk.turns >= self._task.turns:
            raise LimitError(
                f"The session made {self._talk.turns} model calls, `limits.turns` allows no more.",
                code="limit_turns",
                remedy="Raise `limits.turns` in the pipeline and run again.",
            )

    def _after_stop(self) -> Event | None:
        """What to say to a model that stopped without a call; None if nothing would help.

        Raises:
            ModelError: the stop can't be mended from here.
        """
        match self._talk.stop_reason:
            case "refusal":
                raise _refused(self._talk.stop_details)
            case "model_context_window_exceeded":
                if not self._talk.compactable:
                    raise ModelError(
                        "The document and the conversation don't fit the model's context window.",
                        code="model_context_full",
                        remedy="Use a model with a larger window, or lower `documents.max_pages`.",
                    )
                return ContextCompacted(dropped=self._talk.compactable)
            case "max_tokens":
                tokens = self._task.rules.output_tokens
                if self._talk.cuts > CUTS:
                    raise ModelError(
                        f"The model's answer was cut at {tokens} tokens, {CUTS + 1} times.",
                        code="model_output_cut",
                        remedy="Raise `limits.output_tokens` in the pipeline and run again.",
                    )
                return _words(CUT.format(tokens=tokens))
            case _:
                return _words(NUDGE) if self._talk.words < NUDGES else None

    async def _settle_calls(self) -> AsyncIterator[Event]:
        """Answer every waiting call: those of tools, then those of the session."""
        calls = list(self._talk.calls)
        async for event in self._settle_tools(
            [call for call in calls if call.name not in self._custom]
        ):
            yield event
        for call in calls:
            if call.name in self._custom:
                if call.malformed:
                    result = CustomToolResult(
                        custom_tool_use_id=call.id, content=_no_json(call), is_error=True
                    )
                    yield self._said(result)
                    continue
                yield CustomToolUse(tool_use_id=call.id, name=call.name, input=call.input)
                self._talk.add(self._answers.pop(call.id))

    async def _settle_tools(self, calls: Sequence[Call]) -> AsyncIterator[Event]:
        """Run what may be run at once; then what a person has to allow, once that is decided."""
        begun = {
            event.tool_use_id
            for event in self._task.history
            if isinstance(event, ToolUse | McpToolUse)
        }
        for call in calls:
            if call.id not in begun:
                yield self._use(call)
        asking = [call for call in calls if self._has_to_ask(call)]
        free = [call for call in calls if call not in asking]
        async for event in self._run_all(free, begun):
            yield self._said(event)
        if asking:
            ids = tuple(call.id for call in asking)
            yield StatusIdle(stop_reason="requires_action", event_ids=ids)
            async for event in self._run_all(asking, set()):
                yield self._said(event)

    def _has_to_ask(self, call: Call) -> bool:
        tool = self._tools.get(call.name)
        known = call.id in self._decided or call.malformed
        return tool is not None and tool.asks and not known

    def _use(self, call: Call) -> Event:
        tool = self._tools.get(call.name)
        if tool is None or tool.origin is None:
            return ToolUse(tool_use_id=call.id, name=call.name, input=call.input)
        return McpToolUse(
            tool_use_id=call.id,
            mcp_server_name=tool.origin.server,
            name=tool.origin.name,
            input=call.input,
        )

    async def _run_all(self, calls: Sequence[Call], begun: set[str]) -> AsyncIterator[Event]:
        """Results of calls of tools as they are done; none outlives the loop."""
        running = [
            asyncio.create_task(self._result(call, interrupted=call.id in begun)) for call in calls
        ]
        try:
            for done in asyncio.as_completed(running):
                yield await done
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _result(self, call: Call, *, interrupted: bool) -> ToolResultEvent | McpToolResult:
        started = time.monotonic()
        result = await self._run(call, interrupted=interrupted)
        seconds = time.monotonic() - started
        tool = self._tools.get(call.name)
        if tool is None or tool.origin is None:
            return ToolResultEvent(
                tool_use_id=call.id, content=result.text, is_error=result.is_error, seconds=seconds
            )
        return McpToolResult(
            mcp_tool_use_id=call.id,
            content=result.content,
            is_error=result.is_error,
            seconds=seconds,
        )

    async def _run(self, call: Call, *, interrupted: bool) -> ToolResult:
        tool = self._tools.get(call.name)
        if tool is None:
            known = ", ".join(sorted({*self._tools, *self._custom}))
            return ToolResult(f"There is no tool `{call.name}`; there are: {known}.", is_error=True)
        if call.malformed:
            return ToolResult(_no_json(call), is_error=True)
        decided = self._decided.get(call.id)
        if decided is not None and decided.result == "deny":
            why = decided.deny_message or "A person said no."
            return ToolResult(DENIED.format(why=why), is_error=True)
        if interrupted and not tool.repeatable:
            return ToolResult(INTERRUPTED, is_error=True)
        return await tool.run(call.input, self._sandbox)

    async def _restore(self) -> None:
        """Rebuild the workspace of a resumed session: run again, in order, what changed it."""
        history = self._task.history
        done = {event.tool_use_id for event in history if isinstance(event, ToolResultEvent)}
        done |= {event.mcp_tool_use_id for event in history if isinstance(event, McpToolResult)}
        denied = {call for call, event in self._decided.items() if event.result == "deny"}
        by_origin = {tool.origin: tool for tool in self._tools.values() if tool.origin}
        for event in history:
            if isinstance(event, ToolUse):
                tool = self._tools.get(event.name)
            elif isinstance(event, McpToolUse):
                tool = by_origin.get(Origin(event.mcp_server_name, event.name))
            else:
                continue
            if event.tool_use_id in done - denied and tool is not None and tool.changes_files:
                await tool.run(event.input, self._sandbox)


def _announced(offer: Offer) -> McpTools:
    return McpTools(
        mcp_server_name=offer.server,
        tools=tuple(str(tool.definition["name"]) for tool in offer.tools),
        digest=offer.digest,
        notes=offer.notes,
    )


def _words(text: str) -> UserMessage:
    return UserMessage(content=({"type": "text", "text": text},))


def _no_json(call: Call) -> str:
    return f"The input of {call.name} is no JSON object: {call.malformed[:200]}"


def _refused(details: Mapping[str, object]) -> ModelError:
    category = details.get("category")
    kind = f" ({category})" if category else ""
    return ModelError(
        f"The model refused to read this document{kind}.",
        code="model_refused",
        remedy="Read the trace with docmill show, or give the document to another model.",
    )
