"""The broker that the self-check attacks: the real one, by rules and with names of the attack's.

`attacking` brings it; sandboxes themselves know nothing of egress.
"""

import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network

from docmill.egress.addresses import Address, AddressRule
from docmill.egress.broker import Broker
from docmill.egress.hosts import rules_for
from docmill.egress.policy import Caps, Policy
from docmill.sandboxes.selfcheck.gate import GateRules, Names


class _Resolver:
    """Asks the attack's own name server."""

    def __init__(self, names: Names) -> None:
        self._names = names

    async def resolve(self, host: str) -> Sequence[Address]:
        """All addresses of a name; see `egress.addresses.Resolver`."""
        return [ip_address(text) for text in self._names.answer(host)]


class BrokerGate:
    """Makes brokers for attacks; see `selfcheck.gate.Gatekeeper`."""

    @asynccontextmanager
    async def serve(
        self, door: socket.socket, rules: GateRules, names: Names
    ) -> AsyncGenerator[None]:
        """Serve a door until the block is left; what is recorded is forgotten."""
        broker = Broker(
            Policy(
                rules_for(rules.listed),
                caps=Caps(head_seconds=rules.head_seconds, sent=rules.sent),
            ),
            resolver=_Resolver(names),
            addresses=AddressRule(private=tuple(map(ip_network, rules.private))),
        )
        async with broker.serve(door, lambda _: None):
            yield
