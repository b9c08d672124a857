"""The seam between the agent loop and a model: one Messages API request in, one message out."""

from dataclasses import dataclass
from typing import Any, Protocol

from docmill.records.results import Usage

Block = dict[str, Any]
"""A content block in Messages API form: text, tool_use, tool_result, thinking, image."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request in Messages API form."""

    model: str
    system: str
    tools: tuple[dict[str, Any], ...]
    """`{name, description, input_schema}` each."""
    messages: tuple[dict[str, Any], ...]
    """`{role, content}`; content is a list of blocks."""
    max_tokens: int


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One answer."""

    id: str
    model: str
    content: tuple[Block, ...]
    stop_reason: str
    usage: Usage
    """Tokens only; what they cost is the ledger's business."""


class Model(Protocol):
    """Anything that answers a request."""

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request.

        Raises:
            ModelError: no usable answer; `retryable` says whether asking again may help.
        """
        ...

    def count_tokens(self, request: ModelRequest) -> int:
        """Input tokens of a request, exact or an upper bound."""
        ...
