"""One model call with all its attempts: what failed is told, waited for and asked again.

Each attempt is announced before it is made, so that its worst case can be set aside and a process
that dies leaves behind that a call was under way. How fast an endpoint may be asked is `models`'.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator

from docmill.backends.base import CallRules
from docmill.backends.conversation import Conversation, fingerprint
from docmill.errors import ModelError
from docmill.events import (
    AttemptFailed,
    Event,
    ModelRequestEnd,
    ModelRequestStart,
    StatusRescheduled,
)
from docmill.models.base import AttemptError, Model

LONGEST_PAUSE = 60.0


async def call_model(model: Model, talk: Conversation, rules: CallRules) -> AsyncIterator[Event]:
    """Ask until there is an answer; it is folded into the conversation as it is yielded.

    Raises:
        ModelError: no attempt is left, or another one would fail just the same.
    """
    request = talk.request()
    mark = fingerprint(request)
    began = time.monotonic()
    failures = 0
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
        yield AttemptFailed(
            model=request.model,
            code=failed.code,
            message=failed.message,
            http_status=failed.status,
            model_usage=failed.usage,
        )
        failures += not failed.outage  # an outage says nothing about the request
        waited_out = time.monotonic() - began >= rules.outage_seconds
        if not failed.retryable or failures >= rules.attempts or waited_out:
            raise _given_up(failed, failures)
        pause = _pause(failed, max(1, failures), rules)
        yield StatusRescheduled(reason=failed.message, seconds=pause)
        await asyncio.sleep(pause)


def _pause(error: AttemptError, failures: int, rules: CallRules) -> float:
    """Seconds until the next attempt: what the endpoint asks for, or more each time."""
    if error.retry_after is not None:
        return error.retry_after
    doubled = rules.delay_seconds * 2 ** min(failures - 1, 10)
    return min(LONGEST_PAUSE, doubled) * (1 + random.random() / 2)  # noqa: S311 - no secret


def _given_up(error: AttemptError, failures: int) -> ModelError:
    times = f" ({failures} attempts)" if failures > 1 else ""
    return ModelError(
        f"{error.message.rstrip('.')}{times}.",
        code=error.code,
        remedy=error.remedy or "Run again when the endpoint answers; nothing done is lost.",
        retryable=False,
        resumable=error.retryable,
    )
