"""Byte streams of the broker: counted, capped, ended when nothing moves; also as a server of TLS.

Knows no HTTP and no rules.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from docmill.egress.policy import Caps, RefusedError

PIECE = 64 * 1024
_SCRAP = 512
_SCRAPS = 1_000
"""Reads of less than that many bytes that cost nothing extra; each takes this process some time."""
_PACE = 0.005
_FORGOTTEN = 1024 * 1024


class Stream(Protocol):
    """Bytes both ways."""

    async def read(self) -> bytes:
        """Some bytes; none at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send all of these."""
        ...


class Meter:
    """What a session has sent and received so far, all connections together."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self.sent = 0
        self.received = 0

    def take(self, *, sent: int = 0, received: int = 0) -> None:
        """Count bytes.

        Raises:
            RefusedError: `bytes_limit`: the session has had its share.
        """
        self.sent += sent
        self.received += received
        for name, used, cap in (
            ("sent", self.sent, self._caps.sent),
            ("received", self.received, self._caps.received),
        ):
            if used > cap:
                raise RefusedError(
                    "bytes_limit", f"This session has {name} more than {cap} bytes.", status=429
                )


class Clock:
    """The time one connection has: it ends early where nothing moves."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._timeout: asyncio.Timeout | None = None
        self._until = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Within this the connection has to move.

        Raises:
            TimeoutError: it didn't, or took too long.
        """
        now = asyncio.get_running_loop().time()
        self._until = now + self._caps.seconds
        async with asyncio.timeout(self._caps.idle_seconds) as timeout:
            self._timeout = timeout
            try:
                yield
            finally:
                self._timeout = None

    def touch(self) -> None:
        """Something has moved."""
        if self._timeout is not None and not self._timeout.expired():
            soon = asyncio.get_running_loop().time() + self._caps.idle_seconds
            self._timeout.reschedule(min(soon, self._until))


class SocketStream:
    """A connection that `asyncio` reads and writes, to the sandbox or to a host."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._scraps = 0

    async def read(self) -> bytes:
        """Some bytes; none at the end. Who sends scraps without end is read slowly."""
        data = await self._reader.read(PIECE)
        self._clock.touch()
        self._scraps += len(data) < _SCRAP
        if self._scraps > _SCRAPS:
            await asyncio.sleep(_PACE)
        return data

    async def write(self, data: bytes) -> None:
        """Send all of these."""
        self._writer.write(data)
        await self._writer.drain()
        self._clock.touch()

    async def finish(self) -> None:
        """Say that nothing more comes, where the connection can say so."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def close(self) -> None:
        """End the connection at once if it has not been ended."""
        self._writer.transport.abort()

    async def leave(self) -> None:
        """End it when all is sent. What the other side still sends is read and forgotten: closed
        on unread bytes, a socket takes back what was sent last."""
        await self.finish()
        left = _FORGOTTEN
        while left > 0 and (data := await self._reader.read(PIECE)):
            left -= len(data)
        self._writer.close()
        await self._writer.wait_closed()


class Counted:
    """The host's side of a connection: what goes there is sent, what comes is received."""

    def __init__(self, stream: SocketStream, meter: Meter, total: Meter) -> None:
        self._stream = stream
        self._meters = (meter, total)

    async def read(self) -> bytes:
        """Some bytes; none at the end."""
        data = await self._stream.read()
        for meter in self._meters:
            meter.take(received=len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Send all of these."""
        for meter in self._meters:
            meter.take(sent=len(data))
        await self._stream.write(data)

    async def finish(self) -> None:
        """Say that nothing more comes."""
        await self._stream.finish()


class TlsStream:
    """The server's end of TLS over another stream, some bytes of which were read before."""

    def __init__(self, stream: Stream, context: ssl.SSLContext, first: bytes) -> None:
        self._stream = stream
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._in.write(first)
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    async def handshake(self) -> None:
        """Agree on keys.

        Raises:
            ssl.SSLError: the client doesn't trust this end, or speaks something else.
            EOFError: it went away.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    raise EOFError("the client left") from None
            except ssl.SSLError:
                await self._flush()  # the alert that tells it why
                raise
            else:
                return await self._flush()

    async def read(self) -> bytes:
        """Some bytes; none at the end."""
        while True:
            try:
                return self._tls.read(PIECE)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""

    async def write(self, data: bytes) -> None:
        """Send all of these."""
        if data:
            self._tls.write(data)
            await self._flush()

    async def finish(self) -> None:
        """Say in TLS's own way that nothing more comes."""
        with suppress(ssl.SSLError):  # whether the client says the same doesn't matter
            self._tls.unwrap()
        await self._flush()

    async def _fill(self) -> bool:
        data = await self._stream.read()
        self._in.write(data) if data else self._in.write_eof()
        return bool(data)

    async def _flush(self) -> None:
        data = self._out.read()
        if data:
            await self._stream.write(data)
