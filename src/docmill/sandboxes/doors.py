"""Takes over the listening socket that a toolbox made inside its sandbox (`toolbox.door`).

`egress` accepts on it. The socket is the only thing that ever comes out of a sandbox this way: it
is taken once, before the toolbox has seen a document.
"""

import asyncio
import os
import socket

from docmill.errors import SandboxError


async def receive_door(channel: socket.socket, timeout: float) -> socket.socket:
    """The listening socket that comes first on the toolbox's Unix socket; non-blocking.

    Raises:
        SandboxError: something else came, or nothing in time.
    """
    channel.setblocking(False)
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(channel, readable.set)
    try:
        await asyncio.wait_for(readable.wait(), timeout)
    except TimeoutError as error:
        raise SandboxError(f"The sandbox made no door within {timeout:.0f} s.") from error
    finally:
        loop.remove_reader(channel)
    return _received(channel)


def take_door(channel: socket.socket, timeout: float) -> socket.socket:
    """The same, for those who have nothing else to do meanwhile.

    Raises:
        SandboxError: something else came, or nothing in time.
    """
    channel.settimeout(timeout)
    return _received(channel)


def _received(channel: socket.socket) -> socket.socket:
    try:
        _, found, _, _ = socket.recv_fds(channel, 1, 1, socket.MSG_CMSG_CLOEXEC)
    except OSError as error:
        raise SandboxError("The sandbox ended before it had made a door.") from error
    if not found:
        raise SandboxError("The sandbox ended before it had made a door.")
    return _listening(found[0])


def _listening(fd: int) -> socket.socket:
    try:
        door = socket.socket(fileno=fd)
    except OSError as error:
        os.close(fd)
        raise SandboxError("The sandbox passed out something that is no door.") from error
    if not door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        door.close()
        raise SandboxError("The sandbox passed out something that is no door.")
    door.setblocking(False)
    return door
