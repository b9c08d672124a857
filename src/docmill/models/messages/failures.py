"""What went wrong with a call, as our errors with stable codes; never with the key in them.

Neighbours: `client` makes the calls. Decides nothing about trying again beyond `retryable`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, cast

import anthropic
import httpx2

from docmill.errors import DocmillError, PrerequisiteError
from docmill.models.base import AttemptError
from docmill.records.results import Usage

LONGEST_DETAIL = 500
"""Characters of what an endpoint says that go into our message."""


class _Kind(NamedTuple):
    code: str
    said: str
    retryable: bool = True
    remedy: str = ""


WAITING = "docmill asks again by itself; if it goes on, lower `rates` of the endpoint."
RATE_LIMITED = _Kind("model_rate_limited", "wants fewer calls", remedy=WAITING)
OVERLOADED = _Kind("model_overloaded", "is overloaded")
SERVER_ERROR = _Kind("model_server_error", "failed at its side")
UNREACHABLE = _Kind(
    "model_unreachable",
    "can't be reached",
    remedy="Check the network and `base_url`: docmill doctor --model NAME",
)
STREAM_CUT = _Kind("model_stream_cut", "broke off its answer")
STALLED = _Kind(
    "model_stalled",
    "sent nothing more",
    remedy="A slow endpoint needs a longer `stall_seconds` in docmill.yaml.",
)
INVALID = _Kind(
    "model_request_invalid",
    "refuses the request",
    retryable=False,
    remedy="Look at its words above, the agent's settings and the endpoint's `capabilities`: "
    "docmill doctor --model NAME",
)
TOO_LARGE = _Kind(
    "model_request_too_large",
    "finds the request too large",
    retryable=False,
    remedy="Choose a model with a larger window, or let the agent read fewer pages at once.",
)

CODES = {
    kind.code: kind.retryable
    for kind in (
        RATE_LIMITED,
        OVERLOADED,
        SERVER_ERROR,
        UNREACHABLE,
        STREAM_CUT,
        STALLED,
        INVALID,
        TOO_LARGE,
    )
}
"""Code of a failed call → whether the same request may be sent again."""

_BY_STATUS = {
    408: SERVER_ERROR,
    409: SERVER_ERROR,
    413: TOO_LARGE,
    425: SERVER_ERROR,
    429: RATE_LIMITED,
    529: OVERLOADED,
}
_BY_TYPE = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "request_too_large": 413,
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "billing_error": 402,
    "not_found_error": 404,
    "throttlingexception": 429,
    "serviceunavailableexception": 503,
    "internalserverexception": 500,
    "modelstreamerrorexception": 500,
    "modeltimeoutexception": 504,
    "validationexception": 400,
}
"""Types of errors inside a stream, which came with status 200; the last ones are Bedrock's."""
_MONEY = ("credit balance", "spend limit", "billing")
_WINDOW = ("prompt is too long", "context window", "context length", "maximum context")


@dataclass(frozen=True, slots=True)
class Failures:
    """Makes our errors of the SDK's, for one endpoint and model."""

    endpoint: str
    model: str
    base_url: str
    stall_seconds: float
    key_remedy: str
    """What to do about a refused key."""
    scrub: Callable[[str], str]
    """Takes the key out of a text."""

    def of(self, error: Exception, usage: Usage | None = None) -> DocmillError:
        """Our error for what the SDK or its HTTP client raised."""
        if isinstance(error, anthropic.APIStatusError):
            return self._status(error, usage)
        if not isinstance(error, anthropic.APIConnectionError | httpx2.TransportError):
            return self._attempt(INVALID, _told(error), usage=usage)
        cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else error
        return self._attempt(_transport(cause), _told(cause), usage=usage)

    def is_missing(self, error: Exception) -> bool:
        """Whether there is nothing at that address, or no such model."""
        return isinstance(error, anthropic.NotFoundError)

    def stalled(self, usage: Usage | None) -> AttemptError:
        """Nothing came for `stall_seconds`."""
        return self._attempt(STALLED, f"for {self.stall_seconds:g} s", usage=usage)

    def cut(self, detail: str, usage: Usage | None) -> AttemptError:
        """The stream ended early, or can't be read."""
        return self._attempt(STREAM_CUT, detail, usage=usage)

    def unsigned(self, error: Exception) -> PrerequisiteError:
        """Bedrock or Vertex have no valid credentials."""
        return PrerequisiteError(
            f"The endpoint `{self.endpoint}` can't be asked: {self.scrub(str(error))}",
            remedy=self.key_remedy,
        )

    def _status(self, error: anthropic.APIStatusError, usage: Usage | None) -> DocmillError:
        kind, message = _body(error)
        status = error.status_code
        if status < 400:
            status = _BY_TYPE.get(kind.lower(), 500)
        failed = self._refusal(status, message)
        if isinstance(failed, AttemptError):
            failed.usage = usage
            failed.retry_after = _retry_after(error.response.headers)
        return failed

    def reported(self, kind: str, message: str) -> AttemptError | PrerequisiteError:
        """What the endpoint says of one call of a batch that failed."""
        return self._refusal(_BY_TYPE.get(kind.lower(), 500), message)

    def _refusal(self, status: int, message: str) -> AttemptError | PrerequisiteError:
        detail = self.scrub(message)[:LONGEST_DETAIL]
        prerequisite = self._prerequisite(status, detail)
        if prerequisite is not None:
            return prerequisite
        return self._attempt(_by_status(status, detail), detail, status=status)

    def _prerequisite(self, status: int, detail: str) -> PrerequisiteError | None:
        """The error of an endpoint that will refuse every other request as well."""
        if status in (401, 403):
            return PrerequisiteError(
                f"The endpoint `{self.endpoint}` refuses the key ({status}): {detail}",
                remedy=self.key_remedy,
            )
        if status == 404:
            return PrerequisiteError(
                f"The endpoint `{self.endpoint}` has no model `{self.model}` (404): {detail}",
                remedy="Correct `model` in the agent spec, or `base_url` "
                f"({self.base_url}) of the endpoint in docmill.yaml.",
            )
        if status == 402 or (status == 400 and any(word in detail.lower() for word in _MONEY)):
            return PrerequisiteError(
                f"The endpoint `{self.endpoint}` wants to be paid first ({status}): {detail}",
                remedy="Top up the account or raise its spend limit, then: docmill resume RUN",
            )
        return None

    def _attempt(
        self,
        kind: _Kind,
        detail: str,
        *,
        usage: Usage | None = None,
        status: int | None = None,
    ) -> AttemptError:
        number = f" ({status})" if status else ""
        said = self.scrub(detail)[:LONGEST_DETAIL].strip()
        return AttemptError(
            f"The endpoint `{self.endpoint}` {kind.said}{number}" + (f": {said}" if said else "."),
            code=kind.code,
            remedy=kind.remedy.replace("NAME", f"{self.endpoint}/{self.model}"),
            retryable=kind.retryable,
            usage=usage,
            status=status,
        )


def _by_status(status: int, detail: str) -> _Kind:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return SERVER_ERROR
    if any(words in detail.lower() for words in _WINDOW):
        return TOO_LARGE
    return INVALID


def _transport(error: BaseException | None) -> _Kind:
    """A connection that never stood is unreachable; one that broke may have cost something."""
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
        return UNREACHABLE
    if isinstance(error, httpx2.PoolTimeout | httpx2.ProxyError):
        return UNREACHABLE
    if isinstance(error, httpx2.TimeoutException):
        return STALLED
    return STREAM_CUT


def _told(error: BaseException | None) -> str:
    return str(error) or type(error).__name__


def _body(error: anthropic.APIStatusError) -> tuple[str, str]:
    """Type and words of an error response."""
    body: object = error.body
    inner: object = cast("dict[str, Any]", body).get("error") if isinstance(body, dict) else None
    if isinstance(inner, dict):
        said = cast("dict[str, Any]", inner)
        return str(said.get("type") or ""), str(said.get("message") or said)
    if isinstance(inner, str):
        return "", inner
    return "", error.message if not body or isinstance(body, dict) else str(body)


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds of `retry-after`, which is a number or a date."""
    text = headers.get("retry-after")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (until.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return seconds if 0 < seconds < float("inf") else None
