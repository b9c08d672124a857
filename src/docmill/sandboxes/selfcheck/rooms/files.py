"""Attacks on the host's files: by path, through `/proc`, through what is mounted."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable

from docmill.sandboxes.selfcheck.base import Outcome, Room, Stage
from docmill.sandboxes.selfcheck.scripting import run_inside, run_outside, scripted, staged

_READ_SECRETS = """
seen = []
for path in BAIT["secrets"]:
    try:
        if holds(open(path, "rb").read()):
            reached(f"read {path}")
        seen.append("read something else")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(f"files: {told(seen)}")
"""
_SHADOW = """
text = open("/etc/shadow").read()
reached("read") if text.startswith("root:") else stopped("another file is there")
"""
_CODE = """
text = open(BAIT["code"]).read()
reached("read") if "What attacks try to reach" in text else stopped("another file is there")
"""
_PROC_ROOT = """
seen = []
for pid in [name for name in os.listdir("/proc") if name.isdigit()] + ["self"]:
    for start in ("root", "cwd", "root/workspace"):
        for path in ("/secret", *BAIT["secrets"]):
            try:
                if holds(open(f"/proc/{pid}/{start}{path}", "rb").read()):
                    reached(f"read it through /proc/{pid}/{start}")
            except OSError as error:
                seen.append(name_of(error.errno))
stopped(f"paths: {told(seen)}")
"""
_WRITE_SHARED = """
def kinds():
    found = {}
    for line in open("/proc/self/mountinfo"):
        left, _, right = line.partition(" - ")
        found[left.split()[2]] = right.split()[0]
    return found

def folders():
    if not INSIDE:
        yield BAIT["folder"]
        return
    for top, inner, _ in os.walk("/"):
        depth = top.count("/")
        inner[:] = [] if depth > 3 or top in ("/proc", "/workspace") else inner
        yield top

memory, seen = {"tmpfs", "proc", "devtmpfs", "mqueue", "ramfs"}, []
types = kinds()
for folder in folders():
    try:
        device = os.stat(folder).st_dev
        if INSIDE and types.get(f"{os.major(device)}:{os.minor(device)}") in memory:
            continue
        path = os.path.join(folder, "selfcheck-wrote-this")
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        os.unlink(path)
        reached(f"wrote into {folder}")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(f"folders: {told(seen)}")
"""
_OVERWRITE = """
import shutil, sys
targets = ["/proc/self/exe", "/proc/1/exe", sys.executable, "/bin/bash"]
if not INSIDE:
    import subprocess
    copy = shutil.copy("/bin/sleep", BAIT["folder"])
    running = subprocess.Popen([copy, "5"])
    targets = [f"/proc/{running.pid}/exe"]
seen = []
for target in targets:
    try:
        os.close(os.open(target, os.O_WRONLY))
        reached(f"{target} can be written")
    except OSError as error:
        if error.errno == errno.ETXTBSY:
            reached(f"{target} could be written as soon as it isn't running")
        seen.append(name_of(error.errno))
stopped(told(seen))
"""
_DESCRIPTORS = """
seen = []
for number in range(3, 256):
    try:
        target = os.readlink(f"/proc/self/fd/{number}")
        os.fstat(number)
    except OSError:
        continue
    seen.append(target)
if seen:
    reached(f"{len(seen)} descriptors of whoever started it: {', '.join(seen)}")
stopped("no descriptor but 0, 1 and 2")
"""
_OPEN_FOLDER = """
os.open(BAIT["folder"], os.O_RDONLY)
"""
_DEVICES = """
import glob
found = ["/dev/mem", "/dev/kmem", "/dev/port", "/dev/kvm", "/dev/fuse", "/dev/net/tun",
    "/dev/vsock", "/dev/vhost-vsock", "/dev/vhost-net", "/dev/kmsg", "/dev/console", "/dev/tty0",
    "/dev/loop-control", "/dev/mapper/control", "/dev/userfaultfd", "/dev/uinput", "/dev/nvme0",
    *glob.glob("/dev/sd*"), *glob.glob("/dev/vd*"), *glob.glob("/dev/nvme*n*"),
    *glob.glob("/dev/loop[0-9]"), *glob.glob("/dev/dri/*"), *glob.glob("/dev/input/*")]
seen = []
for path in found:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        reached(f"opened {path}")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(f"devices: {told(seen)}; /dev has {' '.join(sorted(os.listdir('/dev')))}")
"""
_MAKE_DEVICE = """
import stat
seen = []
for place in ("/workspace", "/tmp", "/dev", "/dev/shm") if INSIDE else (BAIT["folder"],):
    path = f"{place}/device"
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
        os.close(os.open(path, os.O_RDONLY))
        reached(f"made and opened {path}")
    except OSError as error:
        seen.append(name_of(error.errno))
    finally:
        try:
            os.unlink(path)
        except OSError:
            pass
stopped(f"mknod: {told(seen)}")
"""
_KERNEL_SETTINGS = """
paths = ["/proc/sysrq-trigger", *(f"/proc/sys/{name}" for name in (
    "kernel/core_pattern", "kernel/modprobe", "kernel/hotplug", "kernel/hostname", "kernel/panic",
    "kernel/unprivileged_bpf_disabled", "vm/overcommit_memory", "vm/drop_caches", "fs/file-max",
    "fs/binfmt_misc/register", "net/ipv4/ip_forward", "user/max_user_namespaces")),
    "/proc/irq/0/smp_affinity", "/proc/acpi", "/proc/scsi/scsi", "/proc/bus/pci"]
seen = []
for path in paths:
    try:
        os.close(os.open(path, os.O_WRONLY))
        reached(f"{path} can be written")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(f"files: {told(seen)}")
"""
_SYS = """
seen = []
for top, inner, names in os.walk("/sys"):
    if top.count("/") > 4:
        inner.clear()
    for name in names:
        if name in ("state", "uevent_helper", "uevent", "autoprobe", "drivers_probe", "enabled"):
            try:
                os.close(os.open(os.path.join(top, name), os.O_WRONLY))
                reached(f"{top}/{name} can be written")
            except OSError as error:
                seen.append(name_of(error.errno))
    if len(seen) > 2000:
        break
stopped(f"files: {told(seen)}")
"""
_CGROUPS = """
places = [line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup" in line]
names = ("cgroup.procs", "tasks", "release_agent", "notify_on_release", "memory.max", "pids.max",
    "memory.limit_in_bytes", "cgroup.subtree_control", "cpu.max", "cpu.cfs_quota_us")
seen = []
for place in [*places, "/sys/fs/cgroup"]:
    for top, inner, files in os.walk(place):
        for name in names:
            if name in files:
                try:
                    os.close(os.open(os.path.join(top, name), os.O_WRONLY))
                    reached(f"{top}/{name} can be written")
                except OSError as error:
                    seen.append(name_of(error.errno))
        if len(seen) > 500:
            break
stopped(f"files: {told(seen)}")
"""
_KERNEL_MEMORY = """
seen = []
for path in ("/proc/kcore", "/proc/kpageflags", "/proc/kallsyms"):
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        data = os.read(descriptor, 4096)
        zeros = all(line.startswith(b"0" * 16) for line in data[:2000].splitlines() if line)
        os.close(descriptor)
        if data and not zeros:
            reached(f"{path}: {data[:40]!r}")
        seen.append("addresses hidden")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(told(seen))
"""


async def _other_session(stage: Stage) -> Outcome:
    """A second session of the same user, running at the same time."""
    async with stage.open() as neighbour, stage.open() as sandbox:
        await neighbour.put("/workspace/secret", stage.bait.secret.encode())
        command = f"DOCMILL_SELFCHECK={stage.bait.secret} sleep 100 &"
        await neighbour.call("bash", {"command": command}, timeout=5)
        seen: list[str] = []
        for script in (_PROC_ROOT, _READ_SECRETS.replace('BAIT["secrets"]', _GUESSES)):
            found = await run_inside(sandbox, stage.bait, script)
            if found.reached is not False:
                return found
            seen.append(found.evidence)
    return Outcome(False, "; ".join(seen))


_WATCH = """
import fcntl, select, signal, time
seen, signals = [], []
watch = LIBC.inotify_init1(0o4000)
if watch < 0 or LIBC.inotify_add_watch(watch, b"/usr/bin/env", 0x21) < 0:
    seen.append(name_of(ctypes.get_errno()))
signal.signal(signal.SIGIO, lambda *_: signals.append("told"))
try:
    fcntl.fcntl(os.open("/usr/bin", os.O_RDONLY), 1026, -(1 << 31) + 1)
except OSError as error:
    seen.append(name_of(error.errno))
until = time.monotonic() + (1.2 if len(seen) < 2 else 0)
while time.monotonic() < until:
    time.sleep(0.05)
    if watch >= 0 and select.select([watch], [], [], 0)[0]:
        reached("inotify tells when the host opens /usr/bin/env")
    if signals:
        reached("a signal tells when the host reads in /usr/bin")
stopped(told(seen))
"""


async def _while_host_reads(running: Awaitable[Outcome]) -> Outcome:
    """What comes of it while the host reads a program again and again."""
    task = asyncio.ensure_future(running)
    while not task.done():
        with contextlib.suppress(OSError):
            program = os.open("/usr/bin/env", os.O_RDONLY)
            os.read(program, 1)
            os.close(program)
        await asyncio.sleep(0.05)
    return await task


async def _watched(stage: Stage) -> Outcome:
    """A look at when the host runs its programs."""
    async with stage.open() as sandbox:
        return await _while_host_reads(run_inside(sandbox, stage.bait, _WATCH))


_GUESSES = '("/workspace/secret", "/tmp/secret", "/dev/shm/secret", "/run/secret")'
HOST_GONE = "the sandbox's own mount namespace: only system programs and its runtime are there"
READ_ONLY = "read-only mounts, and a user without rights"

ROOM = Room(
    "files",
    (
        scripted(
            "host-files",
            tries="Read files in the host's temporary folder, homes, the workspace and /run.",
            script=_READ_SECRETS,
            held_by=HOST_GONE,
            gives="Every file docmill's user can read: other documents, keys, results.",
        ),
        scripted(
            "shadow",
            tries="Read the host's password hashes.",
            script=_SHADOW,
            held_by="a small /etc of the sandbox's own, and a user without rights",
            gives="Password hashes of the host.",
        ),
        scripted(
            "docmill-code",
            tries="Read docmill's own program files where they are installed.",
            script=_CODE,
            held_by=HOST_GONE,
            gives="What else lies beside them: a checkout's history and settings.",
        ),
        scripted(
            "proc-root",
            tries="Reach files through /proc/PID/root and /proc/PID/cwd of any process.",
            script=_PROC_ROOT,
            held_by="the sandbox's own process namespace and /proc",
            gives="The file system of whatever process it goes through.",
        ),
        staged(
            "other-session",
            tries="Reach the files of another session's sandbox while both run.",
            inside=_other_session,
            outside=lambda bait: run_outside(bait, _PROC_ROOT),
            held_by="namespaces of each sandbox's own; another user for each where docmill is root",
            gives="Another document of the run, and what its agent makes of it.",
        ),
        staged(
            "watch-host",
            tries="Be told when the host opens the programs that both see.",
            inside=_watched,
            outside=lambda bait: _while_host_reads(run_outside(bait, _WATCH)),
            held_by="the system-call filter: no inotify, no F_NOTIFY",
            gives="Which programs the host runs, and when: a key that is used, a job that starts.",
        ),
        scripted(
            "write-shared",
            tries="Write where other sandboxes or the host would read: system, runtime, toolbox.",
            script=_WRITE_SHARED,
            held_by=READ_ONLY,
            gives="Programs of its own in every later sandbox.",
        ),
        scripted(
            "overwrite-programs",
            tries="Open running programs for writing, by path and through /proc/PID/exe.",
            script=_OVERWRITE,
            held_by=READ_ONLY,
            gives="A program that the host runs next.",
        ),
        scripted(
            "inherited-descriptors",
            tries="Use open files that whoever started the sandbox left it.",
            script=_DESCRIPTORS,
            guard=_OPEN_FOLDER,
            held_by="every descriptor is closed before a command starts",
            gives="A folder of the host to walk out from, or docmill's own connection.",
        ),
        scripted(
            "device-nodes",
            tries="Open disks, memory, /dev/kvm and other devices.",
            script=_DEVICES,
            held_by="a /dev of the sandbox's own with null, zero, full and urandom",
            gives="The disk's or the kernel's raw bytes.",
        ),
        scripted(
            "make-device",
            tries="Make a device node and open it.",
            script=_MAKE_DEVICE,
            held_by="no capability, and a user namespace's mounts have no devices",
            gives="The disk's or the kernel's raw bytes.",
        ),
        scripted(
            "kernel-settings",
            tries="Write the kernel's switches in /proc: sysrq, core_pattern, modprobe.",
            script=_KERNEL_SETTINGS,
            held_by=READ_ONLY,
            gives="A program run by the kernel as root, or a machine that restarts.",
        ),
        scripted(
            "sys-write",
            tries="Write the kernel's switches in /sys.",
            script=_SYS,
            held_by="no /sys, or a read-only one",
            gives="A program run by the kernel as root, or devices switched off.",
        ),
        scripted(
            "cgroup-escape",
            tries="Lift its own limits or set a release agent in a cgroup file system.",
            script=_CGROUPS,
            held_by="no cgroup file system, or a read-only one",
            gives="No limits; with cgroup v1 a program run by the kernel as root.",
        ),
        scripted(
            "kernel-memory",
            tries="Read the kernel's memory and its addresses from /proc.",
            script=_KERNEL_MEMORY,
            held_by="the kernel's own checks: no capability",
            gives="Secrets of all programs; addresses that make other attacks work.",
        ),
    ),
)
