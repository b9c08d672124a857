"""A proxy that the machine's own network has between it and the web; asks it for tunnels.

`connecting` uses it where the machine's owner has configured one: for package indexes. Sessions of
documents never go through it.
"""

import asyncio
import base64
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import h11

from docmill.egress.hosts import Authority, parse_authority
from docmill.egress.policy import RefusedError

_PIECE = 4096
_MOST = 16 * 1024


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a proxy is, and what it is told of who asks."""

    authority: Authority
    login: str = field(default="", repr=False)
    """Value of the header Proxy-Authorization."""

    @classmethod
    def parse(cls, address: str) -> "Upstream":
        """The proxy of an address like `http://user:password@proxy.example:3128`.

        Raises:
            ValueError: it isn't one that is spoken to by plain HTTP.
        """
        parts = urlsplit(address)
        place = parts.netloc.rpartition("@")[2]
        if parts.scheme != "http":
            raise ValueError(f"the proxy at {place} is spoken to by {parts.scheme}, not by http")
        login = ""
        if parts.username is not None:
            words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            login = "Basic " + base64.b64encode(words.encode()).decode()
        return cls(parse_authority(place, 80), login)

    async def tunnel(self, connection: socket.socket, wanted: Authority) -> None:
        """Have the proxy at the other end of a connection lead it on to a host.

        Raises:
            RefusedError: it doesn't.
            OSError: it went away.
        """
        loop = asyncio.get_running_loop()
        peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST)
        headers = [("Host", str(wanted))]
        headers += [("Proxy-Authorization", self.login)] if self.login else []
        request = h11.Request(method="CONNECT", target=str(wanted), headers=headers)
        await loop.sock_sendall(connection, (peer.send(request) or b"") + self._end(peer))
        try:
            while (event := peer.next_event()) is h11.NEED_DATA:
                # No byte of the host's comes before the client's first: nothing is read too far.
                peer.receive_data(await loop.sock_recv(connection, _PIECE))
        except h11.RemoteProtocolError as error:
            raise self._refusal(wanted, "doesn't speak HTTP") from error
        if not isinstance(event, h11.Response) or not 200 <= event.status_code < 300:
            status = event.status_code if isinstance(event, h11.Response) else "nothing"
            raise self._refusal(wanted, f"answers {status}")

    @staticmethod
    def _end(peer: h11.Connection) -> bytes:
        return peer.send(h11.EndOfMessage()) or b""

    def _refusal(self, wanted: Authority, what: str) -> RefusedError:
        return RefusedError(
            "proxy_refused",
            f"The proxy {self.authority} {what} when asked for {wanted}.",
            status=502,
        )
