"""Attacks that take more than was given; controls are bounded by what the scripts themselves do."""

from docmill.sandboxes.selfcheck.base import LIMITS, MIB, Room
from docmill.sandboxes.selfcheck.scripting import scripted

_FORKS = f"""
import signal, time
children = []
try:
    while len(children) < {LIMITS.pids + 30}:
        child = os.fork()
        if child == 0:
            time.sleep(20)
            os._exit(0)
        children.append(child)
except OSError as error:
    evidence = f"{{len(children)}} processes, then {{name_of(error.errno)}}"
else:
    evidence = ""
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
stopped(evidence) if evidence else reached(f"{{len(children)}} processes")
"""
_MEMORY = f"""
import mmap
size = {LIMITS.memory + 64 * MIB}
with mmap.mmap(-1, size) as memory:
    for place in range(0, size, 4096):
        memory[place] = 1
    reached(f"has {{size}} bytes")
"""

ROOM = Room(
    "resources",
    (
        scripted(
            "fork-bomb",
            tries="Start more processes than the sandbox may have.",
            script=_FORKS,
            held_by="the pids cgroup; without it the limit of processes per user",
            gives="A host that can't start processes.",
            limits=LIMITS,
        ),
        scripted(
            "memory-bomb",
            tries="Take more memory than the sandbox may have, in one process.",
            script=_MEMORY,
            held_by="the memory cgroup; without it the limit of each process's address space",
            gives="A host out of memory, which ends other programs.",
            limits=LIMITS,
        ),
    ),
)
