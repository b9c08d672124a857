"""Attacks over the network and over other sockets."""

from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.scripting import scripted

_TCP = """
import socket
with socket.create_connection(("127.0.0.1", BAIT["tcp"]), 2) as stream:
    reached("connected") if holds(stream.recv(100)) else stopped("somebody else answers")
"""
_ABSTRACT = """
import socket
with socket.socket(socket.AF_UNIX) as stream:
    stream.connect("\\0" + BAIT["abstract"])
    reached("connected") if holds(stream.recv(100)) else stopped("somebody else answers")
"""
OWN_NETWORK = "the sandbox's own network namespace, with a loopback device only"

ROOM = Room(
    "network",
    (
        scripted(
            "loopback-tcp",
            tries="Connect to a service on the host's loopback address.",
            script=_TCP,
            held_by=OWN_NETWORK,
            gives="Databases, model servers and Prefect on the host, mostly without a password.",
        ),
        scripted(
            "abstract-socket",
            tries="Connect to an abstract unix socket of the host.",
            script=_ABSTRACT,
            held_by=OWN_NETWORK,
            gives="Desktop buses and container shims, which often trust whoever connects.",
        ),
    ),
)
