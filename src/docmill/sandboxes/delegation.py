"""Control groups for ordinary users and in containers: those handed over to docmill.

`cgroups` says where groups can be made; here docmill asks systemd for such a place and moves into
it, once per process. Version 2 only: v1 can't be handed over safely. `remedies` says what helps.
"""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from docmill.sandboxes.cgroups import Mounted, Place, find_places, own_folder

RUNNER = "runner"
"""The group docmill itself moves to: one that passes controllers on may hold no processes."""
NEEDED = frozenset(("memory", "pids"))
_HANDED_OVER = ("user.delegate", "trusted.delegate")
"""Attributes by which systemd marks a group whose inside belongs to somebody else."""
_BUSCTL = Path("/usr/bin/busctl")
_SECONDS = 5.0
"""How long systemd may take."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where this process is; tests point it elsewhere."""

    uid: int
    mounts: Path = Path("/proc/self/mountinfo")
    own: Path = Path("/proc/self/cgroup")
    runtime: Path = Path("/run/user")
    """Folder of the users' own systemd managers."""
    booted: Path = Path("/run/systemd/system")
    """Exists where systemd runs the machine."""

    @property
    def bus(self) -> Path:
        """Where the user's own systemd is asked."""
        return self.runtime / str(self.uid) / "bus"

    def unified(self) -> Mounted | None:
        """This process's group of version 2, if the limits needed can be had in it at all."""
        found = own_folder(self.mounts, self.own)
        return found if found and set(found.controllers) >= NEEDED else None


def here() -> Surroundings:
    """This process's own."""
    return Surroundings(os.geteuid())


class Obtained(NamedTuple):
    """Where groups can be made, and what systemd said if it was asked and refused."""

    places: tuple[Place, ...]
    refusal: str = ""


def obtain_places(
    around: Surroundings, ask: Callable[[Surroundings], str] | None = None
) -> Obtained:
    """Places for groups: as they are, else in a group handed over, else in one systemd makes.

    `ask` makes systemd put this process into a group of its own and returns its refusal.
    """
    places = find_places(around.mounts, around.own)
    group = around.unified()
    if complete(places) or group is None:
        return Obtained(places)
    refusal = ""
    if not is_handed_over(group):
        if not may_ask(around, group):
            return Obtained(places)
        refusal = (ask or ask_systemd)(around)
        group = around.unified()
        if refusal or group is None:
            return Obtained(places, refusal)
    settle(group.folder)
    return Obtained(find_places(around.mounts, around.own))


def complete(places: Sequence[Place]) -> bool:
    """Whether memory and pids can be limited there."""
    return {name for place in places for name in place.controllers} >= NEEDED


def is_handed_over(group: Mounted) -> bool:
    """Whether the group's inside is docmill's to arrange: marked so, or a container's outermost."""
    for name in _HANDED_OVER:
        with suppress(OSError):
            if os.getxattr(group.folder, name) == b"1":
                return True
    outermost = group.folder == group.point and (group.folder / "cgroup.type").exists()
    return outermost and os.access(group.folder / "cgroup.procs", os.W_OK)


def may_ask(around: Surroundings, group: Mounted) -> bool:
    """Whether the user's systemd is there, and docmill no service that would be torn from it."""
    return around.uid != 0 and not in_service(group.folder) and around.bus.exists()


def in_service(folder: Path) -> str:
    """The service a group belongs to; empty if none."""
    return folder.name if folder.name.endswith(".service") else ""


def settle(folder: Path) -> bool:
    """Move a group's processes into one below it, so that it can pass controllers on."""
    runner = folder / RUNNER
    try:
        runner.mkdir(exist_ok=True)
        for word in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (runner / "cgroup.procs").write_text(word)
    except OSError:
        return False
    return True


def request(pid: int, name: str) -> list[str]:
    """The call that makes a scope of a process, with the inside handed over."""
    service, manager = "org.freedesktop.systemd1", "org.freedesktop.systemd1.Manager"
    properties = [
        *("Description", "s", "docmill and its sandboxes"),
        *("Delegate", "b", "true"),
        *("CollectMode", "s", "inactive-or-failed"),
        *("PIDs", "au", "1", str(pid)),
    ]
    unit = ["ssa(sv)a(sa(sv))", name, "fail", "4", *properties, "0"]
    call = ["call", service, "/org/freedesktop/systemd1", manager, "StartTransientUnit"]
    return [str(_BUSCTL), "--user", f"--timeout={_SECONDS:g}", *call, *unit]


def ask_systemd(around: Surroundings) -> str:
    """Have the user's systemd put this process into a scope; returns why it didn't."""
    name = f"docmill-{os.getpid()}-{secrets.token_hex(4)}.scope"
    try:
        done = subprocess.run(
            request(os.getpid(), name),
            env={"XDG_RUNTIME_DIR": str(around.bus.parent)},
            capture_output=True,
            timeout=2 * _SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{error}"
    if done.returncode != 0:
        return done.stderr.decode("utf-8", "replace").strip() or "systemd refused"
    until = time.monotonic() + _SECONDS
    while name not in around.own.read_text():  # the answer names a job, which is still at work
        if time.monotonic() > until:
            return f"{name} was not ready in {_SECONDS:g} s"
        time.sleep(0.005)
    return ""
