"""Who started a container, told by its labels, and the removal of those whose owner is dead.

An owner is a process of one boot of one machine. Containers of other machines' processes that use
the same engine are left alone while they run.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from docmill.sandboxes.docker.engine import Engine, Listed

OWNER = "docmill.owner"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def here() -> str:
    """This boot of this machine, as this process sees its neighbours."""
    return f"{_BOOT.read_text().strip()}:{Path('/proc/self/ns/pid').stat().st_ino}"


def labels(given: Mapping[str, str]) -> dict[str, str]:
    """Labels of a container this process makes: the run's and the owner's."""
    pid = os.getpid()
    return {
        **{f"docmill.{name}": value for name, value in given.items()},
        OWNER: f"{here()} {pid} {_started(pid)}",
    }


def sweep(engine: Engine) -> int:
    """Remove the containers of dead owners; returns how many."""
    found = [one for one in engine.containers([OWNER]) if is_orphan(one)]
    for one in found:
        engine.remove(one.id)
    return len(found)


def is_orphan(container: Listed) -> bool:
    """Whether nobody will ever use it again."""
    place, pid, started = [*container.labels.get(OWNER, "").split(" "), "", ""][:3]
    if place != here():
        return not container.running
    return not pid.isdigit() or _started(int(pid)) != started


def _started(pid: int) -> str:
    """When a process began, in ticks since boot; empty if there is none of that number."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
