"""A message in the API's own words: as JSON, as a stream of events, and errors likewise.

Neighbours: `script` says what is answered, `serving` sends it. It counts and sends nothing.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from docmill.testing.script import Answer, Block

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
WORDS = {
    401: "invalid x-api-key",
    403: "Your API key does not have permission to use the specified resource.",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit.",
    500: "Internal server error",
    529: "Overloaded",
}
STREAM_HEADERS = [
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
]
JSON_HEADERS = [("content-type", "application/json")]


COMPACT = json.JSONEncoder(separators=(",", ":"))


class Piece(NamedTuple):
    """One event of a stream."""

    kind: str
    data: bytes
    """As it goes over the wire."""


def encode(data: Any) -> bytes:
    """JSON; lone halves of surrogate pairs stay escapes."""
    return COMPACT.encode(data).encode("ascii")


def error_body(status: int, message: str, *, request_id: str) -> dict[str, Any]:
    """The body of an error response."""
    kind = KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": message or WORDS.get(status, "Error")},
        "request_id": request_id,
    }


def message_body(
    answer: Answer, *, ident: str, model: str, usage: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole message, as a response without streaming has it."""
    return {
        "id": ident,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(answer.content),
        "stop_reason": answer.stop_reason or natural_stop(answer.content),
        "stop_sequence": answer.stop_sequence,
        "stop_details": _details(answer),
        "usage": dict(usage),
    }


def natural_stop(content: Any) -> str:
    """Why a model stops that wasn't stopped."""
    return "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"


def _details(answer: Answer) -> dict[str, Any] | None:
    if answer.stop_details is None:
        return None
    return {"type": "refusal", "category": None, "explanation": None, **answer.stop_details}


def stream(message: Mapping[str, Any], *, chunk: int) -> Iterator[Piece]:
    """The events of a message, in the API's order."""
    opening = {**message, "stop_reason": None, "stop_sequence": None, "stop_details": None}
    opening["content"] = ()
    opening["usage"] = {**message["usage"], "output_tokens": 1}
    yield _piece("message_start", message=opening)
    for index, block in enumerate(message["content"]):
        yield _piece("content_block_start", index=index, content_block=_empty(block))
        if index == 0:
            yield _piece("ping")
        for delta in _deltas(block, chunk):
            yield _piece("content_block_delta", index=index, delta=delta)
        yield _piece("content_block_stop", index=index)
    stop = {key: message[key] for key in ("stop_reason", "stop_sequence")}
    if message["stop_details"] is not None:
        stop["stop_details"] = message["stop_details"]
    counts = {key: value for key, value in message["usage"].items() if key in CUMULATIVE}
    yield _piece("message_delta", delta=stop, usage=counts)
    yield _piece("message_stop")


CUMULATIVE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


def error_piece(kind: str, *, request_id: str) -> Piece:
    """An error event inside a stream."""
    words = {name: WORDS.get(status, "Error") for status, name in KINDS.items()}
    error = {"type": kind, "message": words.get(kind, "Error")}
    return _piece("error", error=error, request_id=request_id)


def _piece(kind: str, **data: Any) -> Piece:
    return Piece(kind, b"event: %b\ndata: %b\n\n" % (kind.encode(), encode({"type": kind, **data})))


def _empty(block: Block) -> Block:
    match block["type"]:
        case "text":
            return {**block, "text": ""}
        case "tool_use":
            return {**block, "input": {}}
        case "thinking":
            return {**block, "thinking": "", "signature": ""}
        case _:
            return block


def _deltas(block: Block, chunk: int) -> Iterator[dict[str, Any]]:
    match block["type"]:
        case "text":
            for part in _parts(block["text"], chunk):
                yield {"type": "text_delta", "text": part}
        case "tool_use":
            yield {"type": "input_json_delta", "partial_json": ""}
            for part in _parts(input_text(block), chunk):
                yield {"type": "input_json_delta", "partial_json": part}
        case "thinking":
            for part in _parts(block["thinking"], chunk):
                yield {"type": "thinking_delta", "thinking": part}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case _:
            pass


def input_text(block: Block) -> str:
    """A tool call's input as the model wrote it; a string in the script is sent as it is."""
    given = block["input"]
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _parts(words: str, chunk: int) -> Iterator[str]:
    for start in range(0, len(words), chunk):
        yield words[start : start + chunk]
