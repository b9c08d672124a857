"""Who runs a run: a name for this process that a later process can tell alive from dead.

Only processes that this one can see are looked up, exactly and at once; for those of other machines
and containers see `heartbeats`.
"""

import os
import socket
from functools import lru_cache
from pathlib import Path


def own_lease() -> str:
    """`host pid start-time boot-id pid-namespace` of this process."""
    pid = os.getpid()
    return f"{socket.gethostname()} {pid} {_start_time(pid)} {_boot_id()} {_namespace()}"


def is_ours(lease: str) -> bool:
    """Whether this process could see that of the lease: same machine, same list of processes."""
    host, _, _, boot, namespace = _parts(lease)
    same_machine = host == socket.gethostname() and boot == _boot_id()
    return same_machine and namespace in ("", _namespace())


def is_running(lease: str) -> bool:
    """Whether the process of a lease of ours runs."""
    _, pid, start, boot, _ = _parts(lease)
    return boot == _boot_id() and bool(start) and start == _start_time(int(pid))


def is_alive(lease: str) -> bool:
    """Whether the process of a lease still runs; one of another host counts as alive.

    Of a machine of this name that was started again since, none does.
    """
    if len(lease.split(" ")) < 4:
        return False
    return is_running(lease) if is_ours(lease) else host_of(lease) != socket.gethostname()


def pid_of(lease: str) -> str:
    """The process id in a lease, for messages."""
    return lease.split(" ")[1]


def host_of(lease: str) -> str:
    """The machine in a lease, for messages."""
    return lease.partition(" ")[0]


def _parts(lease: str) -> tuple[str, str, str, str, str]:
    """Leases of older stores have no namespace."""
    parts = (*lease.split(" "), "", "", "", "", "")
    return (parts[0], parts[1], parts[2], parts[3], parts[4])


def _start_time(pid: int) -> str:
    """Clock ticks since boot at which a process started (proc(5), field 22), empty if none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


@lru_cache(maxsize=1)
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


@lru_cache(maxsize=1)
def _namespace() -> str:
    """Containers of one machine may share its name, but not its list of processes."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
