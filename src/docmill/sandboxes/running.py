"""What a running sandbox does whatever made it: calls, its time limit, why it died, its end.

`channel` carries the calls; the backends start it, kill it and clear up behind it.
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from docmill.errors import SandboxError
from docmill.sandboxes.base import SandboxLimits
from docmill.sandboxes.channel import Channel

TRANSFER_SECONDS = 60.0
_MIB = 1024 * 1024
PROBE_LIMITS = SandboxLimits(
    memory=256 * _MIB, cpus=1.0, pids=64, disk=64 * _MIB, seconds=30, output=_MIB
)
"""Of a trial start."""


class RunningSandbox(ABC):
    """Implements `base.Sandbox` over a channel."""

    def __init__(self, limits: SandboxLimits) -> None:
        self._limits = limits
        self._channel = Channel(self._end, self._cause)
        self._door: socket.socket | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._timed_out = False
        self._dead = False

    @abstractmethod
    def _out_of_memory(self) -> bool:
        """Whether the kernel has ended a process of it for want of memory."""

    @abstractmethod
    def _bury(self) -> None:
        """Remove every trace; called in a thread, once all is ended."""

    def _end(self) -> None:
        """End everything inside now; safe to call at any time."""
        self._dead = True

    def _begin_time(self) -> None:
        """From now on its time runs."""
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

    async def stop(self) -> None:
        """End everything and remove every trace; goes on even if this task is cancelled."""
        if self._watchdog:
            self._watchdog.cancel()
        self._end()
        self._channel.close()
        if self._door is not None:
            self._door.close()
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(None, self._bury))

    def _check(self) -> None:
        if self._dead:
            raise self._cause()

    def _expire(self) -> None:
        self._timed_out = True
        self._channel.close()

    def _cause(self) -> SandboxError:
        """Why the sandbox is dead."""
        if self._timed_out:
            return SandboxError(
                f"The sandbox was ended after {self._limits.seconds:g} s, its limit.",
                code="sandbox_timeout",
                retryable=False,
            )
        if self._out_of_memory():
            return SandboxError(
                f"The sandbox used more than its {self._limits.memory} bytes of memory.",
                code="sandbox_memory",
                retryable=False,
            )
        return SandboxError("The sandbox ended unexpectedly.")
