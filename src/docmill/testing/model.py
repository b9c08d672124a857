"""A model in the process that says exactly what it was told to.

Neighbours: `models.base` is the seam it stands in for. It needs no key, no network, and costs
nothing; what goes over HTTP is tested with `serving`.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from docmill.models.base import ModelRequest, ModelResponse
from docmill.records.results import Usage
from docmill.testing.script import Block


class ScriptedModel:
    """Answers with the next step of its script; too many or too few calls are an error.

    Use it as a context manager: leaving the block checks that every step was used.
    """

    def __init__(self, steps: Sequence[Sequence[Block] | Exception]) -> None:
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
        turn = len(request.messages)
        content = [_named(block, f"toolu_{turn}_{index}") for index, block in enumerate(step)]
        calls_tool = any(block["type"] == "tool_use" for block in content)
        raw = {
            block["id"]: block["input"]
            for block in content
            if isinstance(block.get("input"), str)  # what is no JSON
        }
        return ModelResponse(
            id=f"msg_{len(self.requests)}",
            model=request.model,
            content=tuple({**b, "input": {}} if b.get("id") in raw else b for b in content),
            stop_reason="tool_use" if calls_tool else "end_turn",
            usage=Usage(model_calls=1, input_tokens=self.bound_tokens(request), output_tokens=10),
            malformed=tuple(raw.items()),
        )

    def bound_tokens(self, request: ModelRequest) -> int:
        """A fixed estimate: a token per four characters of the messages."""
        return len(str(request.messages)) // 4

    async def count_tokens(self, request: ModelRequest) -> int:
        """The same estimate."""
        return self.bound_tokens(request)

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


def _named(block: Block, ident: str) -> dict[str, Any]:
    needs_id = block["type"] == "tool_use" and not block["id"]
    return {**block, "id": ident} if needs_id else block
