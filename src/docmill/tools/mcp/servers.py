"""MCP servers as sources of tools: one connection for a run, or a program in each sandbox.

A connection is made when a tool is first called, and again after it was lost. What servers offer
was asked before the run (`meeting`), and stays what it was then.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from typing import Any, Self

from docmill.errors import SandboxError
from docmill.sandboxes.base import Sandbox
from docmill.spec.agent import McpProgram
from docmill.tools.base import Offer, Origin, ToolResult
from docmill.tools.mcp.base import Peer, Raw, ServerError
from docmill.tools.mcp.offered import Chosen, Listing
from docmill.tools.mcp.results import shown

PING_SECONDS = 10.0
FAREWELL_SECONDS = 10.0

Connect = Callable[[], AbstractAsyncContextManager[Peer]]
Call = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """How the answers of servers are made into results."""

    keep: Callable[[bytes], str]
    """Stores a picture and returns its name among the blobs."""
    pictures: bool
    """Whether the model can look at pictures."""


class Connection:
    """A server that is connected when it is needed; a task of its own holds the connection.

    Everything happens in the event loop of the first call; `close` there.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._held: _Held | None = None
        self._all: list[_Held] = []
        """Also those let go, until their last call has ended."""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Raw:
        """A server's answer.

        Raises:
            ServerError: there is none; the next call connects anew if that may help.
        """
        try:
            return await self._call(name, arguments)
        except ServerError as error:
            if not error.unheard:
                raise
        return await self._call(name, arguments)

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> Raw:
        if self._held is None or self._held.is_over:
            self._held = _Held(self._connect)
            self._all = [held for held in self._all if not held.is_done] + [self._held]
        with self._held.used() as held:
            try:
                return await (await held.peer()).call(name, arguments)
            except ServerError as error:
                if error.gone:
                    held.let_go()
                raise

    async def close(self) -> None:
        """End the connection; harmless if there is none."""
        self._held = None
        for held in self._all:
            await held.end()
        self._all = []


class _Held:
    """One connection, from its beginning to its end."""

    def __init__(self, connect: Connect) -> None:
        self._ready: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._users = 0
        self.is_over = False
        """Whether a new one is needed."""
        self._task = asyncio.create_task(self._hold(connect))

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of it."""
        return self._task.done()

    @contextmanager
    def used(self) -> Generator[Self]:
        """A call is made: the connection stays as long, also if another one has let it go."""
        self._users += 1
        try:
            yield self
        finally:
            self._users -= 1
            self._end_unused()

    async def peer(self) -> Peer:
        """The server, once it is connected."""
        await asyncio.wait([self._ready])
        return self._ready.result()

    def let_go(self) -> None:
        """Use it for no further call."""
        self.is_over = True

    async def end(self) -> None:
        """End it, whoever uses it."""
        self._over.set()
        await asyncio.wait([self._task], timeout=FAREWELL_SECONDS)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        self._ready.exception()  # nobody may have asked for it

    def _end_unused(self) -> None:
        if self.is_over and not self._users:
            self._over.set()

    async def _hold(self, connect: Connect) -> None:
        try:
            async with connect() as peer:
                self._ready.set_result(peer)
                await self._over.wait()
        except (ServerError, SandboxError) as error:
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            if not self._ready.done():
                self._ready.set_exception(ServerError("the connection was given up", gone=True))
            self.is_over = True


class McpTool:
    """One tool of a server."""

    def __init__(self, tool: Chosen, call: Call, terms: Terms, *, origin: Origin, inside: bool):
        self._tool = tool
        self._call = call
        self._terms = terms
        self._inside = inside
        self._origin = origin

    @property
    def definition(self) -> dict[str, Any]:
        """As the server describes it; its schema isn't written for `strict`."""
        offered = self._tool.offered
        return {
            "name": self._tool.name,
            "description": offered.description,
            "input_schema": offered.input_schema,
            "strict": False,
        }

    @property
    def repeatable(self) -> bool:
        """Whether the server says so; a call that may change something is never made twice."""
        return self._tool.offered.read_only or self._tool.offered.idempotent

    @property
    def asks(self) -> bool:
        """Whether a person has to allow each call."""
        return self._tool.asks

    @property
    def origin(self) -> Origin | None:
        """Its server and its name there."""
        return self._origin

    @property
    def changes_files(self) -> bool:
        """Whether it may have changed the sandbox it runs in."""
        return self._inside and not self._tool.offered.read_only

    async def run(self, arguments: Mapping[str, Any], sandbox: Sandbox) -> ToolResult:
        """Call it; a server that fails is a result the model can see.

        Raises:
            SandboxError: the sandbox its server runs in is gone.
        """
        try:
            answer = await self._call(self._origin.name, arguments)
        except ServerError as error:
            if self._inside:
                await sandbox.call("ping", {}, timeout=PING_SECONDS)
            said = f"{self._origin.server}: {error}."
            return ToolResult(said.replace("..", "."), is_error=True)
        terms = self._terms
        return await asyncio.to_thread(shown, answer, keep=terms.keep, pictures=terms.pictures)


class SharedServer:
    """A server all sessions of a run share: its connection is closed by who made it."""

    def __init__(
        self, found: Listing, tools: Iterable[Chosen], connection: Connection, terms: Terms
    ) -> None:
        self._offer = _offer(found, tools, connection.call, terms, inside=False)

    @asynccontextmanager
    async def open(self, sandbox: Sandbox) -> AsyncGenerator[Offer]:
        """Its tools."""
        yield self._offer


class SandboxedServer:
    """A server that is a program in each session's sandbox."""

    def __init__(
        self, program: McpProgram, found: Listing, tools: Iterable[Chosen], terms: Terms
    ) -> None:
        self._program = program
        self._found = found
        self._tools = tuple(tools)
        self._terms = terms

    @asynccontextmanager
    async def open(self, sandbox: Sandbox) -> AsyncGenerator[Offer]:
        """Its tools; the program starts with the first call."""
        from docmill.tools.mcp.inside import in_sandbox  # noqa: PLC0415 - `mcp` takes seconds

        connection = Connection(lambda: in_sandbox(self._program, sandbox))
        async with AsyncExitStack() as stack:
            stack.push_async_callback(connection.close)
            yield _offer(self._found, self._tools, connection.call, self._terms, inside=True)


def _offer(
    found: Listing, tools: Iterable[Chosen], call: Call, terms: Terms, *, inside: bool
) -> Offer:
    made = [
        McpTool(tool, call, terms, origin=Origin(found.server, tool.offered.name), inside=inside)
        for tool in tools
    ]
    return Offer(found.server, made, digest=found.digest, notes=found.notes)
