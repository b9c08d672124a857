"""A session's sandbox in a container: talks to the toolbox, keeps the time, says why it died.

`container` starts and removes, `channel` carries the calls. Never used twice.
"""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

from docmill.errors import SandboxError
from docmill.sandboxes.base import Enforced
from docmill.sandboxes.channel import Channel
from docmill.sandboxes.docker import limits
from docmill.sandboxes.docker.container import START_SECONDS, Container
from docmill.sandboxes.docker.streams import OutputProtocol, Streams
from docmill.sandboxes.doors import receive_door

TRANSFER_SECONDS = 60.0


class DockerSandbox:
    """A running sandbox; made by `DockerBackend.open`."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._limits = container.form.limits
        self._channel = Channel(self._end, self._cause)
        self._streams = Streams()
        self._door: socket.socket | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._timed_out = False
        self._dead = False
        self.enforced: tuple[Enforced, ...] = ()
        """The limits in force, as read back."""

    async def start(self) -> None:
        """Take the container over: its hello, its limits, its door.

        Raises:
            SandboxError: it has died meanwhile.
            PrerequisiteError: a limit isn't in force.
        """
        assert self._container.socket is not None
        if self._container.form.door:
            with await asyncio.to_thread(self._container.take_door) as connection:
                self._door = await receive_door(connection, START_SECONDS)
        told = await self._channel.open(
            self._container.socket,
            START_SECONDS,
            protocol=lambda reader: OutputProtocol(reader, self._streams),
        )
        limits.require(told, self._limits)
        self.enforced = limits.read_back(told, self._limits)
        loop = asyncio.get_running_loop()
        self._watchdog = loop.call_later(self._limits.seconds, self._expire)

    async def call(self, op: str, args: Mapping[str, Any], *, timeout: float) -> Any:
        """Run one toolbox operation; see `base.Sandbox.call`."""
        self._check()
        return (await self._channel.call(op, args, timeout=timeout)).result

    async def put(self, path: str, data: bytes) -> None:
        """Write a file inside."""
        self._check()
        await self._channel.put(path, data, timeout=TRANSFER_SECONDS)

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """Read a regular file from inside."""
        self._check()
        return await self._channel.get(path, max_bytes=max_bytes, timeout=TRANSFER_SECONDS)

    def door(self) -> socket.socket:
        """The way out; see `base.Sandbox.door`."""
        if self._door is None:
            raise ValueError("this sandbox was opened without a door")
        return self._door

    def _check(self) -> None:
        if self._dead:
            raise self._cause()

    def _expire(self) -> None:
        self._timed_out = True
        self._channel.close()

    def _end(self) -> None:
        """Nothing is sent any more: process 1 leaves with its stream, all others with it."""
        self._dead = True

    def _cause(self) -> SandboxError:
        """Why the sandbox is dead."""
        if self._timed_out:
            return SandboxError(
                f"The sandbox was ended after {self._limits.seconds:g} s, its limit.",
                code="sandbox_timeout",
                retryable=False,
            )
        if self._container.state().out_of_memory:
            return SandboxError(
                f"The sandbox used more than its {self._limits.memory} bytes of memory.",
                code="sandbox_memory",
                retryable=False,
            )
        return SandboxError("The sandbox ended unexpectedly.")

    async def stop(self) -> None:
        """End everything and remove every trace; goes on even if this task is cancelled."""
        if self._watchdog:
            self._watchdog.cancel()
        self._dead = True
        self._channel.close()
        if self._door is not None:
            self._door.close()
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(None, self._container.remove))
