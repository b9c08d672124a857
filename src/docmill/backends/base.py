"""The seam between a session and whoever runs the agent: arguments go down, events come up.

A backend yields events and waits; the session stores each one before it asks for the next. It
writes no log and no ledger, so every backend is traced, billed and limited by the same code.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from docmill.events import CustomToolResult, Event, ToolConfirmation
from docmill.sandboxes.base import Sandbox


@dataclass(frozen=True, slots=True)
class CallRules:
    """How model calls are made."""

    output_tokens: int = 16_000
    """Tokens of one answer."""
    attempts: int = 5
    """Attempts at one call that fails for reasons of its own."""
    delay_seconds: float = 2.0
    """Pause after a failed attempt; doubles each time, up to a minute."""
    outage_seconds: float = 3600.0
    """How long a call goes on trying while the endpoint is down or overloaded."""


@dataclass(frozen=True, slots=True)
class Task:
    """One document for one agent."""

    model: str
    system: str
    tools: tuple[dict[str, Any], ...]
    """Custom tools the session answers: `{name, description, input_schema}`."""
    messages: tuple[dict[str, Any], ...]
    """Content blocks of the first user message."""
    turns: int
    """Model calls the session may make."""
    history: Sequence[Event] = ()
    """The journal so far, if the session goes on after a crash."""
    identity: str = ""
    """Who asks: the session and its stage."""
    effort: str | None = None
    speed: str | None = None
    output: dict[str, Any] | None = None
    """The custom tool that the final answer's text stands for: `{name, description, input_schema}`,
    for an endpoint that keeps to a JSON Schema. It isn't among `tools` then."""
    rules: CallRules = CallRules()


class EventStream(Protocol):
    """A running agent."""

    def __aiter__(self) -> AsyncIterator[Event]:
        """Events as they happen; each is stored before the next is asked for."""
        ...

    def answer(self, result: CustomToolResult) -> None:
        """Answer a custom tool call; comes before the event after the call is asked for."""
        ...

    def confirm(self, confirmation: ToolConfirmation) -> None:
        """Decide a call that the agent waits for; all `event_ids` of a `requires_action` are
        decided before the event after it is asked for."""
        ...

    async def count_tokens(self) -> int:
        """Input tokens of the call just announced by `span.model_request_start`, exactly."""
        ...


class Backend(Protocol):
    """A way to run agents."""

    def open(self, task: Task, sandbox: Sandbox) -> AbstractAsyncContextManager[EventStream]:
        """Start the agent on its task; leaving the block frees everything it held."""
        ...
