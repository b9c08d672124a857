"""The answer, folded from the raw events of a stream; any split into deltas gives the same one.

Knows nothing of the network. Blocks it has no name for are kept as they came, for sending back.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from docmill.models.base import Block, ModelResponse
from docmill.records.results import Usage

THINKING = ("thinking", "redacted_thinking")


class UnreadableStreamError(Exception):
    """An event isn't what the protocol allows at its place."""


class _Growing:
    """A content block that is being written."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._texts: dict[str, list[str]] = {}
        self._citations: list[Any] = []

    def add(self, delta: Mapping[str, Any]) -> None:
        """One delta: its texts are appended, whatever their name."""
        for key, value in delta.items():
            if key == "type" or value is None:
                continue
            if key == "citation":
                self._citations.append(value)
            elif isinstance(value, str):
                self._texts.setdefault(key, []).append(value)
            else:
                self._block[key] = value

    def whole(self) -> tuple[Block, str | None]:
        """The block, and the raw text of its input if that is no JSON object."""
        block = dict(self._block)
        raw = sound("".join(self._texts.get("partial_json", [])))
        for key, parts in self._texts.items():
            if key != "partial_json":
                block[key] = sound(str(block.get(key) or "") + "".join(parts))
        if self._citations:
            block["citations"] = [*(block.get("citations") or []), *self._citations]
        if "input" not in block and not raw:
            return block, None
        return _with_input(block, raw)


def _with_input(block: Block, raw: str) -> tuple[Block, str | None]:
    given = block.get("input")
    if not raw.strip():
        if isinstance(given, dict):
            return block, None
        return {**block, "input": {}}, None if given is None else json.dumps(given)
    try:
        parsed = json.loads(raw, parse_constant=_refuse)
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {**block, "input": {}}, raw
    if not isinstance(parsed, dict):
        return {**block, "input": {}}, raw
    return {**block, "input": parsed}, None


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def sound(text: str) -> str:
    """Text that can be written as UTF-8: surrogates that came in two halves are joined."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Fold:
    """One answer in the making."""

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[int, _Growing] = {}
        self._usage: dict[str, Any] = {}
        self._stop: dict[str, Any] = {}
        self._stopped = False
        self.thinking = False
        """Whether the model is thinking: an endpoint that doesn't show it sends nothing then."""

    @property
    def begun(self) -> bool:
        """Whether the endpoint has read the whole request and started its answer."""
        return bool(self._message)

    @property
    def complete(self) -> bool:
        """Whether the answer came to its end."""
        return self.begun and (self._stopped or bool(self._stop.get("stop_reason")))

    @property
    def usage(self) -> Usage:
        """Tokens as far as the endpoint has said."""
        return usage_of(self._usage)

    def feed(self, event: object) -> None:
        """Take the next event; those of unknown types are passed over.

        Raises:
            UnreadableStreamError: it can't be part of an answer.
        """
        data = _mapping(event)
        kind = data.get("type")
        if kind == "content_block_delta":
            self._growing(data).add(_mapping(data.get("delta")))
        elif kind == "content_block_start":
            block = dict(_mapping(data.get("content_block")))
            self._blocks[_index(data)] = _Growing(block)
            self.thinking = block.get("type") in THINKING
        elif kind == "content_block_stop":
            self.thinking = False
        elif kind == "message_start":
            self._message = dict(_mapping(data.get("message")))
            self._merge_usage(self._message.get("usage"))
        elif kind == "message_delta":
            self._stop.update(_mapping(data.get("delta")))
            self._merge_usage(data.get("usage"))
        elif kind == "message_stop":
            self._stopped = True

    def response(self) -> ModelResponse:
        """The whole answer."""
        wholes = [self._blocks[index].whole() for index in sorted(self._blocks)]
        return _response(
            {**self._message, **self._stop},
            tuple(block for block, _ in wholes),
            usage=self.usage.model_copy(update={"model_calls": 1}),
            malformed=tuple(
                (str(block.get("id", "")), raw) for block, raw in wholes if raw is not None
            ),
        )

    def _growing(self, data: Mapping[str, Any]) -> _Growing:
        block = self._blocks.get(_index(data))
        if block is None:
            raise UnreadableStreamError("a delta of a block that was not begun")
        return block

    def _merge_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            given = cast("dict[str, Any]", usage)
            self._usage.update({key: value for key, value in given.items() if value is not None})


def whole_message(message: Mapping[str, Any]) -> ModelResponse:
    """The answer from a message that came in one piece, as in the results of a batch."""
    fold = Fold()
    fold.feed({"type": "message_start", "message": message})
    blocks = cast("list[Any]", message.get("content") or [])
    for index, block in enumerate(blocks):
        fold.feed({"type": "content_block_start", "index": index, "content_block": block})
    fold.feed({"type": "message_stop"})
    return fold.response()


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Tokens of the API's `usage`; what is missing is 0."""
    created: Any = usage.get("cache_creation")
    hour = _count(cast("dict[str, Any]", created), "ephemeral_1h_input_tokens") if created else 0
    written = _count(usage, "cache_creation_input_tokens")
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_write_tokens=max(0, written - hour),
        cache_write_1h_tokens=hour,
        cache_read_tokens=_count(usage, "cache_read_input_tokens"),
    )


def _count(usage: Mapping[str, Any], key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) and value > 0 else 0


def _response(
    message: Mapping[str, Any],
    content: tuple[Block, ...],
    *,
    usage: Usage,
    malformed: tuple[tuple[str, str], ...],
) -> ModelResponse:
    details: Any = message.get("stop_details")
    return ModelResponse(
        id=str(message.get("id") or ""),
        model=str(message.get("model") or ""),
        content=content,
        stop_reason=str(message.get("stop_reason") or "end_turn"),
        usage=usage,
        stop_details=cast("dict[str, Any]", details) if isinstance(details, dict) else None,
        malformed=malformed,
    )


def _mapping(data: object) -> dict[str, Any]:
    if isinstance(data, dict):
        return cast("dict[str, Any]", data)
    raise UnreadableStreamError(f"{type(data).__name__} where an object belongs")


def _index(data: Mapping[str, Any]) -> int:
    index = data.get("index")
    if isinstance(index, int):
        return index
    raise UnreadableStreamError("a block without an index")
