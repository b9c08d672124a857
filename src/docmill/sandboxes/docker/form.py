"""What a sandbox's container is told to be, in the words of Docker's API; starts nothing itself.

Neighbours: `profile` has the system calls, `limits` reads back what came of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docmill.sandboxes import boot
from docmill.sandboxes.base import PROXY_PORT, SandboxLimits, SandboxSpec
from docmill.sandboxes.commandline import START, TEMPORARY, address_space, environment
from docmill.sandboxes.docker.profile import profile
from docmill.sandboxes.runtime import INSIDE, Runtime

PERIOD = 100_000
"""Microseconds, the period of processor quotas."""
INODES_PER_BYTE = 1 / 4096
IDLE_SECONDS = 900.0
"""How long a container started ahead may wait for its document."""
DOOR = f"{INSIDE}/door"
"""The folder inside with the host's socket of a sandbox that has a door."""
_MASKED = (
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys"),
    *("/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list"),
    *("/proc/timer_stats", "/sys/block", "/sys/bus", "/sys/class", "/sys/dev", "/sys/devices"),
    *("/sys/firmware", "/sys/fs/bpf", "/sys/fs/btrfs", "/sys/fs/ext4"),
    *(
        "/sys/fs/fuse",
        "/sys/fs/pstore",
        "/sys/fs/xfs",
        "/sys/hypervisor",
        "/sys/kernel",
        "/sys/module",
        "/sys/power",
    ),
)
"""Docker's own list, and what of /sys isn't the container's cgroup."""
_LOOSE = ("/run", "/var/tmp")  # noqa: S108
"""Places beside a read-only root that Podman would leave writable and without a limit."""
_CLOSED = "ro,nosuid,nodev,noexec,size=4k"
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True)
class Form:
    """What decides a container besides its owner; one of the same form can stand in for it."""

    image: str
    runtime: Runtime
    limits: SandboxLimits
    labels: tuple[tuple[str, str], ...] = ()
    door: bool = False
    oci_runtime: str = ""
    seccomp: str = ""
    """The file with the list of system calls, for Podman; empty: it is sent along."""

    @classmethod
    def of(cls, spec: SandboxSpec, *, image: str, runtime: Runtime, seccomp: str = "") -> "Form":
        """The form of a spec, which an image has been found for."""
        return cls(
            image=image,
            runtime=runtime,
            limits=spec.limits,
            labels=tuple(sorted(spec.labels.items())),
            door=spec.door,
            oci_runtime=spec.oci_runtime,
            seccomp=seccomp,
        )


def config(
    form: Form, *, uid: int, labels: Mapping[str, str], door: Path | None = None
) -> dict[str, Any]:
    """The body of a request for a container.

    `uid`: the user inside, who should be nobody's outside. `door`: folder of the host to be
    found at `DOOR`.
    """
    return {
        "Image": form.image,
        "User": f"{uid}:{uid}",
        "Entrypoint": [],
        "Cmd": command(form),
        "Env": [f"{name}={value}" for name, value in environment(form.runtime).items()],
        "WorkingDir": "/workspace",
        "Hostname": "sandbox",
        "NetworkDisabled": True,
        "Labels": dict(labels),
        "OpenStdin": True,
        "StdinOnce": True,  # the toolbox leaves when its host has gone
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
        "HostConfig": _host_config(form, uid, door),
    }


def command(form: Form) -> list[str]:
    """The program started inside, with the limits it keeps itself."""
    limits = form.limits
    seconds = limits.seconds + IDLE_SECONDS
    numbers = (
        address_space(form.runtime, limits),
        limits.pids,
        limits.disk,
        seconds,
        limits.output,
    )
    words = [str(int(number)) for number in (*numbers, PROXY_PORT if form.door else 0)]
    return [form.runtime.python, "-I", "-S", "-B", "-c", boot.program(START), *words]


def _host_config(form: Form, uid: int, door: Path | None) -> dict[str, Any]:
    limits = form.limits
    inodes = max(1024, int(limits.disk * INODES_PER_BYTE))
    options = f"rw,exec,nosuid,nodev,size={limits.disk}"
    if form.seccomp:  # Podman knows no owners and counts no files; memory does
        # /tmp is a link into the workspace, mounted before or after it; a copy of what stood there
        # would belong to root, and nobody could write to /tmp.
        options += ",mode=1777,notmpcopyup"
        tmpfs = {"/workspace": options, TEMPORARY: options} | dict.fromkeys(_LOOSE, _CLOSED)
    else:
        tmpfs = {"/workspace": f"{options},nr_inodes={inodes},mode=0700,uid={uid},gid={uid}"}
    found: dict[str, Any] = {
        "NetworkMode": "none",
        "IpcMode": "none",
        "CgroupnsMode": "private",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", f"seccomp={form.seccomp or profile()}"],
        "MaskedPaths": list(_MASKED),
        "ReadonlyPaths": list(_READ_ONLY),
        "Memory": limits.memory,
        "MemorySwap": limits.memory,
        "CpuPeriod": PERIOD,
        "CpuQuota": max(1000, int(limits.cpus * PERIOD)),
        "PidsLimit": limits.pids,
        "Tmpfs": tmpfs,
        "Ulimits": [
            {"Name": name, "Soft": value, "Hard": value}
            for name, value in (
                *(("nproc", limits.pids), ("nofile", 512)),
                *(("core", 1), ("memlock", 65536), ("msgqueue", 0)),
            )
        ],
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no"},
    }
    if form.oci_runtime:
        found["Runtime"] = form.oci_runtime
    if door is not None:
        found["Binds"] = [f"{door}:{DOOR}:ro"]
    return found
