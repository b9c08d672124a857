"""A connection to an allowed host: name resolved once, addresses checked, then connected to."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from docmill.egress.addresses import METADATA, Address, AddressRule, Resolver, within
from docmill.egress.hosts import Authority, literal
from docmill.egress.policy import Caps, RefusedError
from docmill.egress.streams import Clock, SocketStream
from docmill.egress.upstream import Upstream

_TRIED = 4
"""Addresses of one name."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What the machine's owner has configured, as no specification can."""

    hosts: frozenset[Authority] = frozenset()
    """Hosts that may have any address but those of metadata."""
    proxy_for: Callable[[Authority], Upstream | None] = lambda authority: None
    """The proxy that a host is reached through, whose business its addresses are then."""


@dataclass(frozen=True, slots=True)
class Connector:
    """Connects to hosts; `trust` is what their certificates are judged by."""

    resolver: Resolver
    addresses: AddressRule
    trust: ssl.SSLContext
    caps: Caps
    owned: Owned = Owned()

    async def connect(
        self, authority: Authority, clock: Clock, *, tls: bool, tunnel: bool = True
    ) -> SocketStream:
        """A connection to the host, with TLS if asked for.

        `tunnel`: through a proxy, if there is one; else it is to the proxy, which is told the rest.

        Raises:
            RefusedError: there is no such name, one of its addresses isn't public, nobody answers
                there, or the certificate is not the host's.
        """
        connection = await self._reached(authority, tunnel=tunnel)
        try:
            async with asyncio.timeout(self.caps.connect_seconds):
                reader, writer = await asyncio.open_connection(
                    sock=connection,
                    ssl=self.trust if tls else None,
                    server_hostname=authority.host if tls else None,
                )
        except ssl.SSLCertVerificationError as error:
            raise RefusedError(
                "certificate",
                f"The certificate of {authority} isn't accepted: {error.verify_message}.",
                status=502,
            ) from error
        except (OSError, TimeoutError) as error:
            raise _unreachable(authority) from error
        return SocketStream(reader, writer, clock)

    async def _reached(self, authority: Authority, *, tunnel: bool) -> socket.socket:
        """A connection that leads to the host, be it through a proxy."""
        proxy = self.owned.proxy_for(authority)
        if proxy is None:
            found = await self._allowed(authority)
            own = authority in self.owned.hosts
            return await self._connected(authority, found, own=own)
        found = await self._found(proxy.authority)
        connection = await self._connected(proxy.authority, found, own=True)
        if not tunnel:
            return connection
        try:
            async with asyncio.timeout(self.caps.connect_seconds):
                await proxy.tunnel(connection, authority)
        except (OSError, TimeoutError) as error:
            connection.close()
            raise _unreachable(proxy.authority) from error
        except BaseException:
            connection.close()
            raise
        return connection

    async def _allowed(self, authority: Authority) -> Sequence[Address]:
        found = await self._found(authority)
        # one private address among public ones is how names are turned against their resolver
        for each in found:
            own = authority in self.owned.hosts and not within(each, METADATA)
            if not own and not self.addresses.allows(each):
                raise RefusedError(
                    "address_not_public",
                    f"{authority.host} has an address that isn't public; it can't be reached.",
                )
        return found

    async def _found(self, authority: Authority) -> Sequence[Address]:
        address = literal(authority.host)
        found = [address] if address else await self._resolved(authority)
        if not found:
            raise RefusedError("name_not_found", f"There is no host {authority.host}.", status=502)
        return found

    async def _resolved(self, authority: Authority) -> Sequence[Address]:
        try:
            async with asyncio.timeout(self.caps.connect_seconds):
                return await self.resolver.resolve(authority.host)
        except (OSError, TimeoutError) as error:
            raise RefusedError(
                "name_not_resolved",
                f"The name {authority.host} can't be resolved now.",
                status=502,
            ) from error

    async def _connected(
        self, authority: Authority, found: Sequence[Address], *, own: bool
    ) -> socket.socket:
        for address in found[:_TRIED]:
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                async with asyncio.timeout(self.caps.connect_seconds):
                    place = (str(address), authority.port)
                    await asyncio.get_running_loop().sock_connect(connection, place)
            except (OSError, TimeoutError):
                connection.close()
                continue
            except BaseException:
                connection.close()
                raise
            if not own:
                self._refuse_own_machine(connection, address, authority)
            return connection
        raise _unreachable(authority)

    def _refuse_own_machine(
        self, connection: socket.socket, address: Address, authority: Authority
    ) -> None:
        """A public address may be this machine's own, whose services are nobody's business."""
        is_own = connection.getsockname()[0] == connection.getpeername()[0]
        if is_own and not self.addresses.names(address):
            connection.close()
            raise RefusedError("own_machine", f"{authority.host} is this machine itself.")


def _unreachable(authority: Authority) -> RefusedError:
    return RefusedError("connect_failed", f"{authority} doesn't answer.", status=502)
