"""What this machine allows sandboxes, read from the kernel's switches: for `docmill doctor`.

Decides nothing: whether a sandbox starts and which limits hold is found out by trying one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from docmill.sandboxes.delegation import Obtained, Surroundings

KERNEL = Path("/proc/sys")
_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))


class Fact(NamedTuple):
    """One thing looked at."""

    subject: str
    good: bool
    found: str
    remedy: str = ""


def facts(
    around: Surroundings, obtained: Obtained, program: str, *, kernel: Path = KERNEL
) -> Iterator[Fact]:
    """What the machine says about user namespaces and control groups; `program`: bubblewrap's."""
    yield from _namespaces(kernel, program)
    yield _groups(obtained)
    if any(mark.exists() for mark in _MARKS):
        yield Fact("container", True, "docmill runs in one: it decides what is allowed here")
    if around.uid and around.unified():
        bus = around.bus
        if bus.exists():
            yield Fact("systemd of your own", True, f"asked by {bus}")
        else:
            yield Fact("systemd of your own", False, f"none: there is no {bus}")


def _namespaces(kernel: Path, program: str) -> Iterator[Fact]:
    clone = _number(kernel / "kernel/unprivileged_userns_clone")
    most = _number(kernel / "user/max_user_namespaces")
    if clone == 0:
        yield Fact(
            "user namespaces",
            False,
            "kernel.unprivileged_userns_clone = 0",
            _permanently("kernel.unprivileged_userns_clone=1"),
        )
    elif most == 0:
        yield Fact(
            "user namespaces",
            False,
            "user.max_user_namespaces = 0",
            _permanently("user.max_user_namespaces=10000"),
        )
    else:
        yield Fact("user namespaces", True, "allowed" if most is None else f"at most {most}")
    if _number(kernel / "kernel/apparmor_restrict_unprivileged_userns") == 1:
        yield Fact(
            "AppArmor",
            False,
            "restricts user namespaces to programs with a profile",
            _profile(program),
        )
    else:
        yield Fact("AppArmor", True, "doesn't restrict user namespaces")


def _permanently(setting: str) -> str:
    return f"echo {setting} | sudo tee /etc/sysctl.d/90-docmill.conf && sudo sysctl --system"


def _profile(program: str) -> str:
    """A profile that allows this one program user namespaces, and how it is loaded."""
    file = "/etc/apparmor.d/docmill-bwrap"
    return f"""\
sudo tee {file} <<'END' && sudo apparmor_parser -r {file}
abi <abi/4.0>,
include <tunables/global>
profile docmill-bwrap {program or "/usr/bin/bwrap"} flags=(unconfined) {{
  userns,
}}
END"""


def _groups(obtained: Obtained) -> Fact:
    if not obtained.places:
        return Fact("control groups", False, "none can be made")
    found = (
        f"{', '.join(place.controllers)} (v{place.version}) in {place.folder}"
        for place in obtained.places
    )
    return Fact("control groups", True, "; ".join(found))


def _number(file: Path) -> int | None:
    """The switch's value; None if the kernel has no such switch."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
