"""The seam between the agent loop and a model: one Messages API request in, one message out."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Protocol

from docmill.errors import ModelError
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
    effort: str | None = None
    """How hard the model is to think: `low`, `medium`, `high`, `max`; None leaves it to it."""
    speed: str | None = None
    """`fast` for faster answers at a higher price, where the endpoint has them."""
    output_schema: dict[str, Any] | None = None
    """JSON Schema of the final answer's text, where the endpoint keeps such promises."""
    identity: str = ""
    """Who asks: session and turn. Not part of what is asked: equal requests may differ in it."""


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """One answer."""

    id: str
    model: str
    content: tuple[Block, ...]
    stop_reason: str
    usage: Usage
    """Tokens only; what they cost is the ledger's business."""
    stop_details: dict[str, Any] | None = None
    """What the endpoint says beyond the reason: a refusal's `category` and `explanation`."""
    malformed: tuple[tuple[str, str], ...] = ()
    """`(tool_use id, raw text)` of tool inputs that are no JSON object; their `input` is empty."""
    waited: float = 0.0
    """Seconds before the request was sent: for a slot, a pause of the endpoint, a batch."""


class AttemptError(ModelError):
    """One attempt at a call failed; `retryable` says whether the same request may be sent again."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        remedy: str = "",
        retryable: bool = False,
        retry_after: float | None = None,
        usage: Usage | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, code=code, remedy=remedy, retryable=retryable)
        self.retry_after = retry_after
        """Seconds the endpoint asks us to wait."""
        self.usage = usage
        """Tokens the attempt consumed as far as the endpoint said before it broke off."""
        self.status = status
        """HTTP status; None if the connection failed."""
        self.outage = False
        """The endpoint is down for everybody: the attempt isn't this session's fault, and the next
        one will be held back until the endpoint may be tried again."""
        self.waited = 0.0
        """As `ModelResponse.waited`."""
        self.batched = False
        """It came out of a message batch: hours have gone by that were no outage."""


class Model(Protocol):
    """Anything that answers a request."""

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Answer one request, in one attempt.

        Raises:
            AttemptError: it failed; the caller counts attempts, waits and asks again.
            ModelError: no usable answer.
            PrerequisiteError: the endpoint refuses every request (bad key): the run stops.
        """
        ...

    def bound_tokens(self, request: ModelRequest) -> int:
        """Upper bound of the request's input tokens, without asking anybody."""
        ...

    async def count_tokens(self, request: ModelRequest) -> int:
        """Input tokens of a request, as exactly as the endpoint can say; at most the bound."""
        ...


def fingerprint(request: ModelRequest) -> str:
    """sha256 of the request's canonical JSON: of what is asked, not of who asks."""
    body: list[Any] = [
        request.model,
        request.system,
        request.tools,
        request.messages,
        request.max_tokens,
        request.effort,
        request.speed,
        request.output_schema,
    ]
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
