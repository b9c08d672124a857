"""The seam between the agent loop and a tool."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from docmill.sandboxes.base import Sandbox


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What goes back to the model."""

    content: str
    is_error: bool = False


class Tool(Protocol):
    """One tool of the agent toolset."""

    @property
    def definition(self) -> dict[str, Any]:
        """`{name, description, input_schema}` for the model."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether a call that was cut by a crash may simply be run again."""
        ...

    @property
    def changes_files(self) -> bool:
        """Whether a finished call has to be run again to rebuild the workspace of a session."""
        ...

    async def run(self, arguments: Mapping[str, Any], sandbox: Sandbox) -> ToolResult:
        """Run it; errors the model can act on come back as results with `is_error`."""
        ...
