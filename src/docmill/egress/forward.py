"""One HTTP request carried to its host and the response back, both written anew.

Puts credentials into requests to their hosts over TLS, and blots them out of the responses. The
redirects a host answers with are the client's to follow, as requests of their own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import h11

from docmill.egress.credentials import Credential, Redactor
from docmill.egress.hosts import Authority
from docmill.egress.messages import Headers, Peer, has_chunks, passed_on
from docmill.egress.policy import RefusedError
from docmill.egress.streams import Stream

_SECRETS_CANT_BE_SEEN_IN = (b"accept-encoding", b"range", b"if-range")
"""Headers that a request with a credential loses: the response has to come whole and plain."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A request that was read and is allowed."""

    request: h11.Request
    target: bytes
    """Path and query; the whole URL for a proxy."""
    host: str
    """Value of the Host header."""
    credentials: Sequence[Credential] = ()
    proxy_login: str = field(default="", repr=False)
    """Value of the header Proxy-Authorization, if the proxy wants one."""


async def forward(client: Peer, server: Stream, errand: Errand, *, most: int) -> int:
    """Carry a request to its host and the response back; returns the response's status.

    Raises:
        RefusedError: the host answers with something that isn't passed on.
    """
    peer = Peer(server, h11.CLIENT, most)
    await peer.send(
        h11.Request(
            method=errand.request.method, target=errand.target, headers=_request_headers(errand)
        )
    )
    sending = asyncio.create_task(_send_body(client, peer))
    answering = asyncio.create_task(_return_response(client, peer, errand.credentials))
    try:
        await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            _check_sent(sending)
        return await answering
    except h11.RemoteProtocolError as error:
        raise RefusedError("bad_response", f"{errand.host}: {error}.", status=502) from error
    finally:
        sending.cancel()
        answering.cancel()
        await asyncio.gather(sending, answering, return_exceptions=True)


def _check_sent(sending: asyncio.Task[None]) -> None:
    """A host may answer without having read all; only what the sandbox does wrong matters.

    Raises:
        RefusedError: the body isn't sent to its end, and why.
    """
    error = sending.exception()
    if isinstance(error, h11.RemoteProtocolError):
        raise RefusedError("bad_request", f"The body is none: {error}.", status=400) from error
    if error is not None and not isinstance(error, OSError):
        raise error


def _request_headers(errand: Errand) -> Headers:
    own = {credential.header.lower().encode() for credential in errand.credentials}
    without = {b"host", b"expect", *own}
    if errand.credentials:
        without.update(_SECRETS_CANT_BE_SEEN_IN)
    headers = [(b"Host", errand.host.encode())]
    headers += passed_on(errand.request.headers, without=without)
    if has_chunks(errand.request.headers):
        headers.append((b"Transfer-Encoding", b"chunked"))
    for credential in errand.credentials:
        headers.append((credential.header.encode(), credential.value.encode()))
    if errand.credentials:
        headers.append((b"Accept-Encoding", b"identity"))
    if errand.proxy_login:
        headers.append((b"Proxy-Authorization", errand.proxy_login.encode()))
    return [*headers, (b"Connection", b"close")]


async def _send_body(client: Peer, server: Peer) -> None:
    while True:
        event = await client.next()
        if isinstance(event, h11.Data):
            await server.send(h11.Data(data=bytes(event.data)))
        elif isinstance(event, h11.EndOfMessage):
            await server.send(h11.EndOfMessage())  # without trailers
            return
        else:
            return


async def _return_response(client: Peer, server: Peer, credentials: Sequence[Credential]) -> int:
    response = await server.next()
    while isinstance(response, h11.InformationalResponse):
        response = await server.next()
    if not isinstance(response, h11.Response):
        raise RefusedError("bad_response", "The host ended without a response.", status=502)
    redactor = Redactor(credential.secret for credential in credentials)
    headers = [(name, redactor.clean(value)) for name, value in passed_on(response.headers)]
    _refuse_disguise(headers, credentials)
    if has_chunks(response.headers):
        headers = [(name, value) for name, value in headers if name != b"content-length"]
    headers.append((b"Connection", b"close"))
    await client.send(h11.Response(status_code=response.status_code, headers=headers))
    while True:
        event = await server.next()
        if isinstance(event, h11.Data):
            await _send_data(client, redactor.feed(bytes(event.data)))
        elif isinstance(event, h11.EndOfMessage):
            await _send_data(client, redactor.end())
            await client.send(h11.EndOfMessage())
            return response.status_code
        else:
            raise RefusedError("bad_response", "The response ended too early.", status=502)


async def _send_data(client: Peer, data: bytes) -> None:
    if data:
        await client.send(h11.Data(data=data))


def _refuse_disguise(headers: Headers, credentials: Sequence[Credential]) -> None:
    """A compressed response could hold the secret unseen."""
    encodings = {value.strip().lower() for name, value in headers if name == b"content-encoding"}
    if credentials and encodings - {b"identity", b""}:
        raise RefusedError(
            "encoded_response",
            "The host compresses its response though it was asked not to; it isn't passed on.",
            status=502,
        )


def host_header(authority: Authority, default_port: int) -> str:
    """What the Host header says of a host."""
    text = str(authority)
    return text.removesuffix(f":{default_port}") if authority.port == default_port else text
