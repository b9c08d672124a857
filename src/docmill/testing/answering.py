"""The endpoints: a request comes in, is checked, and is answered as the script says.

Neighbours: `checking` finds mistakes, `wording` builds messages, `counting` their usage, `batches`
the message batches, `log` keeps what happened. Connections are `wire`'s business.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from docmill.testing.checking import mistake, wrong_headers
from docmill.testing.counting import PromptCache, Reading, count, output_tokens
from docmill.testing.log import Entry, Log, ident
from docmill.testing.script import (
    Answer,
    Failure,
    NotInScriptError,
    Policy,
    Reset,
    Step,
)
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


class Application:
    """Answers requests; one for all connections of a server."""

    def __init__(
        self,
        policy: Policy,
        *,
        key: str,
        latency: float,
        models: Sequence[str],
        cache: PromptCache,
        max_body: int,
    ) -> None:
        self._policy = policy
        self._key = key
        self._latency = latency
        self._models = tuple(models)
        self._cache = cache
        self._max_body = max_body
        self._memory = Memory()
        self.log = Log()
        self.trouble: list[str] = []
        """Why the test has to fail."""
        self.base_url = ""

    def broken(self, error: BaseException) -> None:
        """The policy, or the server, raised."""
        self.trouble.append(f"{type(error).__name__}: {error}")

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = exchange.request
        if request.path == "/__log":
            exchange.answer(200, JSON_HEADERS, encode(self.log.dump()))
            return
        body = _json(request.body)
        kinds = {"/v1/messages": "message", "/v1/messages/count_tokens": "count_tokens"}
        entry = self.log.add(kinds.get(request.path, "other"), request, body or {})
        try:
            await self._route(exchange, entry, body)
        except asyncio.CancelledError:
            if entry.outcome == "open":
                self.log.close(entry, "abandoned")
            raise

    async def _route(self, exchange: Exchange, entry: Entry, body: dict[str, Any] | None) -> None:
        request = exchange.request
        if problem := wrong_headers(request.headers, self._key):
            self._refuse(exchange, entry, problem.status, problem.message)
        elif request.size > self._max_body:
            self._refuse(exchange, entry, 413, "")
        elif request.method == "POST" and entry.kind in ("message", "count_tokens"):
            problem = mistake(body, self._memory, counting=entry.kind == "count_tokens")
            if problem:
                self._refuse(exchange, entry, 400, problem)
            elif self._models and entry.model not in self._models:
                self._refuse(exchange, entry, 404, f"model: {entry.model}")
            elif entry.kind == "count_tokens":
                self._give(exchange, entry, {"input_tokens": count(body or {})})
            else:
                await self._message(exchange, entry, body or {})
        elif request.method == "GET" and request.path.startswith("/v1/models"):
            self._show_models(exchange, entry, request.path.removeprefix("/v1/models"))
        else:
            self._refuse(exchange, entry, 404, f"Not found: {request.method} {request.path}")

    async def _message(self, exchange: Exchange, entry: Entry, body: dict[str, Any]) -> None:
        try:
            step = self._policy(body)
        except NotInScriptError as error:
            self.trouble.append(str(error))
            self._refuse(exchange, entry, 400, str(error))
            entry.outcome = "not_in_script"
            return
        await self._take(step, exchange, entry, body)

    async def _take(
        self, step: Step, exchange: Exchange, entry: Entry, body: dict[str, Any]
    ) -> None:
        match step:
            case Answer():
                reading = self._cache.read(body)
                await asyncio.sleep(self._latency if step.latency is None else step.latency)
                await self._say(step, exchange, entry, reading)
            case Failure():
                await asyncio.sleep(step.latency)
                self._fail(exchange, entry, step)
            case Reset():
                await asyncio.sleep(step.latency)
                self.log.close(entry, "reset")
                exchange.reset()
            case _:
                raise AssertionError("`Unprocessed` is for entries of a message batch")

    async def _say(
        self, answer: Answer, exchange: Exchange, entry: Entry, reading: Reading
    ) -> None:
        message = self.compose(answer, entry, reading)
        self._cache.keep(reading)
        if entry.stream:
            await self._stream(answer, exchange, entry, message)
        else:
            await self._whole(answer, exchange, entry, message)

    def compose(self, answer: Answer, entry: Entry, reading: Reading) -> dict[str, Any]:
        """The message, with ids and usage; ids of calls depend on the request only."""
        content = [
            {**block, "id": ident("toolu", index, entry.sha256.encode())}
            if block["type"] == "tool_use" and not block["id"]
            else block
            for index, block in enumerate(answer.content)
        ]
        usage = {
            **reading.usage,
            "output_tokens": output_tokens(content),
            "service_tier": "standard",
            **(answer.usage or {}),
        }
        entry.message_id = ident("msg", entry.number, entry.sha256.encode())
        entry.usage = {**usage, "output_tokens": 1} if entry.stream else usage
        entry.tools = tuple(block["name"] for block in content if block["type"] == "tool_use")
        message = message_body(
            replace(answer, content=content), ident=entry.message_id, model=entry.model, usage=usage
        )
        entry.stop_reason = message["stop_reason"]
        self._memory.keep(content, entry.stop_reason)
        return message

    async def _stream(
        self, answer: Answer, exchange: Exchange, entry: Entry, message: dict[str, Any]
    ) -> None:
        entry.status = 200
        exchange.start(200, [*STREAM_HEADERS, ("request-id", entry.request_id)])
        pieces = list(stream(message, chunk=_chunk(answer)))
        if answer.cut:
            pieces = pieces[: _cut_at(pieces, answer.cut.where)]
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
        if answer.cut:
            if answer.cut.where == "end":
                entry.usage = message["usage"]
            await self._break_off(answer, exchange, entry)
            return
        entry.usage = message["usage"]
        exchange.end()
        self.log.close(entry, "completed")

    async def _whole(
        self, answer: Answer, exchange: Exchange, entry: Entry, message: dict[str, Any]
    ) -> None:
        data = encode(message)
        headers: Headers = [*JSON_HEADERS, ("request-id", entry.request_id)]
        entry.status = 200
        if answer.cut:
            exchange.start(200, headers)
            exchange.write(data[: len(data) // 2])
            await self._break_off(answer, exchange, entry)
            return
        exchange.answer(200, headers, data)
        self.log.close(entry, "completed")

    async def _break_off(self, answer: Answer, exchange: Exchange, entry: Entry) -> None:
        assert answer.cut is not None
        await exchange.drained()
        self.log.close(entry, "cut")
        match answer.cut.how:
            case "reset":
                # What was sent has to leave first: a reset takes back what still waits here.
                await asyncio.sleep(0)
                exchange.reset()
            case "eof":
                exchange.close()
            case "stall":
                await asyncio.Event().wait()
            case "error" if entry.stream:
                piece = error_piece(answer.cut.error, request_id=entry.request_id)
                exchange.write(piece.data)
                exchange.end()
            case _:
                exchange.end()

    def _give(self, exchange: Exchange, entry: Entry, data: Mapping[str, Any]) -> None:
        entry.status = 200
        headers = [*JSON_HEADERS, ("request-id", entry.request_id)]
        exchange.answer(200, headers, encode(data))
        self.log.close(entry, "completed")

    def _refuse(self, exchange: Exchange, entry: Entry, status: int, message: str) -> None:
        self._fail(exchange, entry, Failure(status, message))
        entry.outcome = "refused"

    def _fail(self, exchange: Exchange, entry: Entry, failure: Failure) -> None:
        body = error_body(failure.status, failure.message, request_id=entry.request_id)
        headers = [*JSON_HEADERS, ("request-id", entry.request_id)]
        if failure.retry_after is not None:
            headers.append(("retry-after", f"{failure.retry_after:g}"))
        entry.status = failure.status
        entry.error = body["error"]["message"]
        exchange.answer(failure.status, headers, encode(body))
        self.log.close(entry, "failed")

    def _show_models(self, exchange: Exchange, entry: Entry, rest: str) -> None:
        names = self._models or ("claude-scripted",)
        if not rest:
            data = [_model(name) for name in names]
            page = {"has_more": False, "first_id": names[0], "last_id": names[-1]}
            self._give(exchange, entry, {"data": data, **page})
        elif self._models and rest[1:] not in self._models:
            self._refuse(exchange, entry, 404, f"model: {rest[1:]}")
        else:
            self._give(exchange, entry, _model(rest[1:]))


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(data) if data else None
    except ValueError:
        return None
    return cast("dict[str, Any]", body) if isinstance(body, dict) else None


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
    if where == "start":
        return 1
    if where == "end":
        return len(pieces) - 2
    ends = [number for number, piece in enumerate(pieces) if piece.kind == "content_block_start"]
    first = ends[-1] + 1 if ends else 1
    return first + (len(pieces) - 3 - first) // 2
