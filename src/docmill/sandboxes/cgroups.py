"""Memory, process and processor limits for all processes of a sandbox together: cgroup v2 or v1.

Uses whatever controllers this process may write; `delegation` makes more of them so. Limits are
read back from the kernel. Knows nothing of bubblewrap.
"""

import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from docmill.sandboxes.base import Enforced, SandboxLimits

PREFIX = "docmill-"
GIVEN = "docmill"
_PERIOD = 100_000
"""Microseconds, the period of processor quotas."""
CONTROLLERS = ("memory", "pids", "cpu")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a cgroup file system in which groups with these controllers can be made."""

    folder: Path
    version: int
    controllers: tuple[str, ...]


def find_places(
    mounts: Path = Path("/proc/self/mountinfo"), own: Path = Path("/proc/self/cgroup")
) -> tuple[Place, ...]:
    """Where groups can be made; each controller once, v2 before v1. Empty if nowhere."""
    places: list[Place] = []
    wanted = set(CONTROLLERS)
    groups = _own_groups(own)
    for mount in sorted(find_mounts(mounts), key=lambda mount: -mount.version):
        found = [name for name in CONTROLLERS if name in wanted & set(mount.controllers)]
        for folder in _candidates(mount, groups):
            usable = _usable(folder, mount.version, found)
            if usable:
                places.append(Place(folder, mount.version, usable))
                wanted -= set(usable)
                break
    return tuple(places)


@dataclass(frozen=True, slots=True)
class Mount:
    """A cgroup file system."""

    point: Path
    root: str
    version: int
    controllers: tuple[str, ...]
    read_only: bool = False


class Mounted(NamedTuple):
    """A group as a folder of the file system it lies in."""

    folder: Path
    point: Path
    controllers: tuple[str, ...]
    """Those the file system has, whether passed on to the group or not."""


def own_folder(mounts: Path, own: Path) -> Mounted | None:
    """The group of version 2 this process is in."""
    for mount in find_mounts(mounts):
        if mount.version == 2:
            folder = next(iter(_candidates(mount, _own_groups(own))))
            return Mounted(folder, mount.point, mount.controllers)
    return None


def find_mounts(file: Path) -> Iterable[Mount]:
    """cgroup file systems of mountinfo(5)."""
    with suppress(OSError):
        for line in file.read_text().splitlines():
            left, _, right = line.partition(" - ")
            fields, kind = left.split(), right.split()
            if not kind or kind[0] not in ("cgroup", "cgroup2"):
                continue
            point, read_only = Path(fields[4]), "ro" in fields[5].split(",")
            if kind[0] == "cgroup":
                options = [name for name in kind[2].split(",") if name not in ("rw", "ro")]
                yield Mount(point, fields[3], 1, tuple(options), read_only)
            else:
                found = _words(point / "cgroup.controllers")
                yield Mount(point, fields[3], 2, found, read_only)


def _own_groups(file: Path) -> dict[str, str]:
    """Controller → group of this process; v2 under the empty name."""
    groups: dict[str, str] = {}
    with suppress(OSError):
        for line in file.read_text().splitlines():
            _, names, path = line.split(":", 2)
            groups.update(dict.fromkeys(names.split(","), path))
    return groups


def _words(file: Path) -> tuple[str, ...]:
    try:
        return tuple(file.read_text().split())
    except OSError:
        return ()


def _candidates(mount: Mount, groups: dict[str, str]) -> Iterable[Path]:
    """Own group first, so that limits set on docmill itself go on holding, then its ancestors.

    Last of v1 a group `docmill` that root has made for somebody who may write nowhere else.
    """
    name = next((name for name in mount.controllers if name in groups), "")
    relative = os.path.relpath(groups.get("" if mount.version == 2 else name, "/"), mount.root)
    folder = mount.point if relative.startswith("..") else mount.point / relative
    while folder != mount.point:
        yield folder
        folder = folder.parent
    yield mount.point
    if mount.version == 1:
        yield mount.point / GIVEN


def _usable(folder: Path, version: int, controllers: Sequence[str]) -> tuple[str, ...]:
    """Controllers of a folder in which this process may make groups and put processes."""
    if not controllers or not os.access(folder, os.W_OK):
        return ()
    if not os.access(folder / "cgroup.procs", os.W_OK):
        return ()
    if version == 1:
        return tuple(controllers)
    switch = folder / "cgroup.subtree_control"
    for name in controllers:
        if name not in _words(switch):
            with suppress(OSError):  # a v2 group that holds processes can't pass controllers on
                switch.write_text(f"+{name}")
    return tuple(name for name in controllers if name in _words(switch))


class Group:
    """The groups of one sandbox, one per place, under one name."""

    def __init__(self, places: Sequence[Place], name: str) -> None:
        self._name = name
        self._places = tuple(places)
        self.folders = tuple(place.folder / f"{PREFIX}{name}" for place in places)

    def create(self, limits: SandboxLimits) -> None:
        """Make the groups and set their limits.

        Raises:
            OSError: the kernel refuses.
        """
        for place, folder in zip(self._places, self.folders, strict=True):
            folder.mkdir()
            for name, value in _settings(place, limits):
                with suppress(FileNotFoundError):  # swap accounting may be compiled out
                    (folder / name).write_text(value)

    def entrances(self) -> list[int]:
        """Open files; a process that writes `0` to each has joined. The caller closes them.

        v1's `tasks` because joining by it, for oneself, takes no lock over the whole system.
        """
        files = {1: "tasks", 2: "cgroup.procs"}
        pairs = zip(self._places, self.folders, strict=True)
        return [os.open(folder / files[place.version], os.O_WRONLY) for place, folder in pairs]

    def enforced(self) -> tuple[Enforced, ...]:
        """The limits as the kernel now tells them."""
        found: list[Enforced] = []
        for place, folder in zip(self._places, self.folders, strict=True):
            by = f"cgroup v{place.version}"
            for limit, names in _reads(place):
                value = " / ".join(" ".join(_words(folder / name)) for name in names)
                found.append(Enforced(limit, by, value))
        return tuple(found)

    def holds(self, limits: SandboxLimits) -> bool:
        """Whether the kernel tells these limits of memory and pids, or less, of the groups."""
        most = {"memory": limits.memory, "pids": limits.pids}
        return all(
            entry.value.isdecimal() and int(entry.value) <= most[entry.limit]
            for entry in self.enforced()
            if entry.limit in most
        )

    def out_of_memory(self) -> bool:
        """Whether the kernel has ended a process of the group for want of memory."""
        for place, folder in zip(self._places, self.folders, strict=True):
            if "memory" in place.controllers:
                file = "memory.events" if place.version == 2 else "memory.oom_control"
                words = _words(folder / file)
                if "oom_kill" in words:
                    return words[words.index("oom_kill") + 1] != "0"
        return False

    def destroy(self) -> bool:
        """End every process in the groups and remove them; whether that succeeded."""
        return remove(self.folders)


def remove(folders: Iterable[Path], seconds: float = 2.0) -> bool:
    """End every process in groups named like ours and remove them; whether all are gone in time."""
    until = time.monotonic() + seconds
    left = [folder for folder in folders if folder.name.startswith(PREFIX) and folder.is_dir()]
    while left:
        for folder in tuple(left):
            _kill_all(folder)
            with suppress(OSError):
                folder.rmdir()
            if not folder.is_dir():
                left.remove(folder)
        if left:
            if time.monotonic() > until:
                return False
            time.sleep(0.002)
    return True


def _settings(place: Place, limits: SandboxLimits) -> list[tuple[str, str]]:
    """File → text that sets the limits; order matters: memory before memory and swap."""
    quota = str(max(1000, int(limits.cpus * _PERIOD)))
    memory, pids = str(limits.memory), str(limits.pids)
    if place.version == 2:
        by_controller = {
            "memory": [("memory.max", memory), ("memory.swap.max", "0"), ("memory.oom.group", "0")],
            "pids": [("pids.max", pids)],
            "cpu": [("cpu.max", f"{quota} {_PERIOD}")],
        }
    else:
        by_controller = {
            "memory": [
                ("memory.limit_in_bytes", memory),
                ("memory.memsw.limit_in_bytes", memory),
            ],
            "pids": [("pids.max", pids)],
            "cpu": [("cpu.cfs_period_us", str(_PERIOD)), ("cpu.cfs_quota_us", quota)],
        }
    return [setting for name in place.controllers for setting in by_controller[name]]


def _reads(place: Place) -> list[tuple[str, tuple[str, ...]]]:
    """Limit → files that tell it."""
    if place.version == 2:
        by_controller = {"memory": ("memory.max",), "pids": ("pids.max",), "cpu": ("cpu.max",)}
    else:
        by_controller = {
            "memory": ("memory.limit_in_bytes",),
            "pids": ("pids.max",),
            "cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
        }
    names = {"memory": "memory", "pids": "pids", "cpu": "cpus"}
    return [(names[name], by_controller[name]) for name in place.controllers]


def _kill_all(folder: Path) -> None:
    with suppress(OSError):
        fd = os.open(folder / "cgroup.kill", os.O_WRONLY)
        with open(fd, "w") as file:  # noqa: PTH123  # Path.open would make the file
            file.write("1")
    for word in _words(folder / "cgroup.procs"):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(word), signal.SIGKILL)
