"""The host's end of a toolbox: one call at a time over a socket, every answer checked and capped.

What arrives was sent by a process that handles hostile documents: a frame that isn't exactly what
was asked for ends the sandbox. Knows nothing of how the sandbox was started.
"""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from docmill.errors import SandboxError, ToolError
from docmill.sandboxes.toolbox import wire

GRACE = 2.0
"""Seconds after an operation's time-out before the whole sandbox is given up."""
_MAX_MESSAGE = 2000
_PIECE = 1 << 20


class Reply(NamedTuple):
    """An answer: JSON and raw bytes."""

    result: Any
    data: bytes


class Channel:
    """Calls into one sandbox.

    `end` kills the sandbox; `cause` tells, once it is dead, the error that explains it.
    """

    def __init__(self, end: Callable[[], None], cause: Callable[[], SandboxError]) -> None:
        self._end = end
        self._cause = cause
        self._lock = asyncio.Lock()
        self._number = 0
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self, end: socket.socket, timeout: float) -> Mapping[str, Any]:
        """Take over the socket and wait for the toolbox's first frame: the limits it found.

        Raises:
            SandboxError: it didn't come.
        """
        self._reader, self._writer = await asyncio.open_unix_connection(sock=end)
        reply = await self._guarded(self._receive(), timeout)
        if reply.data != wire.HELLO:
            raise self._broken()
        return _object(reply.result)

    async def call(
        self, op: str, args: Mapping[str, Any], *, timeout: float, data: bytes = b""
    ) -> Reply:
        """Run one operation.

        Raises:
            ToolError: the operation failed and said why.
            SandboxError: the sandbox is gone or was given up.
        """
        async with self._lock:
            self._number += 1
            message = {"id": self._number, "op": op, "args": dict(args), "timeout": timeout}
            try:
                frame = wire.pack(message, data)
            except (ValueError, TypeError) as error:
                raise ToolError(f"{op}: {error}") from error
            reply = await self._guarded(self._exchange(frame), timeout + GRACE)
            return self._check(reply)

    async def put(self, path: str, data: bytes, *, timeout: float) -> None:
        """Write a file in pieces."""
        for start in range(0, max(1, len(data)), _PIECE):
            piece = data[start : start + _PIECE]
            await self.call("put", {"path": path, "offset": start}, timeout=timeout, data=piece)

    async def get(self, path: str, *, max_bytes: int, timeout: float) -> bytes:
        """Read a regular file in pieces; one that is or grows longer raises ToolError."""
        pieces: list[bytes] = []
        total = 0
        while True:
            args = {"path": path, "offset": total, "length": _PIECE}
            reply = await self.call("get", args, timeout=timeout)
            total += len(reply.data)
            if total > max_bytes:
                raise ToolError(f"{path}: longer than {max_bytes} bytes")
            pieces.append(reply.data)
            if len(reply.data) < _PIECE:
                return b"".join(pieces)

    def close(self) -> None:
        """Close the socket; the toolbox ends when it sees that."""
        if hasattr(self, "_writer"):
            self._writer.transport.abort()

    async def _guarded(self, work: Awaitable[Reply], timeout: float) -> Reply:
        """Wait for a reply; what prevents it ends the sandbox: the stream is out of step."""
        try:
            return await asyncio.wait_for(work, timeout)
        except asyncio.CancelledError:
            self._end()
            raise
        except TimeoutError as error:
            self._end()
            raise SandboxError(
                f"The sandbox didn't answer within {timeout:.0f} s and was ended.",
                code="sandbox_timeout",
                retryable=False,
            ) from error
        except (OSError, EOFError, ValueError, RecursionError) as error:
            self._end()
            raise self._cause() from error

    async def _exchange(self, frame: bytes) -> Reply:
        self._writer.write(frame)
        await self._writer.drain()
        return await self._receive()

    async def _receive(self) -> Reply:
        body, data = wire.lengths(await self._reader.readexactly(wire.HEADER))
        text = await self._reader.readexactly(body)
        return Reply(json.loads(text, parse_constant=_refuse), await self._reader.readexactly(data))

    def _broken(self) -> SandboxError:
        self._end()
        return SandboxError("The sandbox's toolbox sent something that isn't an answer.")

    def _check(self, reply: Reply) -> Reply:
        """The reply's result, or the error it carries."""
        message = _object(reply.result)
        if message.get("id") != self._number:
            raise self._broken()
        if "result" in message:
            return Reply(message["result"], reply.data)
        error = _object(message.get("error"))
        text = str(error.get("message"))[:_MAX_MESSAGE]
        if error.get("code") == "disk":
            raise SandboxError(text, code="sandbox_disk", retryable=False)
        if error.get("code") != "tool":
            raise self._broken()
        raise ToolError(text)


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} isn't JSON")
