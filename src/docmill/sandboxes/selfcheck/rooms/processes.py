"""Attacks on other processes, and on what the sandbox's own processes may become."""

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
_TRACE = """
seen = []
for pid in BAIT["targets"]:
    result, error = system_call("ptrace", 0x4206, pid, 0, 0)
    if result == 0:
        reached(f"traces process {pid}")
    seen.append(f"process {pid}: {error}")
stopped(", ".join(seen))
"""

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
            held_by="the sandbox's own process namespace; bubblewrap and the toolbox start empty",
            gives="API keys of docmill and of everything else the user runs.",
        ),
        scripted(
            "ptrace",
            tries="Trace a process of the host, and process 1 inside.",
            script=_TRACE,
            held_by="the system-call filter; the process namespace; process 1 isn't dumpable",
            gives="Control over the process: its memory, its rights, its answers.",
        ),
    ),
)
