"""The endpoints: a request comes in, is checked, and gets what the script has for it.

Neighbours: `deciding` says what becomes of a request, `answering` says answers, `batching` has the
endpoints of message batches, `log` keeps what happened. Connections are `wire`'s business.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from docmill.testing.answering import Speaker, fail, give
from docmill.testing.batches import Batches
from docmill.testing.batching import PATH as BATCHES
from docmill.testing.batching import BatchDesk
from docmill.testing.checking import wrong_headers
from docmill.testing.counting import PromptCache, count
from docmill.testing.deciding import Decision, Judge
from docmill.testing.log import Entry, Kind, Log
from docmill.testing.script import Answer, Failure, Policy, Reset, Step, Unprocessed
from docmill.testing.turns import Memory
from docmill.testing.wire import Exchange
from docmill.testing.wording import encode

MESSAGES = "/v1/messages"
COUNT = "/v1/messages/count_tokens"
MODELS = "/v1/models"


class Options(NamedTuple):
    """How a server behaves beyond its script."""

    key: str = "test"
    latency: float = 0.0
    """Seconds before an answer's first byte."""
    models: Sequence[str] = ()
    """Those that exist; all if empty."""
    max_body: int = 32_000_000
    """Bytes of a request."""
    cache_minimum: int = 0
    """Tokens below which a prefix isn't cached."""
    batch_polls: int = 1
    """Looks at a batch before the one that finds it ended."""
    batch_seconds: float = 0.0
    """Seconds before which no batch ends."""


class Application:
    """Answers requests; one for all connections of a server."""

    def __init__(self, policy: Policy, options: Options) -> None:
        memory = Memory()
        self._options = options
        self._speaker = Speaker(PromptCache(minimum=options.cache_minimum), memory)
        self._judge = Judge(policy, memory, options.models)
        self.log = Log()
        self.base_url = ""
        batches = Batches(
            polls=options.batch_polls, seconds=options.batch_seconds, clock=time.monotonic
        )
        self._desk = BatchDesk(batches, self._speaker, self._judge, self.log)

    @property
    def trouble(self) -> tuple[str, ...]:
        """Why the test has to fail."""
        return tuple(self._judge.trouble)

    def broken(self, error: BaseException) -> None:
        """The policy, or the server, raised."""
        self._judge.trouble.append(f"{type(error).__name__}: {error}")

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        request = exchange.request
        if request.path == "/__log":
            data = encode(self.log.dump())
            exchange.answer(200, [("content-type", "application/json")], data)
            return
        body = _object(request.body)
        entry = self.log.add(_kind(request.path), request, body)
        try:
            await self._route(exchange, entry, body)
        except asyncio.CancelledError:
            if entry.outcome == "open":
                entry.close("abandoned")
            raise

    async def _route(self, exchange: Exchange, entry: Entry, body: dict[str, Any] | None) -> None:
        request = exchange.request
        if problem := wrong_headers(request.headers, self._options.key):
            _refuse(exchange, entry, Failure(problem.status, problem.message))
        elif request.size > self._options.max_body:
            _refuse(exchange, entry, Failure(413))
        elif entry.kind == "batch":
            self._desk.serve(exchange, entry, body, self.base_url)
        elif request.method == "GET" and request.path.startswith(MODELS):
            self._show_models(exchange, entry, request.path.removeprefix(MODELS).strip("/"))
        elif request.method != "POST" or entry.kind == "other":
            _refuse(exchange, entry, Failure(404, f"Not found: {request.method} {request.path}"))
        elif entry.kind == "count_tokens":
            self._count(exchange, entry, body)
        else:
            await self._take(self._judge.decide(body), exchange, entry, body or {})

    async def _take(
        self, decision: Decision, exchange: Exchange, entry: Entry, body: dict[str, Any]
    ) -> None:
        match decision.step:
            case Answer() as answer:
                reading = self._speaker.read(body)
                latency = self._options.latency if answer.latency is None else answer.latency
                await asyncio.sleep(latency)
                await self._speaker.say(answer, exchange, entry, reading)
            case Failure() as failure:
                await asyncio.sleep(failure.latency)
                fail(exchange, entry, failure)
                entry.outcome = decision.outcome
            case Reset() as reset:
                await asyncio.sleep(reset.latency)
                entry.close("reset")
                exchange.reset()
            case Unprocessed():
                raise AssertionError("`Unprocessed` is for entries of a message batch")

    def _count(self, exchange: Exchange, entry: Entry, body: dict[str, Any] | None) -> None:
        refused = self._judge.refuse(body)
        if refused is not None:
            _refuse(exchange, entry, refused.step)
        else:
            give(exchange, entry, encode({"input_tokens": count(body or {})}))

    def _show_models(self, exchange: Exchange, entry: Entry, name: str) -> None:
        refused = self._judge.unknown(name) if name else None
        if refused is not None:
            _refuse(exchange, entry, refused.step)
        elif name:
            give(exchange, entry, encode(_model(name)))
        else:
            names = list(self._options.models or ["claude-scripted"])
            page = {"has_more": False, "first_id": names[0], "last_id": names[-1]}
            give(exchange, entry, encode({"data": [_model(name) for name in names], **page}))


def _refuse(exchange: Exchange, entry: Entry, step: Step) -> None:
    assert isinstance(step, Failure)
    fail(exchange, entry, step)
    entry.outcome = "refused"


def _kind(path: str) -> Kind:
    if path == MESSAGES:
        return "message"
    if path == COUNT:
        return "count_tokens"
    return "batch" if path == BATCHES or path.startswith(f"{BATCHES}/") else "other"


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


def _object(data: bytes) -> dict[str, Any] | None:
    """The body, if it is a JSON object."""
    try:
        body = json.loads(data) if data else None
    except ValueError:
        return None
    return cast("dict[str, Any]", body) if isinstance(body, dict) else None
