"""The host's end of a toolbox: calls over a socket, every answer matched, checked and capped.

What arrives was sent by a process that handles hostile documents: a frame that doesn't answer a
call under way ends the sandbox. Knows nothing of how the sandbox was started.
"""

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from docmill.errors import SandboxError, ToolError
from docmill.sandboxes.toolbox import wire

GRACE = 2.0
"""Seconds after an operation's time-out before the whole sandbox is given up."""
MAX_CALLS = 8
"""Calls under way at once; more wait for their turn, which their time-outs don't count."""
_MAX_MESSAGE = 2000
_PIECE = 1 << 20


class Reply(NamedTuple):
    """An answer: JSON and raw bytes."""

    result: Any
    data: bytes


class Channel:
    """Calls into one sandbox, several at a time; those that share a lane (`wire.LANES`) in order.

    `end` kills the sandbox; `cause` tells, once it is dead, the error that explains it.
    """

    def __init__(self, end: Callable[[], None], cause: Callable[[], SandboxError]) -> None:
        self._end = end
        self._cause = cause
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._lanes = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._slots = asyncio.Semaphore(MAX_CALLS)
        self._sending = asyncio.Lock()
        self._failure: Callable[[], SandboxError] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(
        self,
        end: socket.socket,
        timeout: float,
        *,
        protocol: Callable[
            [asyncio.StreamReader], asyncio.StreamReaderProtocol
        ] = asyncio.StreamReaderProtocol,
    ) -> Mapping[str, Any]:
        """Take over the socket and wait for the toolbox's first frame: the limits it found.

        `protocol` feeds the reader where frames don't come as they are.

        Raises:
            SandboxError: it didn't come.
        """
        loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader()
        feeding = protocol(self._reader)
        transport, _ = await loop.create_connection(lambda: feeding, sock=end)
        self._writer = asyncio.StreamWriter(transport, feeding, self._reader, loop)
        try:
            reply = await asyncio.wait_for(self._receive(), timeout)
        except asyncio.CancelledError:
            self._end()
            raise
        except TimeoutError as error:
            raise self._fail(lambda: _silent(timeout)) from error
        except (OSError, EOFError, ValueError, RecursionError) as error:
            raise self._fail(self._cause) from error
        if reply.data != wire.HELLO:
            raise self._fail(_garbled)
        self._listener = asyncio.create_task(self._listen())
        return _object(reply.result)

    async def call(
        self, op: str, args: Mapping[str, Any], *, timeout: float, data: bytes = b""
    ) -> Reply:
        """Run one operation.

        Raises:
            ToolError: the operation failed and said why.
            SandboxError: the sandbox is gone or was given up.
        """
        async with self._turn(op):
            if self._failure:
                raise self._failure()
            self._number += 1
            number = self._number
            message = {"id": number, "op": op, "args": dict(args), "timeout": timeout}
            try:
                frame = wire.pack(message, data)
            except (ValueError, TypeError) as error:
                raise ToolError(f"{op}: {error}") from error
            return await self._exchange(number, frame, timeout + GRACE)

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
        self._fail(self._cause)
        if self._listener:
            self._listener.cancel()
        if hasattr(self, "_writer"):
            self._writer.transport.abort()

    @asynccontextmanager
    async def _turn(self, op: str) -> AsyncGenerator[None]:
        """Wait until this operation may begin; time-outs start then."""
        lane = wire.LANES.get(op)
        if lane is None:
            async with self._slots:
                yield
        else:
            async with self._lanes[lane], self._slots:
                yield

    async def _exchange(self, number: int, frame: bytes, timeout: float) -> Reply:
        """Send a call and wait for its answer; without one in time the sandbox is given up."""
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout):
                async with self._sending:
                    self._writer.write(frame)
                    await self._writer.drain()
                return await answer
        except TimeoutError as error:
            raise self._give_up(number, lambda: _silent(timeout)) from error
        except OSError as error:
            raise self._give_up(number, self._cause) from error
        except asyncio.CancelledError:  # what it runs would run on with nobody to read the answer
            self._give_up(number, _abandoned)
            raise

    def _give_up(self, number: int, failure: Callable[[], SandboxError]) -> SandboxError:
        self._waiting.pop(number, None)
        return self._fail(failure)

    async def _listen(self) -> None:
        """Hand each answer to the call it belongs to."""
        try:
            while True:
                self._deliver(await self._receive())
        except (OSError, EOFError):
            self._fail(self._cause)
        except (ValueError, RecursionError):
            self._fail(_garbled)

    def _deliver(self, reply: Reply) -> None:
        """Settle the call an answer names.

        Raises:
            ValueError: no such call is under way, or the answer is none.
        """
        message = _object(reply.result)
        number = message.get("id")
        if type(number) is not int or number not in self._waiting:
            raise ValueError("an answer to nothing")
        if "result" not in message:
            error = _refusal(_object(message.get("error")))
            self._waiting.pop(number).set_exception(error)
        else:
            self._waiting.pop(number).set_result(Reply(message["result"], reply.data))

    async def _receive(self) -> Reply:
        body, data = wire.lengths(await self._reader.readexactly(wire.HEADER))
        text = await self._reader.readexactly(body)
        return Reply(json.loads(text, parse_constant=_refuse), await self._reader.readexactly(data))

    def _fail(self, failure: Callable[[], SandboxError]) -> SandboxError:
        """End the sandbox; each call under way and each later one fails with the first cause."""
        if self._failure is None:
            self._failure = failure
            self._end()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._failure())
        self._waiting.clear()
        return self._failure()


def _refusal(error: Mapping[str, Any]) -> ToolError | SandboxError:
    """The error an answer carries.

    Raises:
        ValueError: it isn't one a toolbox sends.
    """
    text = str(error.get("message"))[:_MAX_MESSAGE]
    if error.get("code") == "disk":
        return SandboxError(text, code="sandbox_disk", retryable=False)
    if error.get("code") != "tool":
        raise ValueError("neither a result nor an error")
    return ToolError(text)


def _silent(timeout: float) -> SandboxError:
    return SandboxError(
        f"The sandbox didn't answer within {timeout:.0f} s and was ended.",
        code="sandbox_timeout",
        retryable=False,
    )


def _garbled() -> SandboxError:
    return SandboxError("The sandbox's toolbox sent something that isn't an answer.")


def _abandoned() -> SandboxError:
    return SandboxError("The sandbox was ended with a call that was cancelled.")


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} isn't JSON")
