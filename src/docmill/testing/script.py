"""The words of a script: content blocks, and the steps a scripted model or server can take.

Neighbours: `serving` plays steps over HTTP, `model` plays blocks in the process, `files` reads
steps from JSON. Nothing here decides which step comes when.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ConfigDict

Block = dict[str, Any]
"""A content block in Messages API form."""
StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]
CLOSED = ConfigDict(extra="forbid")


def text(words: str) -> Block:
    """A content block of plain words."""
    return {"type": "text", "text": words}


def tool_use(name: str, arguments: dict[str, Any] | str, *, call: str = "") -> Block:
    """A content block in which the model calls a tool.

    `arguments` as a string are sent as they are: a way to send what is no JSON. Without `call` the
    block gets an id that depends on the conversation only.
    """
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


def thinking(words: str, *, signature: str = "c2lnbmVk") -> Block:
    """A content block of the model's reasoning, with the signature that has to come back."""
    return {"type": "thinking", "thinking": words, "signature": signature}


@dataclass(frozen=True, slots=True)
class Cut:
    """An answer that breaks off."""

    how: Literal["reset", "eof", "end", "stall", "error"]
    """`reset`: TCP reset. `eof`: the connection is closed in mid-body. `end`: the body ends as it
    should, but without `message_stop`. `stall`: nothing more comes, not even pings. `error`: an
    error event."""
    where: Literal["start", "middle", "end"] = "middle"
    """After `message_start`; in the middle of the last block; before the closing events."""
    error: str = "overloaded_error"
    """Type of the error event."""
    __pydantic_config__ = CLOSED


@dataclass(frozen=True, slots=True)
class Answer:
    """The model answers. Times in seconds."""

    content: Sequence[Block]
    stop_reason: StopReason | None = None
    """`tool_use` where a tool is called and `end_turn` elsewhere, if left out."""
    stop_sequence: str | None = None
    stop_details: Mapping[str, Any] | None = None
    """For a refusal: `{type: refusal, category, explanation}`; `type` is filled in."""
    usage: Mapping[str, int] | None = None
    """Counts that replace the computed ones, by their names in the API."""
    latency: float | None = None
    """Before the first byte; the server's own if left out."""
    gap: float = 0.0
    """Before each delta."""
    chunk: int = 100
    """Characters of a delta."""
    cut: Cut | None = None
    type: Literal["answer"] = "answer"
    __pydantic_config__ = CLOSED


@dataclass(frozen=True, slots=True)
class Failure:
    """The request is answered with an error, in the API's form."""

    status: int
    """400, 401, 403, 404, 413, 429, 500, 529, …"""
    message: str = ""
    """The API's usual words if left out."""
    retry_after: float | None = None
    """Seconds, as a `retry-after` header."""
    latency: float = 0.0
    """Seconds before the answer."""
    type: Literal["failure"] = "failure"
    __pydantic_config__ = CLOSED


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset before anything was answered."""

    latency: float = 0.0
    """Seconds before."""
    type: Literal["reset"] = "reset"
    __pydantic_config__ = CLOSED


@dataclass(frozen=True, slots=True)
class Unprocessed:
    """An entry of a message batch that is never answered."""

    result: Literal["expired", "canceled"] = "expired"
    type: Literal["unprocessed"] = "unprocessed"
    __pydantic_config__ = CLOSED


Step = Answer | Failure | Reset | Unprocessed
Policy = Callable[[dict[str, Any]], Step]
"""Request body → step. If the step depends on the body only, sessions may come in any order, be
killed and come again, and get the same answers."""


class NotInScriptError(AssertionError):
    """A call that the script doesn't have."""


class Steps:
    """A policy that takes its steps in order, whoever asks."""

    def __init__(self, steps: Sequence[Step | Sequence[Block]]) -> None:
        self._steps = [
            step if isinstance(step, Answer | Failure | Reset | Unprocessed) else Answer(step)
            for step in steps
        ]
        self._taken = 0

    @property
    def left(self) -> int:
        """Steps nobody has asked for."""
        return len(self._steps) - self._taken

    def __call__(self, request: dict[str, Any]) -> Step:
        """The next step.

        Raises:
            NotInScriptError: there is none.
        """
        if not self.left:
            raise NotInScriptError(f"call {self._taken + 1} isn't in the script")
        self._taken += 1
        return self._steps[self._taken - 1]
