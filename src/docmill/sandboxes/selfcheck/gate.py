"""The seam to the broker that stands at a sandbox's door, and a careless one for controls.

Sandboxes know nothing of egress: who runs the check brings a `Gatekeeper`. `CarelessProxy` does
what is asked of it, which proves that the attacks on a broker work.
"""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from docmill.sandboxes.selfcheck.services import LISTED, NEIGHBOUR

_HEAD = re.compile(rb"(CONNECT|GET|POST) (?:http://)?([^/ ]+)")
_ANSWERS = {
    "rebound.example": (NEIGHBOUR, "127.0.0.1"),
    f"neighbour.{LISTED}": (NEIGHBOUR,),
}
"""What names resolve to, one answer after the other; all else is 127.0.0.1."""


@dataclass(frozen=True, slots=True)
class GateRules:
    """What a broker is to allow during an attack."""

    listed: tuple[str, ...]
    """Entries of `allowed_hosts`."""
    private: tuple[str, ...] = ()
    """Networks that may be connected to although they aren't public."""
    head_seconds: float = 1.0
    sent: int = 1 << 20
    """Bytes that may leave."""


class Gatekeeper(Protocol):
    """Makes a broker for one attack."""

    def serve(
        self, door: socket.socket, rules: GateRules, names: "Names"
    ) -> AbstractAsyncContextManager[None]:
        """Serve a sandbox's door by these rules until the block is left."""
        ...


@dataclass(slots=True)
class Names:
    """A name server of an attacker's: its answers change from one question to the next."""

    _asked: dict[str, int] = field(default_factory=dict[str, int])

    def answer(self, host: str) -> Sequence[str]:
        """Addresses of a name."""
        answers = _ANSWERS.get(host, ("127.0.0.1",))
        number = self._asked[host] = self._asked.get(host, -1) + 1
        return (answers[min(number, len(answers) - 1)],)


class CarelessProxy:
    """Carries whatever is asked for to wherever it is asked for, as long as it is wanted."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._tasks = set[asyncio.Task[None]]()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[int]:
        """Listen on loopback; the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with suppress(OSError, ValueError, asyncio.IncompleteReadError):
                await self._carry(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = _HEAD.match(head)
        if not found:
            raise ValueError("no request")
        host, _, port = found[2].decode().rpartition(":")
        self._names.answer(host)  # looked at once, and then resolved again: what rebinding needs
        address = host.strip("[]") if _is_address(host) else self._names.answer(host)[0]
        there, back = await asyncio.open_connection(address, int(port))
        try:
            if found[1] == b"CONNECT":
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                back.write(head)
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            back.close()


def _is_address(host: str) -> bool:
    return bool(re.fullmatch(r"[\d.]+|0x[\da-f.]+|\[.*\]|localhost", host))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        writer.write_eof()
