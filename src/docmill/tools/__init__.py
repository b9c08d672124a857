"""What the model may call. Each tool runs inside the session's sandbox."""

from docmill.tools.toolset import VERSION, toolset

__all__ = ["VERSION", "toolset"]
