"""An MCP server as a program inside the sandbox: its lines travel through the sandbox's channel.

The other door to the `mcp` package beside `client`. The program is no more trusted than a command
of the agent; it ends with the sandbox at the latest.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from docmill.errors import SandboxError, ToolError
from docmill.sandboxes.base import Sandbox
from docmill.spec.agent import McpProgram
from docmill.tools.mcp.base import CONNECT_SECONDS, Peer, ServerError, mapping
from docmill.tools.mcp.client import connected
from docmill.tools.mcp.offered import plain

LISTEN_SECONDS = 20.0
"""How long one call to the sandbox waits for a line; then it is made again."""
SLACK = 10.0
MOST_WORDS = 500

Inbox = MemoryObjectSendStream[SessionMessage | Exception]
Outbox = MemoryObjectReceiveStream[SessionMessage]


@asynccontextmanager
async def in_sandbox(program: McpProgram, sandbox: Sandbox) -> AsyncGenerator[Peer]:
    """The server, started; leaving the block ends it.

    Raises:
        ServerError: it doesn't start, ends, or doesn't speak MCP.
        SandboxError: the sandbox is gone.
    """
    pipe = _Pipe(program, sandbox)
    try:
        async with connected(_transport(pipe)) as peer:
            yield peer
    except ServerError as error:
        if pipe.lost is not None:
            raise pipe.lost from error
        raise ServerError(pipe.ended or str(error), gone=True) from error


class _Pipe:
    """Lines to and from the program."""

    def __init__(self, program: McpProgram, sandbox: Sandbox) -> None:
        self._program = program
        self._sandbox = sandbox
        self.ended = ""
        """Why nothing more comes."""
        self.lost: SandboxError | None = None

    async def start(self) -> None:
        """Run the program."""
        command, variables = list(self._program.command), self._program.env
        await self._call("pipe_start", {"command": command, "env": variables})

    async def stop(self) -> None:
        """End it; harmless if it has ended."""
        with suppress(ToolError, SandboxError):
            await self._call("pipe_stop", {})

    async def send(self, line: str) -> None:
        """Write a line to it."""
        await self._call("pipe_send", {"line": line})

    async def receive(self) -> list[str]:
        """Its next lines; none for now if the list is empty, none any more if `ended` says so."""
        answer = await self._call("pipe_receive", {"seconds": LISTEN_SECONDS})
        found = mapping(answer)
        lines: Any = found.get("lines")
        self.ended = plain(found.get("ended") or "", MOST_WORDS)
        return [str(line) for line in cast("list[Any]", lines)] if isinstance(lines, list) else []

    async def _call(self, op: str, args: dict[str, Any]) -> Any:
        seconds = LISTEN_SECONDS + SLACK if op == "pipe_receive" else CONNECT_SECONDS
        named = {"name": self._program.name, **args}
        try:
            return await self._sandbox.call(op, named, timeout=seconds)
        except SandboxError as error:
            self.lost = error
            raise


@asynccontextmanager
async def _transport(pipe: _Pipe) -> AsyncGenerator[tuple[Any, Any]]:
    """The streams the package's client wants, fed by two tasks."""
    inbox, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, outbox = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        await pipe.start()
    except (ToolError, SandboxError) as error:
        raise ServerError(error.message, gone=True) from error
    # Never cancelled: a call to a sandbox that is cancelled ends the sandbox.
    tasks = [asyncio.create_task(_hear(pipe, inbox)), asyncio.create_task(_speak(pipe, outbox))]
    async with inbox, read, write, outbox:
        try:
            yield read, write
        finally:
            read.close()
            write.close()
            await pipe.stop()
            await asyncio.gather(*tasks)


async def _hear(pipe: _Pipe, inbox: Inbox) -> None:
    """What the program writes, until it ends."""
    with suppress(ToolError, SandboxError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with inbox:
            while not pipe.ended:
                for line in await pipe.receive():
                    await inbox.send(_parsed(line))


async def _speak(pipe: _Pipe, outbox: Outbox) -> None:
    """What the client says, until it has nothing more to say."""
    with suppress(ToolError, SandboxError, anyio.ClosedResourceError):
        async with outbox:
            async for message in outbox:
                await pipe.send(message.message.model_dump_json(by_alias=True, exclude_unset=True))


def _parsed(line: str) -> SessionMessage | Exception:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error
