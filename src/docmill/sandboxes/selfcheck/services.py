"""Services on the host that tell the secret: what attacks over sockets try to reach.

`bait` starts them for one round. They listen on loopback, on the machine's own address and on unix
sockets; nobody else is told where.
"""

import asyncio
import fcntl
import os
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, cast

PREFIX = "docmill-selfcheck-"
LISTED = "listed.example"
"""The host that web requests may be for; those for any other are told the secret."""
NEIGHBOUR = "127.0.0.2"
"""Where the web service is, too; `inner` isn't."""
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_GET_ADDRESS = 0x8915
"""SIOCGIFADDR of netdevice(7)."""


class _Answering(asyncio.DatagramProtocol):
    """Answers every datagram with the secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._transport:
            self._transport.sendto(self._secret, addr)


class _Services:
    """Starts one after another; each ends with the stack."""

    def __init__(self, stack: AsyncExitStack, secret: str) -> None:
        self._stack = stack
        self._secret = secret
        self.found: dict[str, Any] = {}

    async def tell(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell the secret to whoever comes."""
        with suppress(OSError):
            writer.write(self._secret.encode())
            await writer.drain()
        writer.close()

    async def web(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests one after another; those that aren't for `LISTED` with the secret."""
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while data := await reader.read(1 << 20):
                for head in data.split(b"\r\n\r\n"):
                    if head:
                        await self._answer(writer, LISTED.encode() not in head)
        writer.close()

    async def inner(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request with the secret."""
        with suppress(OSError):
            await reader.read(1 << 16)
            await self._answer(writer, True)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, telling: bool) -> None:
        body = self._secret.encode() if telling else b"harmless"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    def keep(self, server: asyncio.Server) -> Any:
        """Close it at the end; where it listens."""
        self._stack.callback(server.close)
        return server.sockets[0].getsockname()

    async def listen(self, kind: str, handler: Handler, address: str, port: int = 0) -> None:
        """Serve on an address, if this machine has it."""
        with suppress(OSError):
            self.found[kind] = self.keep(await asyncio.start_server(handler, address, port))[:2]

    async def listen_unix(self, kind: str, path: str) -> None:
        """Serve on a unix socket, if it can be made."""
        with suppress(OSError):
            self.keep(await asyncio.start_unix_server(self.tell, path))
            self.found[kind] = path.removeprefix("\0")

    async def listen_datagrams(self) -> None:
        """Serve datagrams."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Answering(self._secret), ("127.0.0.1", 0)
        )
        self._stack.callback(transport.close)
        self.found["udp"] = transport.get_extra_info("sockname")


async def serve(stack: AsyncExitStack, secret: str, folder: Path) -> dict[str, Any]:
    """Start one service of each kind there is here; those that can't be had are left out."""
    services = _Services(stack, secret)
    await services.listen("tcp", services.tell, "127.0.0.1")
    await services.listen("tcp6", services.tell, "::1")
    for address in _addresses()[:1]:
        await services.listen("lan", services.tell, address)
    await services.listen("web", services.web, "127.0.0.1")
    await services.listen("neighbour", services.web, NEIGHBOUR, services.found["web"][1])
    await services.listen("inner", services.inner, "127.0.0.1")
    path = str(folder / "service.sock")
    await services.listen_unix("unix", path)
    await services.listen_unix("abstract", f"\0{PREFIX}{secrets.token_hex(8)}")
    if "unix" in services.found:
        os.chmod(path, 0o666)  # noqa: PTH101, S103  # of an event loop's own; anyone may knock
    await services.listen_datagrams()
    return services.found


def _addresses() -> list[str]:
    """IPv4 addresses of this machine's devices besides loopback."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with suppress(OSError):
                answer = fcntl.ioctl(asking, _GET_ADDRESS, struct.pack("256s", name.encode()))
                found.append(socket.inet_ntoa(answer[20:24]))
    return [address for address in found if not address.startswith("127.")]
