"""What a scripted server was asked and what it gave: its own count, to hold a ledger against.

Neighbours: `serving` writes it, tests read it. It keeps no prompts, no answers and no keys.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

from docmill.testing.wire import Request

Kind = Literal["message", "count_tokens", "batch", "batch_entry", "other"]
Outcome = Literal[
    "open",
    "completed",
    "cut",
    "abandoned",
    "failed",
    "reset",
    "refused",
    "not_in_script",
    "unprocessed",
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
    kind: Kind
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
    custom_id: str = ""
    """Of a batch's entry."""
    model: str = ""
    messages: int = 0
    max_tokens: int = 0
    stream: bool = False
    outcome: Outcome = "open"
    """`completed`: all was sent. `cut`: the script broke it off. `abandoned`: the client went away.
    `failed`, `reset`: the script's. `refused`: the request has mistakes. `unprocessed`: an entry
    that expired or was cancelled. `open`: under way."""
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
    began: float = field(default_factory=time.monotonic, repr=False)

    def close(self, outcome: Outcome) -> None:
        """How it ended."""
        self.outcome = outcome
        self.took = time.monotonic() - self.began


class Log:
    """All entries since the start."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._started = time.monotonic()

    def add(self, kind: Kind, request: Request, body: Mapping[str, Any] | None) -> Entry:
        """A request has come."""
        entry = self._add(kind, request.path, request.body)
        entry.headers = {name: said for name, said in request.headers.items() if _matters(name)}
        _describe(entry, body or {})
        return entry

    def add_entry(self, path: str, custom_id: str, params: Mapping[str, Any]) -> Entry:
        """An entry of a message batch has come; its sum is that of its canonical JSON."""
        canonical = json.dumps(params, sort_keys=True, separators=(",", ":"))
        entry = self._add("batch_entry", path, canonical.encode())
        entry.custom_id = custom_id
        _describe(entry, params)
        return entry

    def _add(self, kind: Kind, path: str, body: bytes) -> Entry:
        number = len(self.entries) + 1
        entry = Entry(
            number=number,
            kind=kind,
            seconds=time.monotonic() - self._started,
            path=path,
            request_id=ident("req", number, body),
            sha256=hashlib.sha256(body).hexdigest(),
        )
        self.entries.append(entry)
        return entry

    @property
    def totals(self) -> dict[str, int]:
        """Answers given, wholly or in part, and their tokens."""
        told = [entry.usage for entry in self.entries if entry.message_id]
        sums = {name: sum(usage.get(name, 0) for usage in told) for name in COUNTS}
        return {"answers": len(told), **sums}

    def dump(self) -> dict[str, Any]:
        """As JSON takes it."""
        requests = [asdict(entry) for entry in self.entries]
        for request in requests:
            del request["began"]
        return {"totals": self.totals, "requests": requests}


def _describe(entry: Entry, body: Mapping[str, Any]) -> None:
    """Take over what a message request says about itself, as far as it says anything."""
    messages: Any = body.get("messages")
    entry.model = str(body.get("model", ""))
    turns = cast("list[Any]", messages) if isinstance(messages, list) else []
    entry.messages = len(turns)
    entry.stream = body.get("stream") is True
    limit = body.get("max_tokens")
    entry.max_tokens = limit if isinstance(limit, int) else 0
    if turns:
        entry.conversation = hashlib.sha256(json.dumps(turns[0]).encode()).hexdigest()[:16]


def ident(prefix: str, number: int, data: bytes) -> str:
    """An id in the API's form: never given twice by one server."""
    return f"{prefix}_{hashlib.sha256(b'%d:' % number + data).hexdigest()[:24]}"


def _matters(name: str) -> bool:
    return name in OF_INTEREST or name.startswith(("x-docmill-", "x-stainless-retry"))
