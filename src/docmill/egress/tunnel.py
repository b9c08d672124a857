"""What follows a CONNECT: TLS to the host that was asked for, and to no other.

The first message tells whom the client means; it goes on only if that is the host of the CONNECT.
Then the bytes are carried untouched, which nobody here could read.
"""

import asyncio
from contextlib import suppress

from docmill.egress.hello import read_hello
from docmill.egress.hosts import Authority, literal, plain_host
from docmill.egress.policy import RefusedError
from docmill.egress.streams import Counted, SocketStream


async def first_message(client: SocketStream, first: bytes, authority: Authority) -> bytes:
    """The client's first message, which asks for the host of the CONNECT; with what follows.

    Raises:
        RefusedError: it asks for another host, hides which, or isn't TLS.
        EOFError: it never came.
    """
    while True:
        try:
            hello = read_hello(first)
        except ValueError as error:
            raise RefusedError(
                "not_tls", f"Only TLS goes through a tunnel; this is something else: {error}."
            ) from error
        if hello is not None:
            _check(hello.name, authority)
            if hello.hides_name:
                raise RefusedError("sni_hidden", "An encrypted name of a host isn't let through.")
            return first
        data = await client.read()
        if not data:
            raise EOFError("the client left")
        first += data


def _check(name: str | None, authority: Authority) -> None:
    wanted = None if literal(authority.host) else authority.host
    try:
        found = plain_host(name) if name else None
    except ValueError:
        found = ""
    if found != wanted:
        raise RefusedError(
            "sni_mismatch",
            f"The tunnel was asked for {authority.host}, but TLS asks for {name or 'nobody'}.",
        )


async def relay(client: SocketStream, server: Counted) -> None:
    """Carry bytes both ways until both ends have finished, or one has gone.

    Raises:
        RefusedError: the session has had its share of bytes.
    """
    ways = (_carry(client, server), _carry(server, client))
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        with suppress(ConnectionError):  # as impolite clients end
            await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(source: SocketStream | Counted, sink: SocketStream | Counted) -> None:
    while data := await source.read():
        await sink.write(data)
    await sink.finish()
