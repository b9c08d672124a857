"""The seam between the agent loop and a tool."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from docmill.sandboxes.base import Sandbox

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What goes back to the model."""

    content: str | tuple[Block, ...]
    """Text, or blocks; a picture's `source` is `{type: blob, media_type, sha256}`."""
    is_error: bool = False

    @property
    def text(self) -> str:
        """The words of it."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(block["text"]) for block in self.content if "text" in block)


class Origin(NamedTuple):
    """Where a tool of an MCP server comes from."""

    server: str
    name: str
    """What the server calls it."""


class Tool(Protocol):
    """One tool: of the sandbox's toolset, or of an MCP server."""

    @property
    def definition(self) -> dict[str, Any]:
        """`{name, description, input_schema}` for the model."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether a call that was cut by a crash may simply be run again."""
        ...

    @property
    def asks(self) -> bool:
        """Whether a person has to allow each call."""
        ...

    @property
    def origin(self) -> Origin | None:
        """The MCP server it belongs to; None: the sandbox's toolset."""
        ...

    @property
    def changes_files(self) -> bool:
        """Whether a finished call has to be run again to rebuild the workspace of a session."""
        ...

    async def run(self, arguments: Mapping[str, Any], sandbox: Sandbox) -> ToolResult:
        """Run it; errors the model can act on come back as results with `is_error`."""
        ...


class Offer(NamedTuple):
    """What one MCP server offers an agent."""

    server: str
    tools: Sequence[Tool]
    digest: str
    """sha256 of what the server says of them."""
    notes: tuple[str, ...] = ()
    """What was left out or cut, and why."""


class ToolSource(Protocol):
    """Tools that live somewhere else: an MCP server, shared or inside each sandbox."""

    def open(self, sandbox: Sandbox) -> AbstractAsyncContextManager[Offer]:
        """The tools for one session; leaving the block ends what was started for it."""
        ...
