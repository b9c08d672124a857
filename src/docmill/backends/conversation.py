"""The messages of a session, folded from its events: the same fold live and at resume."""

import hashlib
import json
from typing import Any, NamedTuple

from docmill.events import (
    CustomToolResult,
    Event,
    ModelRequestEnd,
    ModelRequestStart,
    ToolResultEvent,
    UserMessage,
)
from docmill.models.base import Block, ModelRequest


class Call(NamedTuple):
    """A tool call of the last answer that has no result yet."""

    id: str
    name: str
    input: dict[str, Any]


class JournalChangedError(Exception):
    """A stored request isn't the one that would be made now: the session has to start anew."""


class Conversation:
    """What the model has been told and has answered so far."""

    def __init__(self, *, model: str, system: str, tools: tuple[dict[str, Any], ...]) -> None:
        self._model = model
        self._system = system
        self._tools = tools
        self._messages: list[dict[str, Any]] = []
        self._results: dict[str, Block] = {}
        self.calls: list[Call] = []
        """Tool calls that wait for a result, in the model's order."""
        self.stop_reason = ""
        self.turns = 0
        self.final = False
        """True once the record was accepted."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been said yet."""
        return not self._messages

    @property
    def waits_for_model(self) -> bool:
        """Whether the last word was ours."""
        return not self.calls and self._messages[-1]["role"] == "user"

    def request(self, max_tokens: int) -> ModelRequest:
        """The next request."""
        return ModelRequest(
            model=self._model,
            system=self._system,
            tools=self._tools,
            messages=tuple(self._messages),
            max_tokens=max_tokens,
        )

    def add(self, event: Event) -> None:
        """Fold one event.

        Raises:
            JournalChangedError: a stored request start has another fingerprint.
        """
        match event:
            case UserMessage():
                self._messages.append({"role": "user", "content": list(event.content)})
            case ModelRequestStart():
                if event.fingerprint != fingerprint(self.request(event.max_output_tokens)):
                    raise JournalChangedError
            case ModelRequestEnd():
                self._hear(event)
            case ToolResultEvent() | CustomToolResult():
                self._settle(event)
            case _:
                pass

    def _hear(self, event: ModelRequestEnd) -> None:
        self._messages.append({"role": "assistant", "content": list(event.content)})
        self.stop_reason = event.stop_reason
        self.turns += 1
        self.calls = [
            Call(block["id"], block["name"], block["input"])
            for block in event.content
            if block.get("type") == "tool_use"
        ]

    def _settle(self, event: ToolResultEvent | CustomToolResult) -> None:
        if isinstance(event, ToolResultEvent):
            call = event.tool_use_id
        else:
            call = event.custom_tool_use_id
            self.final = self.final or event.final
        self._results[call] = {
            "type": "tool_result",
            "tool_use_id": call,
            "content": event.content,
            "is_error": event.is_error,
        }
        self.calls = [waiting for waiting in self.calls if waiting.id != call]
        if not self.calls:
            self._messages.append({"role": "user", "content": list(self._results.values())})
            self._results = {}


def fingerprint(request: ModelRequest) -> str:
    """sha256 of the request's canonical JSON."""
    body = [request.model, request.system, request.tools, request.messages, request.max_tokens]
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
