"""Takes apart what an attached container sends: frames of its output and of its error stream.

The engine makes the frames, so nothing inside can forge one. `engine` attaches, `channel` reads.
"""

import asyncio

_HEADER = 8
"""Bytes: which stream, three zeros, length as four bytes, big-endian."""
_OUT, _ERRORS = (0, 1), 2
_KEPT_ERRORS = 4096


class Streams:
    """What has arrived so far."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._kind = 0
        self._left = 0
        self.errors = bytearray()
        """The beginning of the error stream."""

    def feed(self, data: bytes) -> bytes:
        """The output in what has come; pieces may be of any size.

        Raises:
            ValueError: these aren't frames.
        """
        self._held += data
        found = bytearray()
        while self._held:
            if not self._left:
                if len(self._held) < _HEADER:
                    break
                self._begin(bytes(self._held[:_HEADER]))
                del self._held[:_HEADER]
                continue
            piece = self._held[: self._left]
            del self._held[: self._left]
            self._left -= len(piece)
            if self._kind == _ERRORS:
                self.errors += piece[: _KEPT_ERRORS - len(self.errors)]
            else:
                found += piece
        return bytes(found)

    def _begin(self, header: bytes) -> None:
        self._kind = header[0]
        if self._kind not in (*_OUT, _ERRORS) or header[1:4] != b"\0\0\0":
            raise ValueError("the container's stream isn't multiplexed")
        self._left = int.from_bytes(header[4:], "big")


class OutputProtocol(asyncio.StreamReaderProtocol):
    """Feeds a reader with the output alone."""

    def __init__(self, reader: asyncio.StreamReader, streams: Streams) -> None:
        super().__init__(reader)
        self._reader = reader
        self._streams = streams

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        try:
            found = self._streams.feed(data)
        except ValueError as error:
            self._reader.set_exception(error)
            return
        if found:
            super().data_received(found)
