"""Attacks on the kernel: calls that make room for more rights, or that had holes."""

from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.scripting import scripted

_USER_NAMESPACE = """
def work():
    return attempt("unshare", 0x10000000)

stopped(in_child(work))
"""
_IO_URING = """
stopped(attempt("io_uring_setup", 8, ctypes.create_string_buffer(256)))
"""
FILTER = "the system-call filter"

ROOM = Room(
    "kernel",
    (
        scripted(
            "user-namespace",
            tries="Make a user namespace, to have every right within it.",
            script=_USER_NAMESPACE,
            held_by="the system-call filter, and bubblewrap's --disable-userns",
            gives="The kernel's code for administrators, where most of its holes were.",
        ),
        scripted(
            "io-uring",
            tries="Set up an io_uring.",
            script=_IO_URING,
            held_by=FILTER,
            gives="System calls past the filter, and code that had many holes.",
        ),
    ),
)
