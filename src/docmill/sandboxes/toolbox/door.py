"""The way out of a sandbox that has one: a listening socket, made inside and handed to the host.

Whoever connects to it from inside is accepted by the host's broker; nothing here looks at what they
say. Made before anything hostile runs, then closed on this side.
"""

from __future__ import annotations

import _socket
import sys

TYPE_CHECKING = False  # the `socket` module would cost 5 ms of the start
if TYPE_CHECKING:
    from typing import Any

HOST = "127.0.0.1"
BACKLOG = 128
CERTIFICATES = "/workspace/.egress/certificates.pem"
"""Authorities that programs inside trust; the host puts the file there."""

_sockets: Any = _socket


def hand_over(fd: int, port: int) -> None:
    """Listen on `port` of the sandbox's own loopback address; pass the socket out through `fd`.

    It goes along with one byte, before the first frame.

    Raises:
        OSError: the port is taken, or `fd` is no Unix socket.
    """
    listener = _sockets.socket(_sockets.AF_INET, _sockets.SOCK_STREAM)
    channel = _sockets.socket(fileno=fd)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
        passed = listener.fileno().to_bytes(4, sys.byteorder)
        channel.sendmsg([b"D"], [(_sockets.SOL_SOCKET, _sockets.SCM_RIGHTS, passed)])
    finally:
        listener.close()
        channel.detach()


def environment(port: int) -> dict[str, str]:
    """What tells programs of the way out, and whom to trust on it."""
    proxy = f"http://{HOST}:{port}"
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    return {
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1"),
        "NODE_USE_ENV_PROXY": "1",
        **dict.fromkeys((*names, "GIT_SSL_CAINFO", "PIP_CERT"), CERTIFICATES),
    }
