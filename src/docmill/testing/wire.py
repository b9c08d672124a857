"""HTTP/1.1 over loopback TCP: requests in, answers out, and every way a connection can break.

Neighbours: h11 keeps the protocol's rules, `serving` answers the requests. It knows nothing of
messages or scripts.
"""

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import NamedTuple, Protocol, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

Headers = list[tuple[str, str]]
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends a reset."""


class Request(NamedTuple):
    """One request, complete."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    size: int
    """Bytes that came; `body` is empty where they were too many."""


class Exchange:
    """One request and the way to answer it."""

    def __init__(self, request: Request, connection: "Connection") -> None:
        self.request = request
        self._connection = connection

    def start(self, status: int, headers: Headers) -> None:
        """Send status and headers; without `content-length` the body is chunked."""
        self._connection.send(h11.Response(status_code=status, headers=headers))

    def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        self._connection.send(h11.Data(data=data))

    def end(self) -> None:
        """The body is complete."""
        self._connection.send(h11.EndOfMessage())

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer at once."""
        self.start(status, [*headers, ("content-length", str(len(body)))])
        if body:
            self.write(body)
        self.end()

    async def drained(self) -> None:
        """Wait until the client has taken most of what was sent."""
        await self._connection.drained()

    def reset(self) -> None:
        """Reset the connection."""
        self._connection.reset()

    def close(self) -> None:
        """Close the connection after what was sent, however incomplete."""
        self._connection.close()


class Handler(Protocol):
    """Who answers requests."""

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        ...

    def broken(self, error: BaseException) -> None:
        """Answering one raised."""
        ...


class Connection(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    def __init__(self, handler: Handler, peers: "set[Connection]", *, max_body: int) -> None:
        self._handler = handler
        self._peers = peers
        self._max_body = max_body
        self._http = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast("asyncio.Transport", transport)
        self._peers.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: whatever it waited for is cancelled."""
        self._peers.discard(self)
        self._gone.set()
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        self._http.receive_data(data)
        self._advance()

    def pause_writing(self) -> None:
        """The client reads slower than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._writable.set()

    def _advance(self) -> None:
        while self._task is None:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                self._transport.close()
                return
            if isinstance(event, h11.Request):
                self._head, self._size = event, 0
                self._body.clear()
            elif isinstance(event, h11.Data):
                self._size += len(event.data)
                if self._size <= self._max_body:
                    self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._begin()
            elif isinstance(event, h11.ConnectionClosed):
                self._transport.close()
                return
            else:  # NEED_DATA or PAUSED
                return

    def _begin(self) -> None:
        assert self._head is not None
        target = urlsplit(self._head.target.decode("ascii"))
        request = Request(
            method=self._head.method.decode("ascii"),
            path=unquote(target.path),
            query=dict(parse_qsl(target.query)),
            headers={name.decode(): value.decode("latin-1") for name, value in self._head.headers},
            body=bytes(self._body) if self._size <= self._max_body else b"",
            size=self._size,
        )
        exchange = Exchange(request, self)
        self._task = asyncio.ensure_future(self._handler(exchange))
        self._task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._handler.broken(error)
        done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if error is not None or not done:
            self._transport.close()
            return
        self._http.start_next_cycle()
        self._advance()

    def send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        """Send a part of the answer; to a client that has gone nothing is sent."""
        data = self._http.send(event)
        if data and not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait while the client reads slower than we write."""
        await self._writable.wait()

    async def abort(self) -> None:
        """Drop what wasn't sent, close the connection, end whoever is being answered."""
        task = self._task
        self._transport.abort()
        await self._gone.wait()
        if task is not None:
            await asyncio.wait([task])

    def reset(self) -> None:
        """Drop what wasn't sent and reset the connection."""
        peer: socket.socket = self._transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._transport.abort()

    def close(self) -> None:
        """Close it after what was sent; whoever is being answered gets no more."""
        self._transport.close()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
