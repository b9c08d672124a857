"""What process 1 of a container does before it says hello; bubblewrap does the same from outside.

Furnishes the workspace, reads the container's limits back from the kernel, reaches the host's
socket. Runs before anything hostile is inside. No part of a sandbox by bubblewrap.
"""

from __future__ import annotations

import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FOLDERS = ("/workspace/document", "/workspace/.tmp")
DOOR = "/opt/docmill/door/socket"
_UNIFIED = {
    "memory_max": ("memory.max", 0),
    "swap_max": ("memory.swap.max", 0),
    "pids_max": ("pids.max", 0),
    "cpu_quota": ("cpu.max", 0),
    "cpu_period": ("cpu.max", 1),
}
_SEPARATE = {
    "memory_max": ("memory/memory.limit_in_bytes", 0),
    "swap_max": ("memory/memory.memsw.limit_in_bytes", 0),
    "pids_max": ("pids/pids.max", 0),
    "cpu_quota": ("cpu/cpu.cfs_quota_us", 0),
    "cpu_period": ("cpu/cpu.cfs_period_us", 0),
}
"""Number → file of the cgroup, and which of its words."""


def furnish() -> None:
    """Make the folders of an empty workspace; Podman has made the one that `/tmp` stands for."""
    found = posix.listdir("/workspace")
    for folder in FOLDERS:
        if folder.rpartition("/")[2] not in found:
            posix.mkdir(folder, 0o755)


def cgroup_limits(root: str = "/sys/fs/cgroup") -> dict[str, int]:
    """`cgroup` (1 or 2) and the numbers in force; what isn't limited is left out."""
    version = 2 if _word(f"{root}/cgroup.controllers", 0) else 1
    found = {"cgroup": version}
    for name, (file, place) in (_UNIFIED if version == 2 else _SEPARATE).items():
        word = _word(f"{root}/{file}", place)
        if word.isdigit():
            found[name] = int(word)
    return found


def _word(file: str, place: int) -> str:
    """One word of a small file; empty if it isn't there."""
    try:
        fd = posix.open(file, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return ""
    try:
        words = posix.read(fd, 4096).decode().split()
    finally:
        posix.close(fd)
    return words[place] if place < len(words) else ""


def reach_door() -> int:
    """A connection to the host's socket, through which the door is handed over.

    Raises:
        OSError: it isn't mounted, or nobody listens there.
    """
    import _socket

    sockets: Any = _socket
    connection = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    connection.connect(DOOR)
    return connection.detach()
