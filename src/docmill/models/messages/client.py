"""One SDK client per endpoint and process: opens streams and hands on their raw events.

Retries of the SDK are off; `failures` names what goes wrong. Raw events, because building the SDK's
objects of each costs more than everything else about a call.
"""

import importlib
import importlib.util
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast

import anthropic
import httpx2
from anthropic import AsyncStream
from anthropic._decoders.jsonl import AsyncJSONLDecoder
from anthropic.lib.bedrock import AsyncAnthropicBedrock
from anthropic.lib.vertex import AsyncAnthropicVertex

from docmill.errors import PrerequisiteError
from docmill.spec.workspace import Endpoint

PLACEHOLDER = "none-needed"
"""Sent to endpoints without a key: local servers want the header, not what is in it."""
CONNECT_SECONDS = 10.0
SPARE_CONNECTIONS = 8
JSON = {"content-type": "application/json"}

Sdk = anthropic.AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicVertex

BROKEN: tuple[type[Exception], ...] = (
    anthropic.AnthropicError,
    httpx2.HTTPError,
    httpx2.StreamError,
)
"""What the SDK and its HTTP client raise when a call fails."""


class Extra(NamedTuple):
    """What a service needs beyond the SDK."""

    module: str
    package: str
    region: str
    """Variable the SDK reads the region from where docmill.yaml doesn't say."""
    errors: str
    """Module and base class of what it raises where it finds no credentials."""


EXTRAS = {
    "bedrock": Extra(
        "boto3", "anthropic[bedrock]", "AWS_REGION", "botocore.exceptions:BotoCoreError"
    ),
    "vertex": Extra(
        "google.auth",
        "anthropic[vertex]",
        "CLOUD_ML_REGION",
        "google.auth.exceptions:GoogleAuthError",
    ),
}


class Client:
    """Calls to one endpoint."""

    def __init__(self, name: str, endpoint: Endpoint, *, key: str | None) -> None:
        self._sdk = _sdk(name, endpoint, key)
        self._rewrites = endpoint.service != "messages"
        """Whether the SDK has to see the body: for Bedrock and Vertex it moves parts of it."""
        self.unsigned = _unsigned(endpoint)
        """What is raised where Bedrock or Vertex have no valid credentials."""

    @property
    def base_url(self) -> str:
        """Where it calls."""
        return str(self._sdk.base_url)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._sdk.close()

    @asynccontextmanager
    async def stream(
        self, body: dict[str, Any], headers: Mapping[str, str]
    ) -> AsyncGenerator[AsyncStream[object]]:
        """The raw events of an answer, each a JSON object.

        Raises:
            BROKEN: by the call and while it is read.
        """
        stream = await self._sdk.post(
            "/v1/messages",
            **self._sent({**body, "stream": True}),
            cast_to=object,
            options={"headers": {**JSON, **headers}},
            stream=True,
            stream_cls=AsyncStream[object],
        )
        try:
            yield stream
        finally:
            await stream.close()

    async def count(self, body: dict[str, Any]) -> object:
        """The endpoint's answer to a token count.

        Raises:
            BROKEN: by the call.
        """
        return await self._sdk.post("/v1/messages/count_tokens", body=body, cast_to=object)

    async def get(self, path: str) -> object:
        """What the endpoint has there.

        Raises:
            BROKEN: by the call.
        """
        return await self._sdk.get(path, cast_to=object)

    async def submit(self, batch: bytes) -> object:
        """Send a message batch, which is JSON; returns how the endpoint describes it.

        Raises:
            BROKEN: by the call.
        """
        return await self._sdk.post(
            "/v1/messages/batches", content=batch, cast_to=object, options={"headers": JSON}
        )

    @asynccontextmanager
    async def lines(self, path: str) -> AsyncGenerator[AsyncJSONLDecoder[object]]:
        """A file of JSON lines, read as it comes.

        Raises:
            BROKEN: by the call and while it is read.
        """
        decoder = await self._sdk.get(
            path,
            cast_to=AsyncJSONLDecoder[object],
            options={"headers": {"accept": "application/binary"}},
            stream=True,
            stream_cls=None,
        )
        try:
            yield decoder
        finally:
            await decoder.close()

    def _sent(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body as JSON of ours; the SDK copies one that it is to write, block by block."""
        if self._rewrites:
            return {"body": body}
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return {"content": text.encode()}


def _sdk(name: str, endpoint: Endpoint, key: str | None) -> Sdk:
    timeout = httpx2.Timeout(endpoint.stall_seconds, connect=CONNECT_SECONDS, pool=None)
    most = endpoint.rates.concurrency + SPARE_CONNECTIONS
    limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
    if endpoint.service != "messages":
        _require(name, endpoint)
    http = anthropic.DefaultAsyncHttpxClient(timeout=timeout, limits=limits)
    common: dict[str, Any] = {
        "base_url": _root(endpoint.base_url),
        "http_client": http,
        "timeout": timeout,
        "max_retries": 0,
        "open_telemetry": False,
    }
    try:
        if endpoint.service == "bedrock":
            return AsyncAnthropicBedrock(aws_region=endpoint.region, api_key=key, **common)
        if endpoint.service == "vertex":
            return _vertex(endpoint, key, common)
    except ValueError as error:
        raise PrerequisiteError(
            f"The endpoint `{name}` has no region.",
            remedy=f"Write `region` of endpoints.{name} in docmill.yaml, or set it: "
            f"export {EXTRAS[endpoint.service].region}=…",
        ) from error
    return anthropic.AsyncAnthropic(api_key=key or PLACEHOLDER, **common)


def _root(base_url: str | None) -> str | None:
    """The address as the SDK wants it; many servers print theirs with `/v1`."""
    return base_url and base_url.rstrip("/").removesuffix("/v1")


def _vertex(endpoint: Endpoint, key: str | None, common: dict[str, Any]) -> AsyncAnthropicVertex:
    given = {"region": endpoint.region, "project_id": endpoint.project, "access_token": key}
    known = {name: value for name, value in given.items() if value is not None}
    return AsyncAnthropicVertex(**cast("dict[str, Any]", known), **common)


def _unsigned(endpoint: Endpoint) -> tuple[type[Exception], ...]:
    if endpoint.service == "messages":
        return ()
    module, _, name = EXTRAS[endpoint.service].errors.partition(":")
    return (RuntimeError, cast("type[Exception]", getattr(importlib.import_module(module), name)))


def _require(name: str, endpoint: Endpoint) -> None:
    extra = EXTRAS[endpoint.service]
    try:
        found = importlib.util.find_spec(extra.module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise PrerequisiteError(
            f"The endpoint `{name}` is on {endpoint.service}, which needs a package more.",
            remedy=f"pip install '{extra.package}'",
        )
