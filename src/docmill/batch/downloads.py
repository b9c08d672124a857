"""The way out of package managers: a broker that leads to the package index, and to nothing else.

Neighbours: `sandboxes.building` shuts them in, `managers` says which index this machine is
configured for. Sessions of documents have another broker (`batch.egress`).
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from docmill.egress.addresses import AddressRule, is_public
from docmill.egress.broker import Broker
from docmill.egress.connecting import Owned
from docmill.egress.credentials import Credential
from docmill.egress.hosts import Authority, HostRule
from docmill.egress.indexes import rule_for
from docmill.egress.policy import MIB, Caps, Policy
from docmill.egress.upstream import Upstream
from docmill.errors import PrerequisiteError
from docmill.managers.settings import Logins, Proxies
from docmill.records.egress import Egress, EgressSummary
from docmill.sandboxes.building.confined import SECONDS
from docmill.sandboxes.building.way import Reach, Supply
from docmill.settings import Settings

_CAPS = Caps(
    at_once=32, connections=50_000, sent=MIB * 64, received=MIB * 1024 * 64, seconds=SECONDS,
    events=50_000,
)  # fmt: skip


def package_supply(settings: Settings) -> Supply:
    """Downloads from the indexes this machine is configured for."""
    rule = AddressRule(settings.egress_private)
    return Supply(settings.environ, lambda reach: BrokerWay(reach, rule))


class BrokerWay:
    """A broker for one confinement.

    Raises:
        PrerequisiteError: the machine's proxy is one that can't be used.
    """

    def __init__(self, reach: Reach, addresses: AddressRule) -> None:
        self._reach = reach
        self._routes = _routes(reach)
        settings = reach.settings
        trust = ssl.create_default_context()
        extra = ""
        if settings.certificates is not None:
            trust.load_verify_locations(settings.certificates)
            extra = settings.certificates.read_text(errors="replace")
        credentials = tuple(_credentials(self._routes, settings.logins))
        policy = Policy(tuple(self._routes.values()), credentials=credentials, caps=_CAPS)
        owned = Owned(frozenset(self._owned()), _Proxied(self._routes, settings.proxies).proxy_for)
        self._broker = Broker(policy, addresses=addresses, trust=trust, owned=owned)
        intercepts = any(not each.plain for each in credentials)
        self.certificates = extra
        if intercepts:
            self.certificates += self._broker.certificates.decode()
        self.decisions: list[Egress] = []

    @contextmanager
    def serve(self, door: socket.socket) -> Generator[None]:
        """Within this the door leads out; the broker works in a thread of its own."""
        door.setblocking(False)
        loop = asyncio.new_event_loop()
        stop = asyncio.Event()
        ready = threading.Event()

        async def work() -> None:
            try:
                async with self._broker.serve(door, self._record):
                    ready.set()
                    await stop.wait()
            finally:
                ready.set()

        with ThreadPoolExecutor(1, "docmill-downloads") as thread:
            working = thread.submit(loop.run_until_complete, work())
            ready.wait()
            try:
                yield
            finally:
                loop.call_soon_threadsafe(stop.set)
                working.result()
                loop.close()

    def _record(self, event: Egress | EgressSummary) -> None:
        if isinstance(event, Egress):
            self.decisions.append(event)

    def _owned(self) -> Iterator[Authority]:
        """Hosts at any address: what is configured, and what a private index says of its files."""
        named = self._reach.named
        private = {origin for origin in set(named.values()) if _is_private(origin)}
        for origin, rule in self._routes.items():
            if origin in self._reach.origins or named.get(origin) in private:
                yield Authority(rule.host, rule.ports[0])


class _Proxied:
    """Which hosts are reached through the machine's proxy."""

    def __init__(self, routes: dict[str, HostRule], proxies: Proxies) -> None:
        self._proxies = {"http": _upstream(proxies.http), "https": _upstream(proxies.https)}
        self._bypass = proxies.bypass
        self._schemes = {
            Authority(rule.host, rule.ports[0]): urlsplit(origin).scheme
            for origin, rule in routes.items()
        }

    def proxy_for(self, authority: Authority) -> Upstream | None:
        """The proxy for a host; None: it is reached directly."""
        host = f".{authority.host}"
        if any(name == "*" or host.endswith(f".{name}") for name in self._bypass):
            return None
        return self._proxies[self._schemes.get(authority, "https")]


def _upstream(address: str) -> Upstream | None:
    if not address:
        return None
    try:
        return Upstream.parse(address)
    except ValueError as error:
        raise PrerequisiteError(
            f"Packages can't be downloaded: {error}.",
            remedy="Name one that speaks plain HTTP: export https_proxy=http://HOST:PORT",
        ) from None


def _routes(reach: Reach) -> dict[str, HostRule]:
    """Origin → its rule; one that is no host is left out, and so refused."""
    found = {origin: rule_for(origin) for origin in (*reach.origins, *reach.named)}
    return {origin: rule for origin, rule in found.items() if rule is not None}


def _credentials(routes: dict[str, HostRule], logins: Logins) -> Iterator[Credential]:
    for origin, rule in routes.items():
        kind, _, secret = logins.value_for(origin).partition(" ")
        if secret:
            plain = origin.startswith("http:")
            yield Credential(
                "index", secret, (rule,), prefix=f"{kind} ", plain=plain, reads_only=True
            )


def _is_private(origin: str) -> bool:
    """Whether a host's name leads to an address that isn't public."""
    try:
        found = socket.getaddrinfo(urlsplit(origin).hostname, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(not is_public(ip_address(str(entry[4][0]))) for entry in found)
