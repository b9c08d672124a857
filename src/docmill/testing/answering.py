"""Answers on the wire: whole or as a stream, with their usage, and broken off where they shall be.

Neighbours: `application` says which answer, `wording` builds the message, `counting` its usage,
`log` keeps what was told. It decides nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from docmill.testing.counting import PromptCache, Reading, output_tokens
from docmill.testing.log import Entry, ident
from docmill.testing.script import Answer, Block, Cut, Failure
from docmill.testing.turns import Memory
from docmill.testing.wire import Exchange, Headers
from docmill.testing.wording import (
    JSON_HEADERS,
    STREAM_HEADERS,
    Piece,
    encode,
    error_body,
    error_piece,
    input_text,
    message_body,
    stream,
)

AT_ONCE = 65_536
"""Bytes that are sent together where nothing asks for a pause."""
CLOSING = 2
"""Events after the last block."""


class Speaker:
    """Says answers; remembers what it has said as far as it may come back."""

    def __init__(self, cache: PromptCache, memory: Memory) -> None:
        self._cache = cache
        self._memory = memory

    def read(self, request: Mapping[str, Any]) -> Reading:
        """What the prompt cache holds of a request now."""
        return self._cache.read(request)

    def compose(
        self, answer: Answer, entry: Entry, reading: Reading, *, tier: str = "standard"
    ) -> dict[str, Any]:
        """The message; from now on what the request wrote can be read from the cache.

        Ids of calls depend on the request only, the message's own id is new every time.
        """
        content = [_named(block, entry, place) for place, block in enumerate(answer.content)]
        usage = {
            **reading.usage,
            "output_tokens": output_tokens(content),
            "service_tier": tier,
            **(answer.usage or {}),
        }
        entry.message_id = ident("msg", entry.number, entry.sha256.encode())
        entry.usage = usage
        entry.tools = tuple(block["name"] for block in content if block["type"] == "tool_use")
        message = message_body(
            replace(answer, content=content), ident=entry.message_id, model=entry.model, usage=usage
        )
        entry.stop_reason = message["stop_reason"]
        self._memory.keep(content, entry.stop_reason)
        self._cache.keep(reading)
        return message

    async def say(self, answer: Answer, exchange: Exchange, entry: Entry, reading: Reading) -> None:
        """Answer a request, as a stream if it wants one."""
        message = self.compose(answer, entry, reading)
        entry.status = 200
        if entry.stream:
            await _stream(answer, exchange, entry, message)
        else:
            data = encode(message)
            headers = _headers(JSON_HEADERS, entry)
            if answer.cut is None:
                exchange.answer(200, headers, data)
            else:
                exchange.start(200, headers)
                exchange.write(data[: len(data) // 2])
        if answer.cut is None:
            entry.close("completed")
        else:
            await _break_off(answer.cut, exchange, entry)


def give(exchange: Exchange, entry: Entry, data: bytes, *, kind: str = "application/json") -> None:
    """Answer with data that is no message."""
    entry.status = 200
    exchange.answer(200, _headers([("content-type", kind)], entry), data)
    entry.close("completed")


def fail(exchange: Exchange, entry: Entry, failure: Failure) -> None:
    """Answer with an error."""
    body = error_body(failure.status, failure.message, request_id=entry.request_id)
    headers = _headers(JSON_HEADERS, entry)
    if failure.retry_after is not None:
        headers.append(("retry-after", f"{failure.retry_after:g}"))
    entry.status = failure.status
    entry.error = body["error"]["message"]
    exchange.answer(failure.status, headers, encode(body))
    entry.close("failed")


def _headers(headers: Headers, entry: Entry) -> Headers:
    return [*headers, ("request-id", entry.request_id)]


def _named(block: Block, entry: Entry, place: int) -> Block:
    if block["type"] != "tool_use" or block["id"]:
        return block
    return {**block, "id": ident("toolu", place, entry.sha256.encode())}


async def _stream(
    answer: Answer, exchange: Exchange, entry: Entry, message: dict[str, Any]
) -> None:
    exchange.start(200, _headers(STREAM_HEADERS, entry))
    pieces = list(stream(message, chunk=_chunk(answer)))
    if answer.cut is not None:
        pieces = pieces[: _cut_at(pieces, answer.cut.where)]
        # A stream that breaks off has told the input's tokens and that there is some output.
        entry.usage = {**message["usage"], "output_tokens": 1}
    waiting = bytearray()
    for piece in pieces:
        if piece.kind == "content_block_delta" and answer.gap:
            _flush(exchange, waiting)
            await asyncio.sleep(answer.gap)
        waiting += piece.data
        if len(waiting) > AT_ONCE:
            _flush(exchange, waiting)
            await exchange.drained()
    _flush(exchange, waiting)
    if answer.cut is None:
        exchange.end()


async def _break_off(cut: Cut, exchange: Exchange, entry: Entry) -> None:
    await exchange.drained()
    entry.close("cut")
    match cut.how:
        case "reset":
            exchange.reset()
        case "eof":
            exchange.close()
        case "stall":
            await asyncio.Event().wait()
        case "error":
            if entry.stream:
                exchange.write(error_piece(cut.error, request_id=entry.request_id).data)
            exchange.end()
        case "end":
            exchange.end()


def _flush(exchange: Exchange, waiting: bytearray) -> None:
    if waiting:
        exchange.write(bytes(waiting))
        waiting.clear()


def _chunk(answer: Answer) -> int:
    """Characters of a delta: where the stream is cut, the last block has a middle."""
    if answer.cut is None or not answer.content:
        return answer.chunk
    last = answer.content[-1]
    words = input_text(last) if last["type"] == "tool_use" else str(last.get("text", ""))
    return max(1, min(answer.chunk, len(words) // 4))


def _cut_at(pieces: Sequence[Piece], where: str) -> int:
    """How many events are sent."""
    if where == "start":
        return 1
    if where == "end":
        return len(pieces) - CLOSING
    starts = [place for place, piece in enumerate(pieces) if piece.kind == "content_block_start"]
    first = starts[-1] + 1 if starts else 1
    return (first + len(pieces) - CLOSING) // 2
