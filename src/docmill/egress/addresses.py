"""From a host's name to addresses that may be connected to.

Names are resolved here, once for each connection, and the addresses found are those that are
connected to: a second answer of a name server changes nothing.
"""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Protocol

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        # this host, private, shared by carriers, loopback, link-local with the metadata of clouds
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"),
        # protocols, documentation, relays, multicast, reserved
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.51.100.0/24", "203.0.113.0/24"),
        *("224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # a cloud's host, though its address looks public
        # of IPv6's public part: Teredo and other special uses, documentation, 6to4
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_PUBLIC_6 = IPv6Network("2000::/3")
"""Without loopback, mapped and translated IPv4 (NAT64), unique local, link-local, multicast."""
METADATA: tuple[Network, ...] = (
    IPv4Network("169.254.0.0/16"),
    IPv4Network("168.63.129.16/32"),
    IPv4Network("100.100.100.200/32"),
    IPv6Network("fd00:ec2::/32"),
    IPv6Network("fe80::/10"),
)
"""Where clouds tell machines their secrets; never allowed, whatever the operator says."""


class Resolver(Protocol):
    """Who knows the addresses of names."""

    async def resolve(self, host: str) -> Sequence[Address]:
        """All addresses of a name; none if there is no such name.

        Raises:
            OSError: nobody can be asked now.
        """
        ...


class SystemResolver:
    """Asks whom the machine asks, in threads of its own: a slow name holds up nothing else."""

    def __init__(self, threads: int = 4) -> None:
        self._threads = ThreadPoolExecutor(threads, "docmill-names")

    async def resolve(self, host: str) -> Sequence[Address]:
        """All addresses of a name; see `Resolver.resolve`."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, _ask, host)
        except socket.gaierror as error:
            if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
                return ()
            raise


def _ask(host: str) -> tuple[Address, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))


@dataclass(frozen=True, slots=True)
class AddressRule:
    """Which addresses may be connected to: public ones, and those the operator names.

    No spec can widen this; it belongs to the machine (`DOCMILL_EGRESS_PRIVATE`).
    """

    private: tuple[Network, ...] = ()
    """Networks that are allowed although they aren't public."""

    def allows(self, address: Address) -> bool:
        """Whether this address may be connected to."""
        if within(address, METADATA):
            return False
        return self.names(address) or is_public(address)

    def names(self, address: Address) -> bool:
        """Whether the operator allows this address though it isn't public."""
        return within(address, self.private) and not within(address, METADATA)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the Internet, by this module's own list."""
    if isinstance(address, IPv6Address) and address not in _PUBLIC_6:
        return False
    return address.is_global and not within(address, _NOT_PUBLIC)


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of these networks."""
    return any(address.version == network.version and address in network for network in networks)
