"""One connection from a sandbox: its request read, judged, carried out or refused, and noted.

`forward` and `tunnel` carry; `policy` judges hosts, `connecting` addresses.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass

import h11

from docmill.egress.authority import RunAuthority
from docmill.egress.connecting import Connector
from docmill.egress.credentials import Credential
from docmill.egress.forward import Errand, forward, host_header
from docmill.egress.hosts import Authority, parse_authority
from docmill.egress.log import SessionLog, Verdict
from docmill.egress.messages import Peer, answer, header, read_request
from docmill.egress.policy import VAULT_SUFFIX, Policy, RefusedError
from docmill.egress.streams import Clock, Counted, SocketStream, Stream, TlsStream
from docmill.egress.tunnel import first_message, relay

_HTTP, _HTTPS = 80, 443
_READING = (b"GET", b"HEAD")
_PLACE_END = re.compile(r"[/?#]")
_BAD_GATEWAY = 502
"""Status of what isn't the client's fault."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What all connections of a run go by."""

    policy: Policy
    connector: Connector
    authority: RunAuthority | None
    """None: there is no vault, and TLS is never looked into."""


@dataclass(frozen=True, slots=True)
class _Order:
    """A request that was judged."""

    request: h11.Request
    authority: Authority
    target: str
    credentials: tuple[Credential, ...]


class Exchange:
    """Carries out what one connection asks for."""

    def __init__(self, rules: Rules, log: SessionLog, client: SocketStream, clock: Clock) -> None:
        self._rules = rules
        self._caps = rules.policy.caps
        self._log = log
        self._client = client
        self._clock = clock
        self._entry = log.entry()
        self._refused = False

    async def run(self) -> bool:
        """Read the request and carry it out; whatever happens is in the log.

        Returns whether the client is to be let finish; it isn't if it was too slow or has gone.

        Raises:
            OSError: it went away before its answer.
        """
        peer = Peer(self._client, h11.SERVER, self._caps.head)
        try:
            async with self._clock.running():
                await self._serve(peer)
            if not self._refused:
                self._note("allowed", "")
            return True
        except RefusedError as error:
            self._note_refusal(error)
            async with asyncio.timeout(self._caps.head_seconds):
                await answer(peer, error)
            return True
        except TimeoutError:
            self._note("failed", "timeout")
        except (OSError, EOFError, h11.ProtocolError) as error:
            self._note("failed", "tls" if isinstance(error, ssl.SSLError) else "broken_off")
        except asyncio.CancelledError:
            self._note("failed", "session_ended")
            raise
        finally:
            self._log.close(self._entry)
        return False

    def _note(self, verdict: Verdict, reason: str) -> None:
        self._entry.verdict, self._entry.reason = verdict, reason

    def _note_refusal(self, error: RefusedError) -> None:
        self._refused = True
        self._note("failed" if error.status == _BAD_GATEWAY else "refused", error.reason)

    async def _serve(self, peer: Peer) -> None:
        async with asyncio.timeout(self._caps.head_seconds):
            request = await read_request(peer)
        self._entry.method = request.method.decode("ascii", "replace")
        if request.method == b"CONNECT":
            await self._connect(peer, request)
        else:
            await self._plain(peer, request)

    async def _plain(self, peer: Peer, request: h11.Request) -> None:
        """A request with a whole URL: plain HTTP, or a credential's host over TLS."""
        authority, target = _split(request.target.decode("ascii", "replace"))
        self._entry.authority, self._entry.path = authority, target
        _check_host(request, authority, _HTTP)
        credentials: tuple[Credential, ...] = ()
        tls = authority.host.endswith(VAULT_SUFFIX) and authority.port == _HTTP
        if tls:
            home = self._rules.policy.named(authority.host).home
            assert home is not None
            authority = self._entry.authority = home
            credentials = self._rules.policy.credentials_for(home)
        self._rules.policy.check(authority)
        if not tls:
            known = self._rules.policy.credentials_for(authority)
            credentials = tuple(credential for credential in known if credential.plain)
        await self._carry(peer, _Order(request, authority, target, credentials), tls=tls)

    async def _connect(self, peer: Peer, request: h11.Request) -> None:
        """A tunnel: carried untouched, but for the vault's hosts, where this end is the host."""
        authority = _parsed(request.target.decode("ascii", "replace"))
        self._entry.authority = authority
        if authority.host.endswith(VAULT_SUFFIX):
            raise RefusedError(
                "no_credential", f"Ask for http://{authority.host}/; it leaves as HTTPS."
            )
        given = header(request.headers, b"host")
        if given is not None and _parsed(given, _HTTPS).host != authority.host:
            raise _mismatch(given, authority)
        self._rules.policy.check(authority)
        known = self._rules.policy.credentials_for(authority)
        if any(not each.plain for each in known) and self._rules.authority is not None:
            await self._intercept(peer, authority, self._rules.authority)
            return
        upstream = await self._rules.connector.connect(authority, self._clock, tls=False)
        try:
            first = await self._open_tunnel(peer, authority)
            server = Counted(upstream, self._entry.meter, self._log.total)
            await server.write(first)
            await relay(self._client, server)
        finally:
            upstream.close()

    async def _open_tunnel(self, peer: Peer, authority: Authority) -> bytes:
        """Say yes to a CONNECT; returns the first message of TLS."""
        if not isinstance(await peer.next(), h11.EndOfMessage):
            raise RefusedError("bad_request", "A CONNECT has no body.", status=400)
        await peer.send(h11.Response(status_code=200, headers=[]))
        early, _ = peer.http.trailing_data
        async with asyncio.timeout(self._caps.head_seconds):
            return await first_message(self._client, early, authority)

    async def _intercept(self, peer: Peer, authority: Authority, own: RunAuthority) -> None:
        """Be the host to the client, so that its request can get the credential."""
        first = await self._open_tunnel(peer, authority)
        stream = TlsStream(self._client, own.context(authority.host), first)
        inner = Peer(stream, h11.SERVER, self._caps.head)
        try:
            async with asyncio.timeout(self._caps.head_seconds):
                await stream.handshake()
                request = await read_request(inner)
            self._entry.method = request.method.decode("ascii", "replace")
            target = request.target.decode("ascii", "replace")
            if not target.startswith("/"):
                raise RefusedError("bad_request", "Within TLS a path is asked for.", status=400)
            self._entry.path = target
            _check_host(request, authority, _HTTPS)
            credentials = self._rules.policy.credentials_for(authority)
            await self._carry(inner, _Order(request, authority, target, credentials), tls=True)
        except RefusedError as error:
            self._note_refusal(error)
            await answer(inner, error)
        await stream.finish()

    async def _carry(self, client: Peer, order: _Order, *, tls: bool) -> None:
        """To the host and back; without TLS a proxy on the way is asked for the whole URL."""
        if order.request.method not in _READING and any(
            credential.reads_only for credential in order.credentials
        ):
            raise RefusedError("method_not_allowed", "Only GET and HEAD are carried out here.")
        connector = self._rules.connector
        host = host_header(order.authority, _HTTPS if tls else _HTTP)
        proxy = None if tls else connector.owned.proxy_for(order.authority)
        upstream = await connector.connect(
            order.authority, self._clock, tls=tls, tunnel=proxy is None
        )
        self._entry.credentials = tuple(credential.name for credential in order.credentials)
        target = f"http://{host}{order.target}" if proxy else order.target
        login = proxy.login if proxy else ""
        errand = Errand(order.request, target.encode("ascii"), host, order.credentials, login)
        server: Stream = Counted(upstream, self._entry.meter, self._log.total)
        try:
            self._entry.status = await forward(client, server, errand, most=self._caps.head)
        finally:
            upstream.close()


def _split(url: str) -> tuple[Authority, str]:
    """Host and path of a whole URL.

    Raises:
        RefusedError: it is none, or not of HTTP.
    """
    scheme, mark, rest = url.partition("://")
    if not mark or url.startswith("/"):
        raise RefusedError(
            "bad_request", "This is a proxy: ask for whole URLs (http_proxy is set).", status=400
        )
    if scheme.lower() != "http":
        raise RefusedError("bad_request", f"Use CONNECT for {scheme}.", status=400)
    place = _PLACE_END.split(rest, 1)[0]
    if "@" in place or "#" in rest or "\\" in rest:
        raise RefusedError("bad_request", "This URL isn't taken.", status=400)
    target = rest[len(place) :]
    return _parsed(place, _HTTP), target if target.startswith("/") else f"/{target}"


def _parsed(text: str, default_port: int | None = None) -> Authority:
    try:
        return parse_authority(text, default_port)
    except ValueError as error:
        raise RefusedError("bad_request", f"{error}.", status=400) from error


def _check_host(request: h11.Request, authority: Authority, default_port: int) -> None:
    given = header(request.headers, b"host")
    if given is not None and _parsed(given, default_port) != authority:
        raise _mismatch(given, authority)


def _mismatch(given: str, authority: Authority) -> RefusedError:
    return RefusedError(
        "host_header_mismatch", f"The request is for {authority}, its Host header says {given}."
    )
