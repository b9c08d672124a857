"""Tokens of a request and of an answer, and what a prompt cache would hold of them.

Neighbours: `serving` asks for the usage of each answer. A token is four bytes of UTF-8, a picture
1600 tokens, a PDF 2000 per 50 kB; tests compare figures of one server, never with a real model's.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from docmill.testing.script import Block
from docmill.testing.wording import input_text

BYTES_PER_TOKEN = 4
PICTURE = 1600 * BYTES_PER_TOKEN
PDF = 2000 * BYTES_PER_TOKEN
PDF_SIZE = 50_000
SECONDS = {"5m": 300.0, "1h": 3600.0}
LOOK_BACK = 20
"""Blocks before a breakpoint in which an earlier prefix is still found."""


class Part(NamedTuple):
    """A block of the prompt."""

    data: bytes
    """What it says, without `cache_control`."""
    weight: int
    """Bytes it counts for."""
    ttl: str
    """`5m` or `1h` if it is a cache breakpoint, else empty."""


class Boundary(NamedTuple):
    """The prompt up to the end of a block."""

    digest: bytes
    size: int
    """Bytes from the start."""
    ttl: str


class Reading(NamedTuple):
    """What a request finds in the cache and what it leaves there; counts in tokens."""

    input: int
    """Neither read nor written."""
    read: int
    written: Mapping[str, int]
    """By time to live, `5m` and `1h`."""
    keeps: tuple[Boundary, ...]
    """Prefixes that become readable once the answer has begun."""

    @property
    def usage(self) -> dict[str, Any]:
        """As the API says it, without the output."""
        return {
            "input_tokens": self.input,
            "cache_creation_input_tokens": sum(self.written.values()),
            "cache_read_input_tokens": self.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.written["5m"],
                "ephemeral_1h_input_tokens": self.written["1h"],
            },
        }


class PromptCache:
    """Prefixes that were written, each until its time is over; reading one renews it."""

    def __init__(self, *, minimum: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._minimum = minimum
        self._clock = clock
        self._ends: dict[bytes, float] = {}

    def read(self, request: Mapping[str, Any]) -> Reading:
        """What this request finds now."""
        prompt = list(parts(request))
        if not any(part.ttl for part in prompt):
            return Reading(tokens(sum(part.weight for part in prompt)), 0, {"5m": 0, "1h": 0}, ())
        prefixes = list(_boundaries(str(request["model"]), prompt))
        marked = [number for number, prefix in enumerate(prefixes) if prefix.ttl]
        found = self._longest(prefixes, marked)
        read = tokens(found.size) if found else 0
        written = {"5m": 0, "1h": 0}
        end = read
        keeps: list[Boundary] = []
        for number in marked:
            prefix = prefixes[number]
            if tokens(prefix.size) < self._minimum:
                continue
            keeps.append(prefix)
            written[prefix.ttl] += max(0, tokens(prefix.size) - end)
            end = max(end, tokens(prefix.size))
        return Reading(tokens(prefixes[-1].size) - end, read, written, tuple(keeps))

    def keep(self, reading: Reading) -> None:
        """The answer has begun: what the request wrote can be read from now on."""
        for prefix in reading.keeps:
            self._ends[prefix.digest] = self._clock() + SECONDS[prefix.ttl]

    def _longest(self, prefixes: list[Boundary], marked: list[int]) -> Boundary | None:
        now = self._clock()
        for number in reversed(marked):
            for prefix in reversed(prefixes[max(0, number - LOOK_BACK) : number + 1]):
                if self._ends.get(prefix.digest, 0.0) > now:
                    return prefix
        return None


def tokens(size: int) -> int:
    """Bytes → tokens, rounded up."""
    return -(-size // BYTES_PER_TOKEN)


def count(request: Mapping[str, Any]) -> int:
    """All input tokens of a request."""
    return tokens(sum(part.weight for part in parts(request)))


def output_tokens(content: list[Block]) -> int:
    """Tokens of an answer's blocks."""
    return max(1, tokens(sum(len(_written(block)) for block in content)))


def parts(request: Mapping[str, Any]) -> Iterator[Part]:
    """The prompt's blocks in the order of the cache: tools, system, messages."""
    for tool in request.get("tools") or ():
        yield _part(tool, "tool")
    for block in blocks(request.get("system") or ()):
        yield _part(block, "system")
    settings = {key: request.get(key) for key in ("tool_choice", "thinking")}
    yield Part(_canonical(settings), 0, "")
    messages = [
        (message["role"], block)
        for message in request["messages"]
        for block in blocks(message["content"])
    ]
    automatic = request.get("cache_control")
    for number, (role, block) in enumerate(messages, start=1):
        if automatic and number == len(messages):
            block = {"cache_control": automatic, **block}  # noqa: PLW2901
        yield _part(block, role)


def blocks(content: Any) -> list[Block]:
    """Content as blocks, whichever way it is written."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _boundaries(model: str, prompt: list[Part]) -> Iterator[Boundary]:
    running = hashlib.sha256(model.encode())
    size = 0
    for part in prompt:
        running.update(b"%d:" % len(part.data) + part.data)
        size += part.weight
        yield Boundary(running.copy().digest(), size, part.ttl)


def _part(block: Block, place: str) -> Part:
    control: Any = block.get("cache_control")
    ttl = control.get("ttl", "5m") if control else ""
    data, weight = _weigh({key: block[key] for key in block if key != "cache_control"})
    return Part(place.encode() + b"\0" + data, weight, ttl)


class _Weighed(NamedTuple):
    data: bytes
    weight: int


def _weigh(block: Block) -> _Weighed:
    if block.get("type") == "text":
        data = block["text"].encode("utf-8", "surrogatepass")
        return _Weighed(data, len(data))
    if block.get("type") in ("image", "document"):
        data = _canonical(block)
        scanned = block["type"] == "document" and block["source"].get("type") == "base64"
        flat = PDF * -(-len(data) // PDF_SIZE) if scanned else PICTURE
        return _Weighed(data, flat if scanned or block["type"] == "image" else len(data))
    if block.get("type") == "tool_result" and isinstance(block.get("content"), list):
        inside = [_weigh(part) for part in block["content"]]
        outside = _canonical({key: block[key] for key in block if key != "content"})
        weight = len(outside) + sum(part.weight for part in inside)
        return _Weighed(b"\0".join([outside, *(part.data for part in inside)]), weight)
    data = _canonical(block)
    return _Weighed(data, len(data))


def _written(block: Block) -> bytes:
    match block["type"]:
        case "text":
            words = block["text"]
        case "tool_use":
            words = block["name"] + input_text(block)
        case "thinking":
            words = block["thinking"]
        case _:
            words = json.dumps(block)
    return words.encode("utf-8", "surrogatepass")


def _canonical(data: Any) -> bytes:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")
