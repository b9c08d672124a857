"""The journal of one session: stored before the next step, read back whole at resume."""

from collections.abc import Callable

from docmill.blobs import BlobStore
from docmill.events import (
    BudgetReserved,
    CustomToolResult,
    CustomToolUse,
    DocumentPrepared,
    Event,
    McpToolResult,
    McpToolUse,
    PagesPictured,
    RecordChecked,
    SandboxStarted,
    StatusRunning,
    ToolResultEvent,
    ToolUse,
    UserMessage,
)
from docmill.records.growth import FieldsKept
from docmill.records.results import Usage
from docmill.store.sessions import Charge, Entry, SessionStore

INLINE_CHARACTERS = 4_000
"""Longer tool results are stored as blobs; the event keeps their beginning."""
UNHURRIED = (
    SandboxStarted,
    DocumentPrepared,
    FieldsKept,
    UserMessage,
    BudgetReserved,
    CustomToolUse,
    RecordChecked,
    CustomToolResult,
    PagesPictured,
)
"""Events that cost nothing to come by again: stored together with the next one that isn't such."""


class Journal:
    """Appends events at the next position; a charge is stored in the same transaction."""

    def __init__(
        self,
        store: SessionStore,
        blobs: BlobStore,
        *,
        session: str,
        run: int,
        document: str,
        listener: Callable[[Event], None] | None = None,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self.session = session
        self._run = run
        self.document = document
        self._listener = listener
        self._position = 0
        """Of the first event that isn't stored yet."""
        self._waiting: list[Entry] = []
        self.attempt = 0
        self.tools: set[str] = set()
        """Names of the tools that were called, by this attempt or earlier ones; those of an MCP
        server stand after its name."""
        self.history: list[Event] = []
        """What earlier attempts left, blobs put back in place."""
        for stored in store.journal(session):
            self._note_tool(stored.event)
            self.history.append(self._restored(stored.event))
            self._position = stored.position + 1
            if isinstance(stored.event, StatusRunning):
                self.attempt = stored.event.attempt

    def add(self, event: Event, *, model: str = "", usage: Usage | None = None) -> None:
        """Store an event, charged with `usage` if it has a price, and those that waited for it."""
        if isinstance(event, StatusRunning):
            self.attempt = event.attempt
        self._note_tool(event)
        charge = None
        if usage is not None:
            charge = Charge(
                run=self._run,
                document=self.document,
                attempt=self.attempt,
                model=model,
                usage=usage,
            )
        self._waiting.append(Entry(self._compact(event), charge))
        if charge is not None or not isinstance(event, UNHURRIED):
            self._store.append_all(self.session, self._position, self._waiting)
            self._position += len(self._waiting)
            self._waiting = []
        if self._listener is not None:
            self._listener(event)

    def _note_tool(self, event: Event) -> None:
        if isinstance(event, ToolUse):
            self.tools.add(event.name)
        elif isinstance(event, McpToolUse):
            self.tools.add(f"{event.mcp_server_name}: {event.name}")

    def _compact(self, event: Event) -> Event:
        if not isinstance(event, ToolResultEvent | McpToolResult):
            return event
        if not isinstance(event.content, str) or len(event.content) <= INLINE_CHARACTERS:
            return event
        blob = self._blobs.put(event.content.encode("utf-8", "surrogatepass"))
        return event.model_copy(update={"content": event.content[:200], "blob": blob})

    def _restored(self, event: Event) -> Event:
        if not isinstance(event, ToolResultEvent | McpToolResult) or not event.blob:
            return event
        content = self._blobs.get(event.blob).decode("utf-8", "surrogatepass")
        return event.model_copy(update={"content": content, "blob": ""})
