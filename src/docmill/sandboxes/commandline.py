"""The exact bubblewrap command of a sandbox, as arguments; starts nothing itself."""

import os
from collections.abc import Sequence
from pathlib import Path

from docmill.sandboxes.base import SandboxLimits
from docmill.sandboxes.runtime import INSIDE, UID, Runtime

_SYSTEM = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec")
_SHARED = ("/usr/share",)
_TOP = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_NAMESPACES = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
)
_BOOT = f"import sys;sys.path.insert(0,{INSIDE!r});from toolbox.server import main;main()"


def environment(runtime: Runtime) -> dict[str, str]:
    """The whole environment of everything in the sandbox; nothing of docmill's own passes."""
    binaries = os.path.dirname(runtime.python)
    return {
        "PATH": f"{INSIDE}/bin:/usr/bin:/bin:{binaries}",
        "HOME": "/tmp",  # inside
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "USER": "agent",
        "TERM": "dumb",
        "PYTHONPATH": f"{INSIDE}/packages",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def arguments(runtime: Runtime, limits: SandboxLimits, *, info: int, seccomp: int) -> list[str]:
    """Arguments for `--args`: namespaces, mounts, environment. Later mounts cover earlier ones."""
    args = [*_NAMESPACES, "--uid", str(UID), "--gid", str(UID), "--hostname", "sandbox"]
    args += ["--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1"]
    args += ["--info-fd", str(info), "--seccomp", str(seccomp), "--cap-drop", "ALL"]
    args += _mounts(runtime)
    args += ["--size", str(limits.disk), "--tmpfs", "/workspace"]
    args += ["--dir", "/workspace/document", "--dir", "/workspace/.tmp"]
    args += ["--symlink", "/workspace/.tmp", "/tmp", "--chdir", "/workspace"]
    args += ["--remount-ro", "/dev", "--remount-ro", "/", "--clearenv"]
    for name, value in environment(runtime).items():
        args += ["--setenv", name, value]
    return args


def _mounts(runtime: Runtime) -> list[str]:
    args: list[str] = []
    for folder in (*_SYSTEM, *_SHARED):
        if Path(folder).is_dir():
            args += ["--ro-bind", folder, folder]
    for folder in _TOP:
        if os.path.islink(folder):
            args += ["--symlink", os.readlink(folder), folder]
        elif Path(folder).is_dir():
            args += ["--ro-bind", folder, folder]
    args += ["--proc", "/proc", "--dev", "/dev"]
    args += ["--ro-bind", str(runtime.etc), "/etc"]
    args += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
    args += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    for mount in runtime.mounts:
        args += ["--ro-bind", str(mount.outside), mount.inside]
    for folder in runtime.hidden:
        args += ["--tmpfs", folder, "--remount-ro", folder]
    return args


def command(runtime: Runtime, limits: SandboxLimits, entrances: Sequence[int]) -> list[str]:
    """The program started inside, with the limits it keeps itself and the cgroups it joins."""
    numbers = (limits.memory, limits.pids, limits.disk, round(limits.seconds), limits.output)
    words = [str(int(number)) for number in (*numbers, *entrances)]
    return [runtime.python, "-I", "-S", "-B", "-c", _BOOT, *words]
