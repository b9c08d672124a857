"""`MessagesModel`: one attempt at a call, streamed, behind the endpoint's gate.

Neighbours: `body` says what is sent, `fold` what came, `failures` what went wrong, `rates` when.
It never tries again by itself; the session counts attempts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, cast

from docmill.errors import DocmillError
from docmill.models.base import AttemptError, ModelRequest, ModelResponse
from docmill.models.messages import tokens
from docmill.models.messages.batches import outcome
from docmill.models.messages.body import FAST, Blobs, call_body, count_body
from docmill.models.messages.client import BROKEN, Client
from docmill.models.messages.failures import Failures
from docmill.models.messages.fold import Fold, UnreadableStreamError
from docmill.models.messages.warming import Warming, prefix_key
from docmill.models.rates import Clock, Gate, rated_tokens
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Capabilities, Endpoint

USUAL_OUTPUT = 1_000
"""Tokens an answer is taken to have, for rates, before it has come."""
BOUND_TO_USUAL = 0.5
"""What a prompt really has, of its bound."""
THINKING_PATIENCE = 5
"""Thinking that isn't shown sends nothing but pings, for so many times `stall_seconds` at most."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What all models of one endpoint share."""

    endpoint: Endpoint
    client: Client
    gate: Gate
    warming: Warming
    clock: Clock
    blobs: Blobs


class MessagesModel:
    """A model that is asked over the Messages API."""

    def __init__(
        self, model: str, choice: ModelChoice, connection: Connection, failures: Failures
    ) -> None:
        self._model = model
        self._choice = choice
        self._connection = connection
        self._failures = failures

    def __repr__(self) -> str:
        return f"MessagesModel({self._choice.id!r})"

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Ask once.

        Raises:
            AttemptError: codes `model_rate_limited`, `model_overloaded`, `model_server_error`,
                `model_unreachable`, `model_stream_cut`, `model_stalled` may be asked again,
                `model_request_invalid` and `model_request_too_large` not.
            PrerequisiteError: the key, the account or the model's name is refused.
        """
        request = self._completed(request)
        asked = self._connection.clock.time()
        async with self._turn(request) as begun:
            ticket = await self._connection.gate.enter(request.identity, self._expected(request))
            waited = self._connection.clock.time() - asked
            try:
                response = await self._ask(request, begun)
            except AttemptError as error:
                error.outage = self._connection.gate.failed(ticket, error)
                error.waited = waited
                raise
            except BaseException:
                self._connection.gate.abandoned(ticket)
                raise
            self._connection.gate.succeeded(ticket, rated_tokens(response.usage))
        return replace(response, waited=waited)

    def bound_tokens(self, request: ModelRequest) -> int:
        """As `tokens.bound`."""
        return tokens.bound(request)

    async def count_tokens(self, request: ModelRequest) -> int:
        """The endpoint's own count, where it has one and answers; else the bound.

        Raises:
            PrerequisiteError: as `respond`.
        """
        bound = self.bound_tokens(request)
        if not self._connection.endpoint.capabilities.count_tokens:
            return bound
        try:
            counted = await self.counted(request)
        except AttemptError:
            return bound
        return bound if counted is None else counted

    async def counted(self, request: ModelRequest) -> int | None:
        """The endpoint's own count; None if what it says is none.

        Raises:
            AttemptError, PrerequisiteError: as `respond`.
        """
        body = count_body(
            self._completed(request),
            model=self._model,
            capabilities=self._connection.endpoint.capabilities,
            blobs=self._connection.blobs,
        )
        counted = (await self._quick(self._connection.client.count(body))).get("input_tokens")
        return counted if isinstance(counted, int) else None

    async def has_batches(self) -> bool:
        """Whether the endpoint has message batches.

        Raises:
            AttemptError, PrerequisiteError: as `respond`.
        """
        newest = await self._quick(self._connection.client.get("/v1/messages/batches?limit=1"))
        return isinstance(newest.get("data"), list)

    def with_capabilities(self, capabilities: Capabilities) -> "MessagesModel":
        """The same model, asked for no more and no less than this."""
        endpoint = self._connection.endpoint.model_copy(update={"capabilities": capabilities})
        connection = replace(self._connection, endpoint=endpoint)
        return MessagesModel(self._model, self._choice, connection, self._failures)

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The body of the call, without `stream`: what an entry of a batch holds."""
        return call_body(
            self._completed(request),
            model=self._model,
            capabilities=self._connection.endpoint.capabilities,
            blobs=self._connection.blobs,
        )

    def outcome(self, result: dict[str, Any]) -> ModelResponse:
        """The answer in a result of a message batch; raises as `batches.outcome`."""
        return outcome(result, self._failures)

    def _completed(self, request: ModelRequest) -> ModelRequest:
        """The agent spec's settings, where the request has none of its own."""
        effort = request.effort or self._choice.effort
        speed = request.speed or self._choice.speed
        return replace(request, effort=effort, speed=speed)

    def _turn(self, request: ModelRequest) -> AbstractAsyncContextManager[Callable[[], None]]:
        if not self._connection.endpoint.capabilities.caching:
            return nullcontext(_nothing)
        return self._connection.warming.turn(prefix_key(self._model, request))

    def _expected(self, request: ModelRequest) -> float:
        """Tokens the call will take, roughly; put right once it is over."""
        if self._connection.endpoint.rates.tokens_per_minute is None:
            return 0.0
        return tokens.bound(request) * BOUND_TO_USUAL + USUAL_OUTPUT

    async def _ask(self, request: ModelRequest, begun: Callable[[], None]) -> ModelResponse:
        fold = Fold()
        body = self.body(request)
        headers = FAST if "speed" in body else {}
        try:
            await self._read(body, headers, fold, begun)
        except (TimeoutError, UnreadableStreamError, ValueError, *self._errors) as error:
            # An answer that is there, and paid for, is taken however the connection ended.
            if not fold.complete:
                # `from None`: what the SDK raises refers to the request, and so to the key.
                raise self._named(error, fold) from None
        if not fold.complete:
            raise self._failures.cut("the stream ended early", fold.usage)
        return fold.response()

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        return (*BROKEN, *self._connection.client.unsigned)

    def _named(self, error: Exception, fold: Fold) -> DocmillError:
        usage = fold.usage if fold.begun else None
        if isinstance(error, BROKEN):
            return self._failures.of(error, usage)
        if isinstance(error, TimeoutError):
            return self._failures.stalled(usage)
        if isinstance(error, UnreadableStreamError | ValueError):
            return self._failures.cut(f"what came can't be read: {error}", usage)
        return self._failures.unsigned(error)

    async def _read(
        self,
        body: dict[str, Any],
        headers: dict[str, str],
        fold: Fold,
        begun: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        patience = self._connection.endpoint.stall_seconds
        async with (
            asyncio.timeout(patience) as limit,
            self._connection.client.stream(body, headers) as events,
        ):
            # The SDK swallows pings, so that only what belongs to the answer counts as progress.
            waits = True
            async for event in events:
                fold.feed(event)
                longer = THINKING_PATIENCE if fold.thinking else 1
                limit.reschedule(loop.time() + patience * longer)
                if waits and fold.begun:
                    begun()
                    waits = False

    async def _quick(self, call: Awaitable[object]) -> dict[str, Any]:
        """The answer to a call that asks no model; empty where the endpoint has no such call."""
        try:
            async with asyncio.timeout(self._connection.endpoint.stall_seconds):
                answer = await call
        except (TimeoutError, ValueError, *self._errors) as error:
            if self._failures.is_missing(error):
                return {}
            raise self._named(error, Fold()) from None
        return cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}


def _nothing() -> None:
    """Nobody waits for this answer to begin."""
