"""The messages of a session, folded from its events: the same fold live and at resume.

`local` asks it what comes next; how an answer's blocks are read is the business of `answers`.
"""

from dataclasses import replace
from typing import Any

from docmill.backends.answers import Call, Heard, hear
from docmill.backends.base import Task
from docmill.events import (
    ContextCompacted,
    CustomToolResult,
    Event,
    McpToolResult,
    ModelRequestEnd,
    ModelRequestStart,
    ToolResultEvent,
    UserMessage,
)
from docmill.models.base import Block, Model, ModelRequest, fingerprint

PAUSES = ("pause_turn", "compaction")
"""Stop reasons after which the model goes on by itself, given its own answer back."""
REMOVED = "[left out: the conversation outgrew the model's window. Call the tool again if needed.]"
KEPT_RESULTS = 2
"""So many of the newest tool results stay when a conversation is compacted."""


class JournalChangedError(Exception):
    """A stored request isn't the one that would be made now: the session has to start anew."""


class Conversation:
    """What the model has been told and has answered so far."""

    def __init__(self, task: Task, tools: tuple[dict[str, Any], ...]) -> None:
        self._task = task
        self._tools = tools
        self._messages: list[dict[str, Any]] = []
        self._results: dict[str, Block] = {}
        self._order: list[str] = []
        self._stopped = False
        self._known_tokens = 0
        self._known_messages = 0
        self.calls: list[Call] = []
        """Tool calls that wait for a result, in the model's order."""
        self.stop_reason = ""
        self.stop_details: dict[str, Any] = {}
        self.turns = 0
        self.cuts = 0
        """Answers in a row that were cut at their output limit."""
        self.words = 0
        """What we said ourselves since the model last called a tool, beyond the first message."""
        self.final = False
        """True once the record was accepted."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said yet."""
        return not self._messages

    @property
    def waits_for_model(self) -> bool:
        """Whether the model is to speak next: the last word was ours, or it only paused."""
        return not self.calls and not self._stopped

    @property
    def compactable(self) -> int:
        """Tool results that could be left out."""
        return max(0, len(self._long_results()) - KEPT_RESULTS)

    def request(self) -> ModelRequest:
        """The next request."""
        task = self._task
        return ModelRequest(
            model=task.model,
            system=task.system,
            tools=self._tools,
            messages=tuple(self._messages),
            max_tokens=task.rules.output_tokens,
            effort=task.effort,
            speed=task.speed,
            output_schema=task.output["input_schema"] if task.output else None,
            identity=f"{task.identity}/{self.turns}",
        )

    def bound_tokens(self, model: Model) -> int:
        """Upper bound of the next request's input tokens.

        What the endpoint counted in the last call is known; only what was added is estimated.
        """
        request = self.request()
        if not self._known_messages:
            return model.bound_tokens(request)
        added = tuple(self._messages[self._known_messages :])
        only_added = replace(request, system="", tools=(), messages=added, output_schema=None)
        return self._known_tokens + model.bound_tokens(only_added)

    def add(self, event: Event) -> None:
        """Fold one event.

        Raises:
            JournalChangedError: a stored request start has another fingerprint.
        """
        match event:
            case UserMessage():
                self.words += not self.is_empty
                self._append("user", list(event.content))
                self._stopped = False
            case ModelRequestStart():
                if event.fingerprint != fingerprint(self.request()):
                    raise JournalChangedError
            case ModelRequestEnd():
                self._hear(event)
            case ToolResultEvent() | CustomToolResult() | McpToolResult():
                self._settle(event)
            case ContextCompacted():
                self._compact(event.dropped)
            case _:
                pass

    def _append(self, role: str, content: list[Block]) -> None:
        """Roles take turns: what the same one adds goes into its message."""
        if self._messages and self._messages[-1]["role"] == role:
            last = self._messages[-1]
            self._messages[-1] = {**last, "content": [*last["content"], *content]}
            self._known_messages = min(self._known_messages, len(self._messages) - 1)
        else:
            self._messages.append({"role": role, "content": content})

    def _hear(self, event: ModelRequestEnd) -> None:
        heard: Heard = hear(event, output=self._task.output, turn=self.turns)
        usage = event.model_usage
        self._known_tokens = usage.prompt_tokens + usage.output_tokens
        if heard.content:
            self._append("assistant", heard.content)
        self._known_messages = len(self._messages)
        self.stop_reason = event.stop_reason
        self.stop_details = event.stop_details or {}
        self.turns += 1
        self.calls = heard.calls
        self._order = [call.id for call in heard.calls]
        self.cuts = self.cuts + 1 if event.stop_reason == "max_tokens" and not heard.calls else 0
        self._stopped = not heard.calls and event.stop_reason not in PAUSES
        if heard.calls:
            self.words = 0

    def _settle(self, event: ToolResultEvent | CustomToolResult | McpToolResult) -> None:
        if isinstance(event, ToolResultEvent):
            call = event.tool_use_id
        elif isinstance(event, McpToolResult):
            call = event.mcp_tool_use_id
        else:
            call = event.custom_tool_use_id
            self.final = self.final or event.final
        content = event.content if isinstance(event.content, str) else list(event.content)
        self._results[call] = {
            "type": "tool_result",
            "tool_use_id": call,
            "content": content or "(nothing)",
            "is_error": event.is_error,
        }
        answered = next((waiting for waiting in self.calls if waiting.id == call), None)
        self.calls = [waiting for waiting in self.calls if waiting.id != call]
        if answered is not None and answered.spoken:
            self._results.pop(call)
            self._append("user", [{"type": "text", "text": str(content)}])
        elif not self.calls:
            # In the order of the calls, whichever tool was done first.
            self._append(
                "user", [self._results[name] for name in self._order if name in self._results]
            )
            self._results = {}

    def _long_results(self) -> list[Block]:
        return [
            block
            for message in self._messages
            for block in message["content"]
            if block.get("type") == "tool_result" and block["content"] != REMOVED
        ]

    def _compact(self, dropped: int) -> None:
        drop = {id(block) for block in self._long_results()[:dropped]}
        self._messages = [
            {
                **message,
                "content": [
                    {**block, "content": REMOVED} if id(block) in drop else block
                    for block in message["content"]
                ],
            }
            for message in self._messages
        ]
        self._known_messages = 0
        self._stopped = False
