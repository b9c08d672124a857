"""Attacks on other processes: to see them, to read them, to control them."""

from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.scripting import scripted

_ARGUMENTS = """
count = 0
for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
    try:
        if holds(open(f"/proc/{pid}/cmdline", "rb").read()):
            reached(f"among the arguments of process {pid}")
        count += 1
    except OSError:
        pass
stopped(f"{count} processes are seen, none of the host's")
"""
_ENVIRONMENT = """
count = 0
for pid in [name for name in os.listdir("/proc") if name.isdigit()]:
    try:
        if holds(open(f"/proc/{pid}/environ", "rb").read()):
            reached(f"in the environment of process {pid}")
        count += 1
    except OSError:
        pass
stopped(f"the environments of {count} processes can be read, none of the host's")
"""
_KILL = """
import signal
os.kill(BAIT["victim"], signal.SIGUSR2 if INSIDE else 0)
reached(f"process {BAIT['victim']} may be signalled")
"""
_TRACE = """
seen = []
for pid in BAIT["targets"]:
    result, error = system_call("ptrace", 0x4206, pid, 0, 0)
    if result == 0:
        reached(f"traces process {pid}")
    seen.append(error)
stopped(told(seen))
"""
_FOREIGN_MEMORY = """
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]

buffer = ctypes.create_string_buffer(8)
here = Vector(ctypes.cast(buffer, ctypes.c_void_p), 8)
there = Vector(0x10000, 8)
seen = []
for pid in BAIT["targets"]:
    for name in ("process_vm_readv", "process_vm_writev"):
        result, error = system_call(name, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        if result >= 0 or error == "EFAULT":
            reached(f"{name} of process {pid} is permitted")
        seen.append(error)
stopped(told(seen))
"""
_PROC_MEMORY = """
seen = []
for pid in BAIT["targets"]:
    for name in ("mem", "maps", "auxv", "syscall"):
        try:
            with open(f"/proc/{pid}/{name}", "r+b" if name == "mem" else "rb", 0) as file:
                if name == "mem" or file.read(16):
                    reached(f"/proc/{pid}/{name}")
        except OSError as error:
            seen.append(name_of(error.errno))
stopped(told(seen))
"""
_STEAL_DESCRIPTOR = """
seen = []
for pid in BAIT["targets"]:
    holder, error = system_call("pidfd_open", pid, 0)
    if holder < 0:
        seen.append(f"pidfd_open {error}")
        continue
    for number in range(10):
        result, error = system_call("pidfd_getfd", holder, number, 0)
        if result >= 0:
            reached(f"has descriptor {number} of process {pid}")
        seen.append(error)
stopped(told(seen))
"""
_PROC_DESCRIPTORS = """
seen = []
for pid in BAIT["targets"]:
    for number in range(12):
        path = f"/proc/{pid}/fd/{number}"
        try:
            found = os.readlink(path)
            reached(f"{path} is {found}")
        except OSError as error:
            seen.append(name_of(error.errno))
stopped(told(seen))
"""
_REAL_TIME = """
done = []
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    done.append("SCHED_FIFO")
except OSError as error:
    refused = name_of(error.errno)
try:
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    done.append("nice -10")
except OSError as error:
    refused = name_of(error.errno)
reached(", ".join(done)) if done else stopped(refused)
"""
_RAISE_LIMITS = """
import resource
seen = []
for name in ("RLIMIT_NPROC", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK"):
    kind = getattr(resource, name)
    if not INSIDE:
        found = resource.getrlimit(kind)[1]
        lower = 200 if name == "RLIMIT_NOFILE" else 1 << 33
        lower = lower if found < 0 else min(found, lower)
        resource.setrlimit(kind, (lower, lower))
    hard = resource.getrlimit(kind)[1]
    if hard == resource.RLIM_INFINITY:
        continue
    try:
        resource.setrlimit(kind, (hard, hard + 1))
        reached(f"{name} is raised")
    except ValueError as error:
        seen.append("EPERM")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(f"limits: {told(seen)}")
"""
_IMMUNE = """
with open("/proc/self/oom_score_adj") as file:
    found = file.read().strip()
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("-900")
reached(f"from {found} to -900")
"""
_CORE = """
import resource
handler = open("/proc/sys/kernel/core_pattern").read().strip()
if handler.startswith("|") and not INSIDE:
    reached(f"a crash would start {handler[1:]}")
seen = []
for wanted in (None, 0, 1, resource.RLIM_INFINITY):
    child = os.fork()
    if child == 0:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        try:
            if wanted is not None:
                resource.setrlimit(resource.RLIMIT_CORE, (wanted if INSIDE else hard, hard))
        except (ValueError, OSError):
            pass
        os.abort()
    _, status = os.waitpid(child, 0)
    if os.WCOREDUMP(status):
        reached(f"the kernel has handed a core to {handler}")
    seen.append(f"signal {os.WTERMSIG(status)} without a core")
stopped(told(seen))
"""
OWN_PROCESSES = "the sandbox's own process namespace"

ROOM = Room(
    "processes",
    (
        scripted(
            "process-arguments",
            tries="List the host's processes with their arguments.",
            script=_ARGUMENTS,
            held_by="the sandbox's own process namespace and /proc",
            gives="What runs on the host, and secrets passed as arguments.",
        ),
        scripted(
            "process-environment",
            tries="Read the environment of every process, process 1 inside included.",
            script=_ENVIRONMENT,
            held_by="the sandbox's own process namespace; what runs inside starts with nothing",
            gives="API keys of docmill and of everything else the user runs.",
        ),
        scripted(
            "kill-outside",
            tries="Signal a process of the host by its number.",
            script=_KILL,
            held_by=OWN_PROCESSES,
            gives="docmill, and everything else of its user, ended.",
        ),
        scripted(
            "ptrace",
            tries="Trace a process of the host, and process 1 inside.",
            script=_TRACE,
            held_by="the system-call filter; the process namespace; process 1 isn't dumpable",
            gives="Control over the process: its memory, its rights, its answers.",
        ),
        scripted(
            "foreign-memory",
            tries="Read and write another process's memory by process_vm_readv and its twin.",
            script=_FOREIGN_MEMORY,
            held_by="the system-call filter; the process namespace",
            gives="What other programs hold in memory; forged answers of the toolbox.",
        ),
        scripted(
            "proc-memory",
            tries="Open /proc/PID/mem, maps, auxv of the host's processes and of process 1.",
            script=_PROC_MEMORY,
            held_by="the process namespace; process 1 isn't dumpable",
            gives="What other programs hold in memory; forged answers of the toolbox.",
        ),
        scripted(
            "steal-descriptor",
            tries="Take over open files of other processes by pidfd_getfd.",
            script=_STEAL_DESCRIPTOR,
            held_by="the system-call filter; the process namespace",
            gives="The connection over which docmill is answered.",
        ),
        scripted(
            "proc-descriptors",
            tries="Reach open files of other processes through /proc/PID/fd.",
            script=_PROC_DESCRIPTORS,
            held_by="the process namespace; process 1 isn't dumpable",
            gives="The connection over which docmill is answered.",
        ),
        scripted(
            "real-time",
            tries="Get ahead of all other programs: real-time scheduling, a negative nice value.",
            script=_REAL_TIME,
            held_by="no capability, no such limits",
            gives="A processor for itself, whatever its share.",
        ),
        scripted(
            "raise-limits",
            tries="Raise its own hard limits.",
            script=_RAISE_LIMITS,
            held_by="no capability",
            gives="Whatever those limits keep.",
        ),
        scripted(
            "immune-to-oom",
            tries="Have the kernel end others first when memory is short.",
            script=_IMMUNE,
            held_by="no capability; the toolbox makes commands the first to go",
            gives="The toolbox ended in its place, so that a session is lost.",
        ),
        scripted(
            "core-dump",
            tries="Crash, so that the host's core handler runs on what the process was.",
            script=_CORE,
            held_by="a core size limit of 1, which starts no handler; the filter keeps it there",
            gives="A program of the host run as root on a hostile process, with its mistakes.",
        ),
    ),
)
