"""A broker on a door of this process, hosts on loopback behind a resolver that knows them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from docmill.egress.addresses import Address, AddressRule
from docmill.egress.broker import Broker
from docmill.egress.policy import Policy
from docmill.records.egress import Egress, EgressSummary

LOOPBACK = AddressRule(private=(ip_network("127.0.0.0/8"),))
"""What an operator whose hosts are on this machine would allow."""
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Names:
    """A resolver that knows the names it was told, and counts who asked."""

    def __init__(self, **names: Sequence[str]) -> None:
        self.known = {name.replace("_", "."): names[name] for name in names}
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[Address]:
        """The addresses it was told."""
        self.asked.append(host)
        return [ip_address(text) for text in self.known.get(host, ["127.0.0.1"])]


@dataclass
class Served:
    """A broker that serves a door, and what it has recorded."""

    door: socket.socket
    broker: Broker
    events: list[Egress | EgressSummary] = field(default_factory=list[Egress | EgressSummary])
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, event: Egress | EgressSummary) -> None:
        """What the broker calls."""
        self.events.append(event)
        self._told.set()

    async def recorded(self, count: int) -> None:
        """Wait until so many events are there."""
        async with asyncio.timeout(10):
            while len(self.events) < count:
                self._told.clear()
                await self._told.wait()

    @property
    def requests(self) -> list[Egress]:
        """The recorded requests."""
        return [event for event in self.events if isinstance(event, Egress)]

    @property
    def reasons(self) -> list[str]:
        """Why they were refused."""
        return [event.reason for event in self.requests]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection as a program inside would make it."""
        return await asyncio.open_connection(*self.door.getsockname()[:2])

    async def ask_within_tls(self, authority: str, raw: bytes, *, name: str = "") -> bytes:
        """Say something in a tunnel to `authority`, trusting the authorities that sandboxes do."""
        context = ssl.create_default_context(cadata=self.broker.certificates.decode())
        reader, writer = await self.connect()
        try:
            writer.write(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200" not in answer:
                return answer + await reader.read()
            await writer.start_tls(context, server_hostname=name or authority.partition(":")[0])
            writer.write(raw)
            return await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()

    async def ask(self, raw: str | bytes) -> str:
        """Say something to the door; what comes back until the end."""
        reader, writer = await self.connect()
        writer.write(raw.encode() if isinstance(raw, str) else raw)
        try:
            return (await asyncio.wait_for(reader.read(), 10)).decode("latin-1")
        finally:
            writer.close()
            await writer.wait_closed()


@asynccontextmanager
async def serving(
    policy: Policy,
    names: Names | None = None,
    *,
    addresses: AddressRule = LOOPBACK,
    trust: ssl.SSLContext | None = None,
) -> AsyncGenerator[Served]:
    """A broker with this policy; leaving the block ends it, with a summary."""
    broker = Broker(policy, resolver=names or Names(), addresses=addresses, trust=trust)
    with socket.create_server(("127.0.0.1", 0), backlog=128) as door:
        door.setblocking(False)
        served = Served(door, broker)
        async with broker.serve(door, served.record):
            yield served


@asynccontextmanager
async def host(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    """A server on loopback; its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Website:
    """A handler that remembers the requests it got and answers with what it was told."""

    def __init__(self, answer: bytes = b"", *, echo: bool = False) -> None:
        self.requests: list[bytes] = []
        self._answer = answer or b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self._echo = echo

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a head and the body its length tells, answer once."""
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        length = 0
        if b"content-length:" in lower:
            length = int(lower.partition(b"content-length:")[2].split(b"\r\n")[0])
        request = head + await reader.readexactly(length)
        self.requests.append(request)
        if self._echo:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request) + request)
        else:
            writer.write(self._answer)


@dataclass(frozen=True)
class Trusted:
    """A certificate for some hosts, and what trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    file: Path


def make_trusted(folder: Path) -> Trusted:
    """For `a.example`, all below it, `api.example.com` and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    names = [x509.DNSName(name) for name in ("a.example", "*.a.example", "api.example.com")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    both = file.with_name("both.pem")
    both.write_bytes(file.read_bytes() + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    return Trusted(server, ssl.create_default_context(cafile=file), file)
