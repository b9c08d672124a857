"""HTTP/1.1 messages on a stream: heads read whole, refused if two readers could differ about them.

`h11` parses and writes; what goes on is always written anew, never passed through. Decides nothing
about hosts.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import h11

from docmill.egress.policy import RefusedError
from docmill.egress.streams import Stream

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)


class Peer:
    """One end of an HTTP connection that carries one request: `h11` and the stream below."""

    def __init__(self, stream: Stream, role: Any, most: int) -> None:
        self._stream = stream
        self.http = h11.Connection(role, max_incomplete_event_size=most)

    async def next(self) -> h11.Event:
        """The next event.

        Raises:
            h11.RemoteProtocolError: what came is no HTTP.
        """
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                await self._answer_expectation()
                self.http.receive_data(await self._stream.read())
            elif isinstance(event, h11.Event):
                if isinstance(event, h11.Data):  # many may be there at once, a byte each
                    await asyncio.sleep(0)
                return event
            else:  # PAUSED: a second request on a connection that has one
                return h11.ConnectionClosed()

    async def send(self, event: h11.Event) -> None:
        """Send one event."""
        data = self.http.send(event)
        if data:
            await self._stream.write(data)

    async def _answer_expectation(self) -> None:
        if self.http.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))


async def read_request(peer: Peer) -> h11.Request:
    """The head of the request.

    Raises:
        RefusedError: it is none, or one that two readers could take for two things.
        EOFError: nothing came.
    """
    try:
        event = await peer.next()
    except h11.RemoteProtocolError as error:
        status = error.error_status_hint
        reason = "head_too_large" if status == 431 else "bad_request"
        raise RefusedError(reason, f"This is no request: {error}.", status=status) from error
    if not isinstance(event, h11.Request):
        raise EOFError("nothing was asked")
    names = [name for name, _ in event.headers]
    framing = [name for name in names if name in (b"content-length", b"transfer-encoding")]
    if len(framing) > 1 or (framing == [b"transfer-encoding"] and event.http_version == b"1.0"):
        raise _bad("its length is told in two ways")
    if event.method == b"TRACE":
        raise RefusedError("bad_request", "TRACE is not carried out.", status=405)
    return event


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The value of a header that comes once at most."""
    values = [value for key, value in headers if key == name]
    if len(values) > 1:
        raise _bad(f"it has {len(values)} headers {name.decode()}")
    return values[0].decode("latin-1") if values else None


def passed_on(headers: Iterable[tuple[bytes, bytes]], *, without: Iterable[bytes] = ()) -> Headers:
    """The headers that are for the other end, not for the next hop."""
    given = list(headers)
    named = {
        word.strip().lower()
        for name, value in given
        if name == b"connection"
        for word in value.split(b",")
    }
    dropped = HOP_BY_HOP | named - {b"host", b"content-length"} | set(without)
    return [(name, value) for name, value in given if name not in dropped]


def has_chunks(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the message tells its length piece by piece."""
    return any(name == b"transfer-encoding" for name, _ in headers)


async def answer(peer: Peer, error: RefusedError) -> None:
    """Tell the client why its request isn't carried out, if it can still be told."""
    if peer.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    body = f"docmill: {error.reason}: {error.message}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("X-Docmill-Reason", error.reason),
        ("Connection", "close"),
    ]
    reason = error.reason.encode()  # all that clients show of a refused CONNECT
    await peer.send(h11.Response(status_code=error.status, headers=headers, reason=reason))
    await peer.send(h11.Data(data=body))
    await peer.send(h11.EndOfMessage())


def _bad(why: str) -> RefusedError:
    return RefusedError("bad_request", f"This request isn't carried out: {why}.", status=400)
