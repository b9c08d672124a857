"""What a run and Prefect's process say to each other, and how it goes over a socket.

Both ends are docmill's own, joined by a pair of sockets nobody else can open; so messages are
pickles, each with its length before it. `hosting` answers for the job, `remote` asks for Prefect.
"""

import asyncio
import pickle
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

from docmill.flow.address import ServerAddress
from docmill.flow.job import RunOutcome
from docmill.spec.pipeline import FailureThreshold, Retries

_LENGTH = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class Begin:
    """The first message but for `Meet`: which job to run, and on which server."""

    address: ServerAddress
    name: str
    run_id: str
    concurrency: int
    retries: Retries
    failure_threshold: FailureThreshold
    sharded: bool = False
    """The job is a `ShardedJob`."""


@dataclass(frozen=True, slots=True)
class Meet:
    """There will be a job on that server; sent before `Begin` by who knows so ahead."""

    address: ServerAddress
    name: str
    """Of the flow."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Call a method of the job."""

    number: int
    method: str
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Forget:
    """Cancel a call; its answer says how it ended all the same."""

    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to."""

    number: int
    result: Any = None
    error: BaseException | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run early."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The last message: the run's outcome, or why there is none."""

    outcome: RunOutcome | None = None
    error: BaseException | None = None


Message = Meet | Begin | Ask | Forget | Answer | Stop | Ended


def packed(message: Message) -> bytes:
    """The message as it goes over the socket."""
    body = pickle.dumps(message)
    return _LENGTH.pack(len(body)) + body


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None if the other process is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return pickle.loads(await reader.readexactly(length))  # noqa: S301 - from ourselves
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def receive_now(channel: socket.socket) -> Message | None:
    """The next message, waiting for it without an event loop; None if the other process is gone."""
    header = _exactly(channel, _LENGTH.size)
    body = _exactly(channel, _LENGTH.unpack(header)[0]) if header else b""
    return pickle.loads(body) if body else None  # noqa: S301 - from ourselves


def _exactly(channel: socket.socket, size: int) -> bytes:
    """So many bytes, or none if the connection ended before."""
    parts = bytearray()
    while len(parts) < size:
        try:
            part = channel.recv(size - len(parts))
        except ConnectionError:
            part = b""
        if not part:
            return b""
        parts += part
    return bytes(parts)
