"""One model call with all its attempts: what failed is told, waited for and asked again.

Each attempt is announced before it is made, so that its worst case can be set aside and a process
that dies leaves behind that a call was under way. How fast an endpoint may be asked is `models`'.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator

from docmill.backends.base import CallRules
from docmill.backends.conversation import Conversation
from docmill.errors import ModelError, PrerequisiteError
from docmill.events import (
    AttemptFailed,
    Event,
    ModelRequestEnd,
    ModelRequestStart,
    StatusRescheduled,
)
from docmill.models.base import AttemptError, Model, fingerprint

LONGEST_PAUSE = 60.0


async def call_model(model: Model, talk: Conversation, rules: CallRules) -> AsyncIterator[Event]:
    """Ask until there is an answer; it is folded into the conversation as it is yielded.

    Raises:
        ModelError: no attempt is left, or another one would fail just the same.
        PrerequisiteError: the endpoint refuses every request.
    """
    request = talk.request()
    mark = fingerprint(request)
    attempts = Attempts(rules)
    while True:
        yield ModelRequestStart(
            model=request.model,
            fingerprint=mark,
            input_tokens=talk.bound_tokens(model),
            max_output_tokens=request.max_tokens,
        )
        started = time.monotonic()
        try:
            response = await model.respond(request)
        except PrerequisiteError as refused:
            yield refusal(request.model, refused)
            raise
        except AttemptError as error:
            failed = error
        else:
            end = ModelRequestEnd(
                model=request.model,
                response_id=response.id,
                content=response.content,
                stop_reason=response.stop_reason,
                model_usage=response.usage,
                stop_details=response.stop_details,
                malformed=response.malformed,
                seconds=time.monotonic() - started - response.waited,
                waited=response.waited,
            )
            talk.add(end)
            yield end
            return
        yield failure(request.model, failed)
        pause = attempts.pause(failed)
        yield StatusRescheduled(reason=failed.message, seconds=pause)
        await asyncio.sleep(pause)


class Attempts:
    """Counts the failures of one call, and says how long to wait before it is tried again."""

    def __init__(self, rules: CallRules) -> None:
        self._rules = rules
        self._began = time.monotonic()
        self._failures = 0

    def pause(self, failed: AttemptError) -> float:
        """Seconds until the next attempt: what the endpoint asks for, or more each time.

        Raises:
            ModelError: no attempt is left, or another one would fail just the same.
        """
        if failed.batched:
            self._began = time.monotonic()
        self._failures += not failed.outage  # an outage says nothing about the request
        waited_out = time.monotonic() - self._began >= self._rules.outage_seconds
        if not failed.retryable or self._failures >= self._rules.attempts or waited_out:
            raise _given_up(failed, self._failures)
        if failed.retry_after is not None:
            return failed.retry_after
        doubled = self._rules.delay_seconds * 2 ** min(max(self._failures - 1, 0), 10)
        return min(LONGEST_PAUSE, doubled) * (1 + random.random() / 2)  # noqa: S311 - no secret


def failure(model: str, failed: AttemptError) -> AttemptFailed:
    """What the journal says of an attempt that gave no answer."""
    return AttemptFailed(
        model=model,
        code=failed.code,
        message=failed.message,
        http_status=failed.status,
        model_usage=failed.usage,
    )


def refusal(model: str, refused: PrerequisiteError) -> AttemptFailed:
    """What the journal says of a call that the endpoint refused to hear; it cost nothing."""
    return AttemptFailed(model=model, code="endpoint_refused", message=refused.message)


def _given_up(error: AttemptError, failures: int) -> ModelError:
    times = f" ({failures} attempts)" if failures > 1 else ""
    return ModelError(
        f"{error.message.rstrip('.')}{times}.",
        code=error.code,
        remedy=error.remedy or "Run again when the endpoint answers; nothing done is lost.",
        retryable=False,
        resumable=error.retryable,
    )
