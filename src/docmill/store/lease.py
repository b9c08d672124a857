"""Who runs a run: a name for this process that a later process can tell alive from dead."""

import os
import socket
from pathlib import Path


def own_lease() -> str:
    """`host pid start-time boot-id` of this process."""
    return f"{socket.gethostname()} {os.getpid()} {_start_time(os.getpid())} {_boot_id()}"


def is_alive(lease: str) -> bool:
    """Whether the process of a lease still runs; one of another host counts as alive."""
    parts = lease.split(" ")
    if len(parts) != 4:
        return False
    host, pid, start, boot = parts
    if host != socket.gethostname():
        return True
    return boot == _boot_id() and bool(start) and start == _start_time(int(pid))


def pid_of(lease: str) -> str:
    """The process id in a lease, for messages."""
    return lease.split(" ")[1]


def _start_time(pid: int) -> str:
    """Clock ticks since boot at which a process started (proc(5), field 22), empty if none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"
