"""The broker of a run: accepts what comes through the doors of its sandboxes, each by itself.

A session is known by its door, which nobody else can reach. `session` opens one around a sandbox;
`exchange` does the work. Nothing here trusts a byte that arrives.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import cached_property

from docmill.egress.addresses import AddressRule, Resolver, SystemResolver
from docmill.egress.authority import RunAuthority
from docmill.egress.connecting import Connector, Owned
from docmill.egress.exchange import Exchange, Rules
from docmill.egress.log import Record, SessionLog
from docmill.egress.policy import Policy
from docmill.egress.streams import Clock, SocketStream

_AT_ONCE = 256
"""Connections of all sessions together: each takes two descriptors of this process."""
_FAREWELL = 2.0
"""Seconds a client has to take the end of its answer."""
_PAUSE = 0.1
"""Seconds until accepting is tried again when this process has no descriptor left."""


class Broker:
    """The way out for all sessions of a run.

    Args:
        policy: hosts, credentials and caps.
        resolver: who knows the addresses of names.
        addresses: which addresses may be connected to.
        trust: what certificates of hosts are judged by; the machine's own authorities by default.
        owned: hosts at any address, and proxies, that the machine's owner has configured.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        resolver: Resolver | None = None,
        addresses: AddressRule | None = None,
        trust: ssl.SSLContext | None = None,
        owned: Owned | None = None,
    ) -> None:
        hosts = [rule for credential in policy.credentials for rule in credential.hosts]
        self._policy = policy
        self._trust = trust or ssl.create_default_context()
        connector = Connector(
            resolver or SystemResolver(),
            addresses or AddressRule(),
            self._trust,
            policy.caps,
            owned or Owned(),
        )
        self._rules = Rules(policy, connector, RunAuthority(hosts) if hosts else None)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @cached_property
    def certificates(self) -> bytes:
        """The authorities in PEM that programs inside are to trust: the machine's and the run's."""
        public = self._trust.get_ca_certs(binary_form=True)
        own = self._rules.authority.certificate if self._rules.authority else b""
        return "".join(map(ssl.DER_cert_to_PEM_cert, public)).encode() + own

    @asynccontextmanager
    async def serve(self, door: socket.socket, record: Record) -> AsyncGenerator[None]:
        """Serve one session's door; `record` is told of every request. Ends all at the end."""
        session = _Session(self._rules, self._slots, door, record)
        accepting = asyncio.create_task(session.accept())
        try:
            yield
        finally:
            accepting.cancel()
            with suppress(asyncio.CancelledError):
                await accepting
            await session.close()


class _Session:
    """The connections through one door."""

    def __init__(
        self, rules: Rules, slots: asyncio.Semaphore, door: socket.socket, record: Record
    ) -> None:
        self._rules = rules
        self._caps = rules.policy.caps
        self._all = slots
        self._own = asyncio.Semaphore(self._caps.at_once)
        self._door = door
        self._log = SessionLog(record, self._caps)
        self._tasks = set[asyncio.Task[None]]()

    async def accept(self) -> None:
        """Take connections one after another, as many at once as are allowed."""
        for _ in range(self._caps.connections):
            await self._own.acquire()
            try:
                connection = await self._next()
            except BaseException:
                self._own.release()
                raise
            task = asyncio.create_task(self._serve(connection))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    async def _next(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._door)
            except OSError:
                await asyncio.sleep(_PAUSE)
            else:
                return connection

    async def _serve(self, connection: socket.socket) -> None:
        clock = Clock(self._caps)
        with connection, suppress(OSError, TimeoutError):
            async with self._all:
                stream = SocketStream(*await asyncio.open_connection(sock=connection), clock)
                try:
                    if await Exchange(self._rules, self._log, stream, clock).run():
                        async with asyncio.timeout(_FAREWELL):
                            await stream.leave()
                finally:
                    stream.close()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._own.release()

    async def close(self) -> None:
        """End every connection."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._log.summarize()
