"""Frames between host and toolbox: two lengths, JSON, then raw bytes; capped on both sides."""

from __future__ import annotations

import posix

from . import codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HEADER = 8
"""Bytes: length of the JSON and length of the data, four each, big-endian."""
MAX_JSON = 16 * 1024 * 1024
MAX_DATA = 4 * 1024 * 1024
HELLO = b"docmill-toolbox-2"
"""Data of the first frame; the version changes with the protocol."""


LANES = {"bash": "shell", "prepare": "reader", "render": "reader", "ink": "reader"}
"""Operations that share something lasting. Those of one lane are called one after another, which
the caller sees to; all others may be under way at the same time."""


class ClosedError(Exception):
    """The other side has gone."""


def pack(message: object, data: bytes = b"") -> bytes:
    """One frame.

    Raises:
        ValueError: over the caps.
    """
    return _frame(codec.dumps(message), data)


def pack_numbers(numbers: dict[str, int], data: bytes) -> bytes:
    """A frame with an object of whole numbers; needs no codec, so it can be the first."""
    pairs = ",".join([f'"{name}":{number}' for name, number in numbers.items()])
    return _frame(f"{{{pairs}}}".encode(), data)


def _frame(body: bytes, data: bytes) -> bytes:
    if len(body) > MAX_JSON or len(data) > MAX_DATA:
        raise ValueError(f"a frame of {len(body)} + {len(data)} bytes is over the limit")
    return len(body).to_bytes(4, "big") + len(data).to_bytes(4, "big") + body + data


def lengths(header: bytes) -> tuple[int, int]:
    """The two lengths of a frame's header.

    Raises:
        ValueError: over the caps.
    """
    body, data = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    if body > MAX_JSON or data > MAX_DATA:
        raise ValueError(f"a frame of {body} + {data} bytes is over the limit")
    return body, data


def read_exactly(fd: int, count: int) -> bytes:
    """Exactly `count` bytes.

    Raises:
        ClosedError: the stream ended before.
    """
    chunks: list[bytes] = []
    while count:
        chunk = posix.read(fd, min(count, 1 << 20))
        if not chunk:
            raise ClosedError
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def receive(fd: int) -> tuple[Any, bytes]:
    """The next message and its data.

    Raises:
        ClosedError: the stream ended.
        ValueError: not a frame.
    """
    body, data = lengths(read_exactly(fd, HEADER))
    return codec.loads(read_exactly(fd, body)), read_exactly(fd, data)


def send(fd: int, message: object, data: bytes = b"") -> None:
    """Write one frame.

    Raises:
        ClosedError: the other side has gone.
    """
    write(fd, pack(message, data))


def write(fd: int, frame: bytes) -> None:
    """Write a packed frame.

    Raises:
        ClosedError: the other side has gone.
    """
    view = memoryview(frame)
    while view:
        try:
            view = view[posix.write(fd, view) :]
        except BrokenPipeError:
            raise ClosedError from None


class Inbox:
    """One frame from a process that may stall within it: taken piece by piece, never waited for."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._wanted = HEADER
        self._held = bytearray()
        posix.set_blocking(fd, False)

    def take(self) -> tuple[Any, bytes] | None:
        """The message and its data once all is there.

        Raises:
            ClosedError: the stream ended before.
            ValueError: not a frame.
        """
        try:
            piece = posix.read(self._fd, min(self._wanted - len(self._held), 1 << 20))
        except BlockingIOError:
            return None
        if not piece:
            raise ClosedError
        self._held += piece
        if len(self._held) < self._wanted:
            return None
        body, data = lengths(bytes(self._held[:HEADER]))
        self._wanted = HEADER + body + data
        if len(self._held) < self._wanted:
            return None
        frame, self._held, self._wanted = bytes(self._held[HEADER:]), bytearray(), HEADER
        return codec.loads(frame[:body]), frame[body:]
