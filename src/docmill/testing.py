"""For tests of workspaces and of docmill itself: a model that says exactly what it was told to.

Neighbours: `models.base` is the seam it stands in for. It needs no key and costs nothing.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from docmill.models.base import ModelRequest, ModelResponse
from docmill.records.results import Usage


def tool_use(name: str, arguments: dict[str, Any], *, call: str = "toolu_1") -> dict[str, Any]:
    """A content block in which the model calls a tool."""
    return {"type": "tool_use", "id": call, "name": name, "input": arguments}


def text(words: str) -> dict[str, Any]:
    """A content block of plain words."""
    return {"type": "text", "text": words}


class ScriptedModel:
    """Answers with the next step of its script; too many or too few calls are an error.

    Use it as a context manager: leaving the block checks that every step was used.
    """

    def __init__(self, steps: Sequence[Sequence[dict[str, Any]] | Exception]) -> None:
        self._steps = list(steps)
        self.requests: list[ModelRequest] = []
        """What it was asked, in order."""

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """The next step; an exception in the script is raised.

        Raises:
            AssertionError: the script is at its end.
        """
        if not self._steps:
            raise AssertionError(f"call {len(self.requests) + 1} isn't in the script")
        self.requests.append(request)
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        calls_tool = any(block["type"] == "tool_use" for block in step)
        return ModelResponse(
            id=f"msg_{len(self.requests)}",
            model=request.model,
            content=tuple(step),
            stop_reason="tool_use" if calls_tool else "end_turn",
            usage=Usage(model_calls=1, input_tokens=self.count_tokens(request), output_tokens=10),
        )

    def count_tokens(self, request: ModelRequest) -> int:
        """A fixed estimate: a token per four characters of the messages."""
        return len(str(request.messages)) // 4

    def __enter__(self) -> "ScriptedModel":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._steps:
            raise AssertionError(f"{len(self._steps)} steps of the script were never asked for")
