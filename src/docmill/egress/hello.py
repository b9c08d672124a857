"""The first message of TLS: whom a client asks for, read without taking part (RFC 8446, 6066)."""

from typing import NamedTuple

MOST = 32 * 1024
"""Bytes a first message may have, with its records."""
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME, _ENCRYPTED_HELLO = 0, 0xFE0D
_LONGEST_RECORD = 1 << 14


class ClientHello(NamedTuple):
    """What the first message says that matters here."""

    name: str | None
    """The server's name asked for, as written; None if the message has none."""
    hides_name: bool
    """Whether another name may stand in an encrypted part."""


def read_hello(data: bytes) -> ClientHello | None:
    """The first message; None if not all of it is there yet.

    Raises:
        ValueError: this is no TLS, or a first message no honest client sends.
    """
    message = _message(data)
    if message is None:
        return None
    body = _Bytes(message)
    body.skip(2 + 32)  # version, random
    body.take(1)  # session
    body.take(2)  # ciphers
    body.take(1)  # compression
    extensions = _Bytes(body.take(2) if body.left else b"")
    found: dict[int, bytes] = {}
    while extensions.left:
        kind = extensions.number(2)
        if kind in found:
            raise ValueError("an extension comes twice")
        found[kind] = extensions.take(2)
    name = _name(found[_SERVER_NAME]) if _SERVER_NAME in found else None
    return ClientHello(name, _ENCRYPTED_HELLO in found)


def _message(data: bytes) -> bytes | None:
    """The body of the handshake message that the records hold."""
    message, at = b"", 0
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        header = data[at : at + 5]
        if header[:1] not in (b"", bytes([_HANDSHAKE])) or header[1:2] not in (b"", b"\x03"):
            raise ValueError("not TLS")
        length = int.from_bytes(header[3:5], "big")
        if len(header) == 5 and not 0 < length <= _LONGEST_RECORD:
            raise ValueError("no length of a record")
        if len(header) < 5 or len(data) < at + 5 + length:
            if len(data) >= MOST:
                raise ValueError("the first message is too long")
            return None
        message += data[at + 5 : at + 5 + length]
        at += 5 + length
        if message[0] != _CLIENT_HELLO:
            raise ValueError("not a client's first message")
    return message[4 : 4 + int.from_bytes(message[1:4], "big")]


def _name(data: bytes) -> str:
    """The one name in the extension."""
    names = _Bytes(_Bytes(data).take(2))
    kind, name = names.number(1), names.take(2)
    if kind != 0 or names.left or not name.isascii():
        raise ValueError("no single name of a host")
    return name.decode("ascii")


class _Bytes:
    """Reads from front to back; what is missing is an error."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def skip(self, count: int) -> bytes:
        if self.left < count:
            raise ValueError("the message ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.skip(width), "big")

    def take(self, width: int) -> bytes:
        """A piece that begins with its length."""
        return self.skip(self.number(width))
