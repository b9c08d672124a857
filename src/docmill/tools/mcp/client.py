"""The door to the `mcp` package: connects, lists, calls; whatever goes wrong is a `ServerError`.

Over HTTP it also keeps what the package leaves to the transport: sizes of answers, and failures
that would end the connection for every session that shares it.
"""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any, cast

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client import Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CONNECTION_CLOSED, Implementation

from docmill.tools.mcp.base import (
    CALL_SECONDS,
    CONNECT_SECONDS,
    MOST_BYTES,
    MOST_LISTED,
    Peer,
    Raw,
    ServerError,
)
from docmill.tools.mcp.offered import plain

# What the package logs is told by the errors; it would be printed on the user's terminal.
for name in ("mcp", "client"):
    logging.getLogger(name).addHandler(logging.NullHandler())

TROUBLE = (
    MCPError,
    httpx2.HTTPError,
    httpx2.StreamError,
    OSError,
    TimeoutError,
    ValueError,  # pydantic: the answer isn't one
    RuntimeError,  # it doesn't keep to the schema it promised, or asks for something back
    anyio.ClosedResourceError,
    anyio.BrokenResourceError,
    anyio.EndOfStream,
)
"""Everything a server, or the way to it, can do wrong."""
FORGOTTEN = "the server has forgotten the session"
SESSION = "mcp-session-id"
OURS = -32050
"""Code of the failures that are found here."""
MOST_WORDS = 500


class ClientPeer:
    """A server behind the package's client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tools(self) -> Sequence[Raw]:
        """What it lists, page by page."""
        found: list[Raw] = []
        cursor: str | None = None
        try:
            while len(found) < MOST_LISTED:
                page = await self._client.list_tools(cursor=cursor)
                found += [_plain_data(tool) for tool in page.tools]
                cursor = page.next_cursor
                if cursor is None or not page.tools:
                    break
        except TROUBLE as error:
            raise _explained(error) from error
        return found

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Raw:
        """Its answer to a call."""
        try:
            answer = await self._client.call_tool(
                name, dict(arguments), read_timeout_seconds=CALL_SECONDS
            )
        except TROUBLE as error:
            raise _explained(error) from error
        return _plain_data(answer)


@asynccontextmanager
async def connected(transport: Transport) -> AsyncGenerator[Peer]:
    """A server at the other end of a transport; leaving the block ends the connection.

    Raises:
        ServerError: it can't be reached, or doesn't speak MCP.
    """
    info = Implementation(name="docmill", version=version("docmill"))
    client = Client(transport, read_timeout_seconds=CONNECT_SECONDS, client_info=info, cache=None)
    try:
        async with client:
            yield ClientPeer(client)
    except (*TROUBLE, ExceptionGroup) as error:
        raise _explained(error) from error


@asynccontextmanager
async def over_http(url: str, headers: Mapping[str, str]) -> AsyncGenerator[Peer]:
    """A server at an address, with headers that only it gets.

    Raises:
        ServerError: it can't be reached, or doesn't speak MCP.
    """
    times = httpx2.Timeout(CONNECT_SECONDS, read=CALL_SECONDS)
    own = {**headers, "accept-encoding": "identity"}
    async with httpx2.AsyncClient(headers=own, timeout=times, transport=_Guarded()) as client:
        way: AbstractAsyncContextManager[Any] = streamable_http_client(
            url, http_client=client, max_sse_event_size=MOST_BYTES
        )
        async with connected(way) as peer:
            yield peer


class _Guarded(httpx2.AsyncBaseTransport):
    """Sends requests; what fails comes back as the protocol's error, which ends one call only."""

    def __init__(self) -> None:
        self._way = httpx2.AsyncHTTPTransport(retries=1)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request."""
        try:
            response = await self._way.handle_async_request(request)
        except httpx2.TransportError as error:
            return _failure(502, f"the server can't be reached: {_words(error)}")
        if response.status_code == 404 and SESSION in request.headers:
            await response.aclose()
            return _failure(404, FORGOTTEN)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            return _failure(502, "the server sent a compressed answer, which wasn't asked for")
        kind = response.headers.get("content-type", "")
        if response.status_code in (202, 204) or kind.startswith("text/event-stream"):
            return response
        return await _whole(response, kind)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._way.aclose()


async def _whole(response: httpx2.Response, kind: str) -> httpx2.Response:
    """An answer that is one message, read to its end here."""
    body = bytearray()
    try:
        async for piece in _pieces(response):
            body += piece
            if len(body) > MOST_BYTES:
                return _failure(502, f"the server's answer has more than {MOST_BYTES} bytes")
    except httpx2.TransportError as error:
        return _failure(502, f"the server broke off: {_words(error)}")
    finally:
        await response.aclose()
    status = response.status_code
    if status >= 400 and status != 404 and not kind.startswith("application/json"):
        return _failure(status, f"the server answers with HTTP status {status}")
    headers = [(k, v) for k, v in response.headers.raw if k.lower() != b"transfer-encoding"]
    return httpx2.Response(status, headers=headers, content=bytes(body))


def _pieces(response: httpx2.Response) -> AsyncIterator[bytes]:
    stream: Any = response.stream
    return stream.__aiter__()


def _failure(status: int, words: str) -> httpx2.Response:
    error = {"code": OURS, "message": words}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    return httpx2.Response(status, headers={"content-type": "application/json"}, content=body)


def _explained(error: BaseException) -> ServerError:
    cause = _first(error)
    if isinstance(cause, ServerError):
        return cause
    if isinstance(cause, TimeoutError):
        return ServerError("the server didn't answer in time")
    forgotten = isinstance(cause, MCPError) and cause.message == FORGOTTEN
    closed = isinstance(cause, (anyio.ClosedResourceError, anyio.BrokenResourceError)) or (
        isinstance(cause, MCPError) and cause.code == CONNECTION_CLOSED
    )
    return ServerError(_words(cause), gone=closed or forgotten, unheard=forgotten)


def _first(error: BaseException) -> BaseException:
    """What went wrong first, where tasks of the package failed together."""
    found: Any = error
    while isinstance(found, BaseExceptionGroup):
        found = cast("BaseExceptionGroup[BaseException]", found).exceptions[0]
    return cast("BaseException", found)


def _words(error: BaseException) -> str:
    return plain(str(error) or type(error).__name__, MOST_WORDS)


def _plain_data(model: Any) -> Raw:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
