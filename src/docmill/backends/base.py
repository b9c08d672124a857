"""The seam between a session and whoever runs the agent: arguments go down, events come up.

A backend yields events and waits; the session stores each one before it asks for the next. It
writes no log and no ledger, so every backend is traced, billed and limited by the same code.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from docmill.events import CustomToolResult, Event
from docmill.sandboxes.base import Sandbox


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


class EventStream(Protocol):
    """A running agent."""

    def __aiter__(self) -> AsyncIterator[Event]:
        """Events as they happen; each is stored before the next is asked for."""
        ...

    def answer(self, result: CustomToolResult) -> None:
        """Answer a custom tool call; comes before the event after the call is asked for."""
        ...


class Backend(Protocol):
    """A way to run agents."""

    def open(self, task: Task, sandbox: Sandbox) -> AbstractAsyncContextManager[EventStream]:
        """Start the agent on its task; leaving the block frees everything it held."""
        ...
