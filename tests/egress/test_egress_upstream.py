"""Hosts that the machine's owner has configured: at private addresses, or through a proxy."""

import asyncio
import base64
import socket
import ssl

import pytest
from tests.egress.egress_scene import Names, Served, Trusted, Website, host

from docmill.egress.addresses import AddressRule
from docmill.egress.broker import Broker
from docmill.egress.connecting import Owned
from docmill.egress.credentials import Credential
from docmill.egress.hosts import Authority, parse_rule
from docmill.egress.policy import Policy
from docmill.egress.upstream import Upstream

LOGIN = base64.b64encode(b"me:p@ss").decode()
ASK = "GET http://{0}/p HTTP/1.1\r\nHost: {0}\r\n\r\n"


class Proxy:
    """A proxy of the organisation's: one tunnel each, to the port it was told."""

    def __init__(self, port: int, status: int = 200) -> None:
        self.heads: list[str] = []
        self._port = port
        self._status = status

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a CONNECT, and carry what follows."""
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {self._status} x\r\n\r\n".encode())
        if self._status != 200:
            return
        inner, outer = await asyncio.open_connection("127.0.0.1", self._port)

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(4096):
                sink.write(data)
            sink.close()

        await asyncio.gather(carry(reader, outer), carry(inner, writer))


async def asked(broker: Broker, raw: str) -> tuple[str, list[str]]:
    """What the broker answers, and the reasons it recorded."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setblocking(False)
        served = Served(door, broker)
        async with broker.serve(door, served.record):
            said = await served.ask(raw)
            await served.recorded(1)
        return said, served.reasons


@pytest.mark.parametrize(("owned", "status"), [(True, "200"), (False, "403")])
async def test_a_configured_host_may_be_private(owned: bool, status: str) -> None:
    """It alone: other hosts at the same address stay closed."""
    async with host(Website()) as port:
        place = f"index.example:{port}"
        hosts = frozenset([Authority("index.example" if owned else "other.example", port)])
        broker = Broker(
            Policy((parse_rule(place),)), resolver=Names(), addresses=AddressRule(),
            owned=Owned(hosts),
        )  # fmt: skip
        said, _ = await asked(broker, ASK.format(place))
    assert said.startswith(f"HTTP/1.1 {status}")


async def test_metadata_stays_closed_to_configured_hosts() -> None:
    """Whoever answers for their names."""
    broker = Broker(
        Policy((parse_rule("index.example"),)),
        resolver=Names(index_example=["169.254.169.254"]),
        owned=Owned(frozenset([Authority("index.example", 80)])),
    )
    said, reasons = await asked(broker, ASK.format("index.example"))
    assert reasons == ["address_not_public"]
    assert "isn't public" in said


def through(port: int, names: Names, trust: ssl.SSLContext | None = None) -> Broker:
    """A broker behind a proxy on this machine."""
    upstream = Upstream.parse(f"http://me:p%40ss@127.0.0.1:{port}")
    assert LOGIN not in repr(upstream)
    rules = (parse_rule("far.example"), parse_rule("api.example.com"))
    credential = Credential("crm", "canary-6f1c0a9e44b2", (parse_rule("api.example.com:443"),))
    return Broker(
        Policy(rules, credentials=(credential,)),
        resolver=names,
        trust=trust,
        owned=Owned(proxy_for=lambda authority: upstream),
    )


async def test_a_proxy_is_asked_for_whole_urls() -> None:
    """It resolves the name, and is told who asks."""
    names, proxy = Names(), Website()
    async with host(proxy) as port:
        said, reasons = await asked(through(port, names), ASK.format("far.example"))
    assert said.endswith("ok")
    assert (reasons, names.asked) == ([""], [])
    (head,) = map(bytes.decode, proxy.requests)
    assert head.startswith("GET http://far.example/p HTTP/1.1\r\nHost: far.example\r\n")
    assert f"Proxy-Authorization: Basic {LOGIN}\r\n" in head


async def test_a_proxy_is_asked_for_a_tunnel_where_there_is_tls(trusted: Trusted) -> None:
    """It sees neither the request nor the credential."""
    site = Website()
    async with (
        host(site, trusted.server) as port,
        host(proxy := Proxy(port)) as proxy_port,
    ):
        broker = through(proxy_port, Names(), trusted.client)
        said, reasons = await asked(broker, ASK.format("crm.egress"))
    assert said.endswith("ok")
    assert reasons == [""]
    (head,) = proxy.heads
    assert head.startswith("CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n")
    assert f"Proxy-Authorization: Basic {LOGIN}\r\n" in head
    assert b"canary-6f1c0a9e44b2" in site.requests[0]


async def test_what_a_proxy_refuses_is_told() -> None:
    """With its status; nothing is tried past it."""
    async with host(Website()) as port, host(Proxy(port, status=407)) as proxy_port:
        ask = "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n"
        said, reasons = await asked(through(proxy_port, Names()), ask)
    assert reasons == ["proxy_refused"]
    assert "answers 407 when asked for far.example:443" in said


async def test_a_login_may_go_without_tls_where_the_owner_said_so() -> None:
    """To an index that has none; a vault's credential never does."""
    site = Website()
    async with host(site) as port:
        place = f"index.example:{port}"
        for plain in (True, False):
            credential = Credential(
                "index", "c2VjcmV0OnNlY3JldA==", (parse_rule(place),), prefix="Basic ", plain=plain
            )
            broker = Broker(
                Policy((parse_rule(place),), credentials=(credential,)),
                resolver=Names(),
                owned=Owned(frozenset([Authority("index.example", port)])),
            )
            await asked(broker, ASK.format(place))
    first, second = site.requests
    assert b"Basic c2VjcmV0OnNlY3JldA==" in first
    assert b"uthorization" not in second
