"""What a scripted server was asked and what it gave: its own count, to hold a ledger against.

Neighbours: `serving` writes it, tests read it. It keeps no prompts, no answers and no keys.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from docmill.testing.wire import Request

Outcome = Literal[
    "open", "completed", "cut", "abandoned", "failed", "reset", "refused", "not_in_script"
]
COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
OF_INTEREST = ("anthropic-version", "anthropic-beta", "idempotency-key", "user-agent")


@dataclass(slots=True)
class Entry:
    """One request, or one entry of a message batch."""

    number: int
    """Counted from 1, in order of arrival."""
    kind: Literal["message", "count_tokens", "batch", "batch_entry", "other"]
    seconds: float
    """When it came, since the server started."""
    path: str
    request_id: str
    sha256: str
    """Of the body as it came; equal requests have equal sums."""
    conversation: str = ""
    """Of the first message: equal for all turns of a session, and for all its attempts."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those that matter: version, beta, idempotency, retries, `x-docmill-*`."""
    model: str = ""
    messages: int = 0
    max_tokens: int = 0
    stream: bool = False
    outcome: Outcome = "open"
    """`completed`: all was sent. `cut`: the script broke it off. `abandoned`: the client went away.
    `failed`, `reset`: the script's. `refused`: the request has mistakes. `open`: under way."""
    status: int = 0
    """HTTP status; 0 if none was sent."""
    error: str = ""
    """What was wrong with the request."""
    message_id: str = ""
    stop_reason: str = ""
    tools: tuple[str, ...] = ()
    """Names of the tools that the answer calls."""
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """As the client was told last."""
    took: float = 0.0
    """Seconds until the outcome."""


class Log:
    """All entries since the start."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the server started."""
        return time.monotonic() - self._started

    def add(self, kind: Any, request: Request, body: Mapping[str, Any]) -> Entry:
        """A request has come."""
        entry = Entry(
            number=len(self.entries) + 1,
            kind=kind,
            seconds=self.seconds,
            path=request.path,
            request_id=ident("req", len(self.entries) + 1, request.body),
            sha256=hashlib.sha256(request.body).hexdigest(),
            headers={name: value for name, value in request.headers.items() if _matters(name)},
        )
        describe(entry, body)
        self.entries.append(entry)
        return entry

    def close(self, entry: Entry, outcome: Outcome) -> None:
        """How it ended."""
        entry.outcome = outcome
        entry.took = self.seconds - entry.seconds

    @property
    def totals(self) -> dict[str, int]:
        """Answers given, wholly or in part, and their tokens."""
        told = [entry.usage for entry in self.entries if entry.usage and entry.message_id]
        sums = {name: sum(usage.get(name, 0) for usage in told) for name in COUNTS}
        return {"answers": len(told), **sums}

    def dump(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {"totals": self.totals, "requests": [asdict(entry) for entry in self.entries]}


def describe(entry: Entry, body: Mapping[str, Any]) -> None:
    """Take over what a message request says about itself, as far as it says anything."""
    messages: Any = body.get("messages")
    entry.model = str(body.get("model", ""))
    turns = cast("list[Any]", messages) if isinstance(messages, list) else []
    entry.messages = len(turns)
    entry.stream = body.get("stream") is True
    limit = body.get("max_tokens")
    entry.max_tokens = limit if isinstance(limit, int) else 0
    if turns:
        first = repr(turns[0]).encode("utf-8", "surrogatepass")
        entry.conversation = hashlib.sha256(first).hexdigest()[:16]


def ident(prefix: str, number: int, data: bytes) -> str:
    """An id in the API's form: never given twice by one server."""
    return f"{prefix}_{hashlib.sha256(b'%d:' % number + data).hexdigest()[:24]}"


def _matters(name: str) -> bool:
    return name in OF_INTEREST or name.startswith(("x-docmill-", "x-stainless-retry"))
