"""Message batches over the API: sent, looked at, found, and read line by line.

Implements `batching.BatchEndpoint`; when a batch is sent and what is done about failures is decided
there. Every method is one attempt.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, NoReturn, cast

import anthropic

from docmill.errors import PrerequisiteError
from docmill.models.base import AttemptError, ModelResponse
from docmill.models.batching import BatchGoneError, BatchState, Result
from docmill.models.messages.client import BROKEN, Client
from docmill.models.messages.failures import Failures
from docmill.models.messages.fold import UnreadableStreamError, whole_message
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Endpoint

PATH = "/v1/messages/batches"
PAGE = 100
"""Batches listed at once."""
NO_ANSWER = {
    "expired": "The endpoint did not get to the call within a day.",
    "canceled": "The message batch was cancelled before the call was made.",
}
LOST = "The message batch has ended without a word about the call."
UNKNOWN = (400, 404, 410)
"""Status of a batch that isn't there, or whose results aren't any more."""
_TROUBLE = (TimeoutError, ValueError, KeyError, TypeError, *BROKEN)


class MessageBatches:
    """The message batches of one endpoint."""

    def __init__(self, client: Client, failures: Failures) -> None:
        self._client = client
        self._failures = failures

    async def submit(self, entries: Sequence[bytes]) -> BatchState:
        """Send a batch.

        Raises:
            AttemptError: it may have arrived all the same if the error is `retryable`.
            PrerequisiteError: the key is refused, or the endpoint has no message batches.
        """
        batch = b'{"requests":[%b]}' % b",".join(entries)
        try:
            return _state(await self._client.submit(batch))
        except _TROUBLE as error:
            self._raise(error)

    async def poll(self, batch: str, /) -> BatchState:
        """How far a batch is.

        Raises:
            BatchGoneError: there is no such batch.
            AttemptError, PrerequisiteError: as `submit`.
        """
        try:
            async with asyncio.timeout(self._failures.stall_seconds):
                return _state(await self._client.get(f"{PATH}/{batch}"))
        except _TROUBLE as error:
            self._raise(error, batch)

    async def results(self, batch: str, /) -> AsyncGenerator[tuple[str, Result]]:
        """Custom id and result of each call, in any order.

        Raises:
            BatchGoneError: the batch has no results, or not any more.
            AttemptError, PrerequisiteError: as `submit`.
        """
        try:
            async with self._client.lines(f"{PATH}/{batch}/results") as lines:
                async for line in lines:
                    said = cast("dict[str, Any]", line)
                    yield str(said["custom_id"]), cast("Result", said["result"])
        except _TROUBLE as error:
            self._raise(error, batch)

    async def recent(self, since: datetime, /) -> AsyncGenerator[BatchState]:
        """Batches made at that time or later, the newest first.

        Raises:
            AttemptError, PrerequisiteError: as `submit`.
        """
        after = ""
        while True:
            try:
                async with asyncio.timeout(self._failures.stall_seconds):
                    answer = await self._client.get(f"{PATH}?limit={PAGE}{after}")
                page = cast("dict[str, Any]", answer)
                batches = [_state(batch) for batch in page["data"]]
            except _TROUBLE as error:
                self._raise(error)
            for batch in batches:
                if batch.created < since:
                    return
                yield batch
            if not page.get("has_more") or not batches:
                return
            after = f"&after_id={batches[-1].id}"

    def _raise(self, error: Exception, batch: str = "") -> NoReturn:
        """Our error for it; `from None`: what the SDK raises refers to the key."""
        if isinstance(error, anthropic.APIStatusError):
            if batch and error.status_code in UNKNOWN:
                raise BatchGoneError(batch) from None
            if error.status_code == 404:
                raise no_batches(self._failures.endpoint) from None
        if isinstance(error, BROKEN):
            raise self._failures.of(error) from None
        if isinstance(error, TimeoutError):
            raise self._failures.stalled(None) from None
        raise self._failures.cut(f"what came can't be read: {error}", None) from None


def no_batches(endpoint: str) -> PrerequisiteError:
    """The endpoint can't do what `mode: batch` wants."""
    return PrerequisiteError(
        f"The endpoint `{endpoint}` has no message batches, which `mode: batch` needs.",
        remedy="Remove `mode: batch` from the pipeline; if the endpoint has them, write "
        f"`batches: true` in endpoints.{endpoint}.capabilities of docmill.yaml.",
    )


def check_batches(name: str, endpoint: Endpoint, choice: ModelChoice) -> None:
    """Whether a model can be asked in message batches at all.

    Raises:
        PrerequisiteError: it can't.
    """
    if not endpoint.capabilities.batches or endpoint.service != "messages":
        raise no_batches(name)
    if choice.speed == "fast":
        raise PrerequisiteError(
            f"The model `{choice.id}` has `speed: fast`, which message batches don't have.",
            remedy="Remove `speed` from the agent spec, or `mode: batch` from the pipeline.",
        )


def outcome(result: Result, failures: Failures) -> ModelResponse:
    """The answer in a result.

    Raises:
        AttemptError: there is none; `model_batch_expired`, `_canceled` and `_missing` cost nothing
            and may be asked again.
        PrerequisiteError: the endpoint refuses every call.
    """
    kind = result.get("type")
    if kind == "succeeded":
        try:
            return whole_message(cast("dict[str, Any]", result.get("message")))
        except UnreadableStreamError as error:
            raise failures.cut(str(error), None) from None
    if kind == "errored":
        outer: dict[str, Any] = result.get("error") or {}
        said: dict[str, Any] = outer.get("error") or outer
        raise failures.reported(str(said.get("type") or ""), str(said.get("message") or ""))
    raise AttemptError(
        NO_ANSWER.get(str(kind), LOST),
        code=f"model_batch_{kind if kind in NO_ANSWER else 'missing'}",
        retryable=True,
        retry_after=0.0,
    )


def _state(batch: object) -> BatchState:
    said = cast("dict[str, Any]", batch)
    counts = cast("dict[str, int]", said["request_counts"])
    return BatchState(
        id=str(said["id"]),
        created=datetime.fromisoformat(str(said["created_at"])),
        calls=sum(counts.values()),
        ended=said["processing_status"] == "ended",
    )
