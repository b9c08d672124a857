"""Attacks that take more than was given; a control takes what its script names and no more."""

from dataclasses import replace

from docmill.sandboxes.selfcheck.base import LIMITS, MIB, Room
from docmill.sandboxes.selfcheck.scripting import scripted

SMALL = replace(LIMITS, memory=48 * MIB)
LITTLE_TIME = replace(LIMITS, cpus=0.1)
_PROCESSES = LIMITS.pids + 30
_BYTES = LIMITS.memory + 64 * MIB
_DISK = LIMITS.disk + 16 * MIB
_FILES = 70_000
"""A file of a memory file system takes a kilobyte of the kernel's memory."""

_FORKS = f"""
import signal, time
children = []
try:
    while len(children) < {_PROCESSES}:
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
_THREADS = f"""
import _thread
_thread.stack_size(65536)
lock = _thread.allocate_lock()
lock.acquire()
count = 0
try:
    while count < {_PROCESSES}:
        _thread.start_new_thread(lock.acquire, ())
        count += 1
except RuntimeError:
    stopped(f"{{count}} threads, then no more")
reached(f"{{count}} threads")
"""
_MEMORY = f"""
import mmap
with mmap.mmap(-1, {_BYTES}) as memory:
    for place in range(0, {_BYTES}, 4096):
        memory[place] = 1
    reached("has {_BYTES} bytes")
"""
_MEMORY_OF_MANY = f"""
import signal
parts, children, ready = 6, [], []
for _ in range(parts):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        memory = bytearray(b"x") * ({_BYTES} // parts)
        os.write(writing, b"!")
        signal.pause()
    os.close(writing)
    children.append(child)
    ready.append(os.read(reading, 1))
alive = [child for child in children if os.waitpid(child, os.WNOHANG)[0] == 0]
for child in alive:
    os.kill(child, signal.SIGKILL)
if len(alive) == parts and all(ready):
    reached(f"{{parts}} processes have {_BYTES} bytes")
stopped(f"{{parts - len(alive)}} of {{parts}} processes were ended")
"""
_MEMORY_FILES = f"""
files, total = [], 0
while total < {_BYTES}:
    files.append(os.memfd_create("selfcheck"))
    for _ in range(16):
        total += os.write(files[-1], bytes({MIB}))
reached(f"{{total}} bytes in {{len(files)}} files of memory")
"""
_SHARED_MEMORY = f"""
LIBC.shmat.restype = ctypes.c_void_p
total = 0
while total < {_BYTES}:
    segment = LIBC.shmget(0, {16 * MIB}, 0o600)
    if segment < 0:
        stopped(f"shmget: {{name_of(ctypes.get_errno())}}")
    place = LIBC.shmat(segment, None, 0)
    LIBC.shmctl(segment, 0, None)
    if place in (None, ctypes.c_void_p(-1).value):
        stopped(f"after {{total}} bytes shmat: {{name_of(ctypes.get_errno())}}")
    ctypes.memset(place, 1, {16 * MIB})
    total += {16 * MIB}
reached(f"{{total}} bytes of shared memory")
"""
_PIPES = f"""
import fcntl, resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
total, pipes = 0, []
while total < {SMALL.memory + 16 * MIB}:
    reading, writing = os.pipe()
    pipes.append((reading, writing))
    try:
        fcntl.fcntl(writing, 1031, {MIB})
    except OSError:
        pass
    os.set_blocking(writing, False)
    try:
        while True:
            total += os.write(writing, bytes(65536))
    except BlockingIOError:
        pass
reached(f"{{total}} bytes in {{len(pipes)}} pipes")
"""
_FILL = f"""
def fill(folder):
    total = 0
    paths = []
    try:
        while total < {_DISK}:
            paths.append(os.path.join(folder, f"selfcheck-{{os.getpid()}}-{{len(paths)}}"))
            with open(paths[-1], "wb", 0) as file:
                for _ in range(4):
                    total += file.write(bytes({MIB}))
        reached(f"{{total}} bytes in {{folder}}")
    except OSError as error:
        return f"{{total}} bytes, then {{name_of(error.errno)}}"
    finally:
        for path in paths:
            if os.path.lexists(path):
                os.unlink(path)
"""
_DISK_BOMB = f"""{_FILL}
stopped(fill("/workspace" if INSIDE else "."))
"""
_DISK_ELSEWHERE = f"""{_FILL}
device = os.stat("/workspace").st_dev if INSIDE else -1
seen = []
for top, inner, _ in os.walk("/" if INSIDE else "."):
    if top in ("/proc", "/sys", "/workspace") or top.count("/") > 3:
        inner.clear()
        continue
    if os.access(top, os.W_OK) and os.stat(top).st_dev != device:
        seen.append(f"{{top}}: {{fill(top)}}")
stopped("; ".join(seen) or "no other folder can be written")
"""
_TMPFS = """
os.makedirs("mounted", exist_ok=True)
if system_call("unshare", 0x20000)[0] == 0 or system_call("unshare", 0x10020000)[0] == 0:
    LIBC.mount(b"none", b"/", None, 0x44000, None)
    LIBC.mount(b"none", b"mounted", b"tmpfs", 0, None)
"""
_INODES = f"""
folder = os.open("/workspace" if INSIDE else "mounted", os.O_RDONLY)
for number in range({_FILES}):
    os.mknod(f"selfcheck-{{number}}", dir_fd=folder)
reached("{_FILES} files")
"""
_DESCRIPTORS = """
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
try:
    while len(held) < 1100:
        held.append(os.dup(1))
except OSError as error:
    refused, count = name_of(error.errno), len(held)
else:
    refused, count = "", len(held)
for number in held:
    os.close(number)
stopped(f"{count} open files, then {refused}") if refused else reached(f"{count} open files")
"""
_PROCESSOR = f"""
import resource, time
children, begin = [], time.monotonic()
for _ in range(4):
    child = os.fork()
    if child == 0:
        while time.monotonic() - begin < 1.5:
            pass
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
share = (used.ru_utime + used.ru_stime) / (time.monotonic() - begin)
told = f"{{share:.2f}} processors, given {LITTLE_TIME.cpus:g}"
reached(told) if share > {LITTLE_TIME.cpus * 1.6} else stopped(told)
"""
_HUGE_FILE = """
try:
    with open("selfcheck-sparse", "wb") as file:
        file.truncate(1 << 40)
    reached(f"a file of {os.stat('selfcheck-sparse').st_size} bytes")
finally:
    os.unlink("selfcheck-sparse")
"""
MEMORY = "the memory cgroup"

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
            "thread-bomb",
            tries="Start more threads than the sandbox may have processes.",
            script=_THREADS,
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
        scripted(
            "memory-of-many",
            tries="Take more memory than the sandbox may have, with several processes.",
            script=_MEMORY_OF_MANY,
            held_by=MEMORY,
            gives="A host out of memory, which ends other programs.",
            limits=LIMITS,
        ),
        scripted(
            "memory-files",
            tries="Take memory in files of memory, which are nobody's address space.",
            script=_MEMORY_FILES,
            held_by=MEMORY,
            gives="A host out of memory, which ends other programs.",
            limits=LIMITS,
        ),
        scripted(
            "shared-memory",
            tries="Take memory in System V segments, which outlive their process.",
            script=_SHARED_MEMORY,
            held_by="the memory cgroup; the sandbox's own IPC namespace, gone with it",
            gives="Memory lost to the host until it restarts.",
            limits=LIMITS,
        ),
        scripted(
            "pipe-bomb",
            tries="Take the kernel's memory in full pipes.",
            script=_PIPES,
            held_by="the memory cgroup; the kernel's own limit per user, but for root",
            gives="A host out of memory, which ends other programs.",
            limits=SMALL,
        ),
        scripted(
            "disk-bomb",
            tries="Write more than the sandbox's disk holds.",
            script=_DISK_BOMB,
            held_by="a memory file system of that size",
            gives="A host with a full disk.",
            limits=LIMITS,
        ),
        scripted(
            "disk-elsewhere",
            tries="Write that much anywhere else: /dev/shm, /tmp, /run.",
            script=_DISK_ELSEWHERE,
            held_by="everything else is read-only, or as small",
            gives="A host with a full disk.",
            limits=LIMITS,
        ),
        scripted(
            "inode-bomb",
            tries=f"Make {_FILES} empty files.",
            guard=_TMPFS,
            script=_INODES,
            held_by="the memory cgroup, which counts what the kernel needs for a file",
            gives="The host's memory, or all names its disk can hold.",
            limits=SMALL,
        ),
        scripted(
            "huge-file",
            tries="Make a sparse file of a terabyte.",
            script=_HUGE_FILE,
            held_by="the limit of a file's size",
            gives="Backups and readers of the host that take it at its word.",
            limits=LIMITS,
        ),
        scripted(
            "descriptor-bomb",
            tries="Open more files than a process may.",
            script=_DESCRIPTORS,
            held_by="the limit of open files per process, and that of processes",
            gives="A host that can't open files.",
        ),
        scripted(
            "processor-bomb",
            tries="Compute with four processes at once.",
            script=_PROCESSOR,
            held_by="the cpu cgroup",
            gives="A host with no time for anything else.",
            limits=LITTLE_TIME,
        ),
    ),
)
