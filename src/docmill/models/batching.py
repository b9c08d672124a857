"""A model that is asked in message batches: each request waits for those of the other sessions.

Neighbours: `batcher` collects, sends and waits; `messages.batches` calls the API. Here is what the
two agree on, and the `Model` that a session sees. No request is sent from here.
"""

import hashlib
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from docmill.errors import PrerequisiteError
from docmill.models.base import AttemptError, Model, ModelRequest, ModelResponse, fingerprint
from docmill.models.rates import PauseListener
from docmill.store.batches import BatchCall

Result = dict[str, Any]
"""What became of a call, as the API has it: `{type: succeeded, message}`, `{type: errored, error}`,
`{type: expired}`, `{type: canceled}`; and `MISSING`, which is ours."""
MISSING: Result = {"type": "missing"}
"""The batch has ended, or is gone, without a word about the call."""


class BatchGoneError(Exception):
    """The endpoint doesn't know the batch, or not any more."""


class BatchState(NamedTuple):
    """A batch as the endpoint describes it."""

    id: str
    created: datetime
    calls: int
    """How many it has."""
    ended: bool
    """Every call is answered, or never will be; results can be had."""


class BatchEndpoint(Protocol):
    """Message batches of one endpoint; every method is one attempt.

    All raise AttemptError and PrerequisiteError as `Model.respond` does.
    """

    async def submit(self, entries: Sequence[bytes]) -> BatchState:
        """Send a batch; each entry is JSON, `{custom_id, params}`."""
        ...

    async def poll(self, batch: str, /) -> BatchState:
        """How far a batch is.

        Raises:
            BatchGoneError: the endpoint has no such batch.
        """
        ...

    def results(self, batch: str, /) -> AsyncGenerator[tuple[str, Result]]:
        """Custom id and result of each call of a batch that has ended, in any order.

        Raises:
            BatchGoneError: it has no results, or not any more.
        """
        ...

    def recent(self, since: datetime, /) -> AsyncGenerator[BatchState]:
        """Batches made at that time or later, whoever sent them."""
        ...


class BatchListener(PauseListener, Protocol):
    """Who tells the user of batches that come and go; every method returns at once."""

    def batch_sent(self, endpoint: str, batch: str, *, calls: int) -> None:
        """A batch has arrived at the endpoint; its results may take hours."""

    def batch_ended(self, endpoint: str, batch: str, *, calls: int, answered: int) -> None:
        """Its results are there; calls without an answer are made again."""


class Batchable(Model, Protocol):
    """A model whose requests can be part of a batch."""

    def body(self, request: ModelRequest) -> dict[str, Any]:
        """The body of the call: `params` of the entry."""
        ...

    def outcome(self, result: Result) -> ModelResponse:
        """The answer in a result.

        Raises:
            AttemptError: there is none; `retryable` says whether another batch may bring one.
            PrerequisiteError: the endpoint refuses every request.
        """
        ...


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request on its way into a batch."""

    model: Batchable
    request: ModelRequest
    fingerprint: str

    def call(self, attempt: int) -> BatchCall:
        """The attempt with its name in the batch; equal calls have equal names."""
        identity = self.request.identity
        who = f"{identity}\n{self.fingerprint}"
        name = hashlib.sha256(who.encode()).hexdigest()[:40]
        return BatchCall(f"{name}-{attempt}", identity, self.fingerprint, attempt)

    def entry(self, custom_id: str) -> bytes:
        """The entry of the batch."""
        entry = {"custom_id": custom_id, "params": self.model.body(self.request)}
        return json.dumps(entry, separators=(",", ":")).encode("ascii")


class Answered(NamedTuple):
    """What a batch brought for one call."""

    custom_id: str
    result: Result
    waited: float
    """Seconds."""


class Desk(Protocol):
    """Where requests are handed in (`batcher.Batcher`)."""

    async def ask(self, request: BatchRequest) -> Answered:
        """The result of the call; the same call is never sent twice while it may be answered."""
        ...

    def settle(self, custom_id: str) -> None:
        """The result was no answer: asked again, the call is sent again."""
        ...


class BatchedModel:
    """A model at the price of message batches, answering when its batch has ended."""

    def __init__(self, model: Batchable, desk: Desk) -> None:
        self._model = model
        self._desk = desk

    def __repr__(self) -> str:
        return f"BatchedModel({self._model!r})"

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Wait for the batch that brings the answer.

        Raises:
            AttemptError: the call failed, expired or was cancelled at the endpoint's side.
            PrerequisiteError: as the model itself.
        """
        asked = BatchRequest(self._model, request, fingerprint(request))
        answered = await self._desk.ask(asked)
        try:
            response = self._model.outcome(answered.result)
        except (AttemptError, PrerequisiteError) as error:
            self._desk.settle(answered.custom_id)
            if isinstance(error, AttemptError):
                error.waited, error.batched = answered.waited, True
            raise
        usage = response.usage.model_copy(update={"batched_calls": 1})
        return replace(response, usage=usage, waited=answered.waited)

    def bound_tokens(self, request: ModelRequest) -> int:
        """As the model itself."""
        return self._model.bound_tokens(request)

    async def count_tokens(self, request: ModelRequest) -> int:
        """As the model itself."""
        return await self._model.count_tokens(request)
