"""The exact bubblewrap command of a sandbox, as arguments; starts nothing itself."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from docmill.sandboxes import boot
from docmill.sandboxes.base import SandboxLimits
from docmill.sandboxes.runtime import INSIDE, UID, Runtime

_TOP = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom")
"""No terminals, no shared memory: nothing of the kernel that isn't needed."""
_DEVICE_LINKS = {
    "random": "urandom",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
}
_NAMESPACES = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
)
UNLIMITED = 1 << 44
"""Bytes of address space that nobody reserves."""
TEMPORARY = "/tmp"  # noqa: S108  # inside, where nobody else is
START = f"{INSIDE}/{boot.NAME}"
"""Among the arguments of every sandbox's first process."""
_BOOT = boot.program(START)


def environment(runtime: Runtime) -> dict[str, str]:
    """The whole environment inside; nothing of docmill's own passes.

    `LC_ALL` is C until the shell starts, which sets `LANG`'s value: reading a locale's files is a
    thirtieth of a start, and the interpreter takes C for UTF-8.
    """
    paths = {"PATH": [f"{INSIDE}/bin"]}
    for name, folders in runtime.paths:
        paths.setdefault(name, []).extend(folders)
    paths["PATH"] += ["/usr/bin", "/bin", str(Path(runtime.python).parent)]
    paths["PYTHONPATH"] = [f"{INSIDE}/packages", *paths.get("PYTHONPATH", ())]
    if "XDG_DATA_DIRS" in paths:
        paths["XDG_DATA_DIRS"].append("/usr/share")
    return {
        **{name: ":".join(folders) for name, folders in paths.items()},
        "HOME": TEMPORARY,
        "TMPDIR": TEMPORARY,
        "LANG": "C.UTF-8",
        "LC_ALL": "C",
        "USER": "agent",
        "TERM": "dumb",
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
    args += ["--symlink", "/workspace/.tmp", TEMPORARY, "--chdir", "/workspace"]
    args += ["--remount-ro", "/", "--clearenv"]
    for name, value in environment(runtime).items():
        args += ["--setenv", name, value]
    return args


@lru_cache(8)
def _mounts(runtime: Runtime) -> tuple[str, ...]:
    """As few as will do: each costs a fifth of a millisecond."""
    args = ["--ro-bind", "/usr", "/usr", "--proc", "/proc"]
    for folder in _TOP:
        if Path(folder).is_symlink():
            args += ["--symlink", str(Path(folder).readlink()), folder]
        elif Path(folder).is_dir():
            args += ["--ro-bind", folder, folder]
    for device in _DEVICES:
        args += ["--dev-bind", device, device]
    for name, target in _DEVICE_LINKS.items():
        args += ["--symlink", target, f"/dev/{name}"]
    for mount in runtime.mounts:
        args += ["--ro-bind", str(mount.outside), mount.inside]
    return (*args, "--symlink", f"{INSIDE}/etc", "/etc")


def address_space(runtime: Runtime, limits: SandboxLimits) -> int:
    """Bytes a process inside may reserve, where all together may use no more than the limit."""
    return UNLIMITED if runtime.reserves and limits.strict else limits.memory


def command(
    runtime: Runtime, limits: SandboxLimits, entrances: Sequence[int], *, door: int = 0
) -> list[str]:
    """The program started inside, with the limits it keeps itself and the cgroups it joins.

    `door`: the port of the way out, which the program makes; 0 for none.
    """
    memory = address_space(runtime, limits) if entrances else limits.memory
    numbers = (memory, limits.pids, limits.disk, round(limits.seconds), limits.output)
    words = [str(int(number)) for number in (*numbers, door, *entrances)]
    return [runtime.python, "-I", "-S", "-B", "-c", _BOOT, *words]
