"""Attacks on the kernel: calls that change the machine, or that had holes."""

from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.scripting import scripted

_IO_URING = """
stopped(attempt("io_uring_setup", 8, ctypes.create_string_buffer(256)))
"""
_BPF = """
attributes = ctypes.create_string_buffer(128)
ctypes.memmove(attributes, (ctypes.c_uint32 * 4)(2, 4, 8, 1), 16)
stopped(attempt("bpf", 0, attributes, 128))
"""
_PERF = """
attributes = ctypes.create_string_buffer(128)
ctypes.memmove(attributes, (ctypes.c_uint32 * 2)(1, 128), 8)
stopped(attempt("perf_event_open", attributes, 0, -1, -1, 0))
"""
_USERFAULT = """
seen = [attempt("userfaultfd", flags) for flags in (0, 1)]
stopped(", ".join(seen))
"""
_KEYRING = """
seen = [attempt("add_key", b"user", b"docmill-selfcheck", b"x", 1, -1)]
seen.append(attempt("keyctl", 0, -3, 0))
seen.append(attempt("request_key", b"user", b"docmill-selfcheck", None, 0, allowed="ENOKEY"))
stopped(", ".join(seen))
"""
_MODULES = """
buffer = ctypes.create_string_buffer(64)
seen = [attempt("delete_module", b"docmill_selfcheck", 0x800, allowed="ENOENT"),
    attempt("init_module", buffer, 64, b"", allowed="ENOEXEC EINVAL ELIBBAD"),
    attempt("finit_module", 0, b"", 0, allowed="ENOEXEC EINVAL EBADF ELIBBAD")]
stopped(", ".join(seen))
"""
_KEXEC = """
stopped(attempt("kexec_load", 0, 0, None, 0xFFFF, allowed="EINVAL"))
"""
_REBOOT = """
stopped(attempt("reboot", 1, 1, 1, None, allowed="EINVAL"))
"""
_CLOCK = """
zone = (ctypes.c_int * 2)()
LIBC.gettimeofday(ctypes.create_string_buffer(16), zone)
stopped(attempt("settimeofday", None, zone))
"""
_HOST_NAME = """
name = os.uname().nodename.encode()
stopped(attempt("sethostname", name, len(name)))
"""
_ADMINISTRATION = """
nothing = b"/docmill-selfcheck"
seen = [attempt("swapon", nothing, 0, allowed="ENOENT"),
    attempt("acct", nothing, allowed="ENOENT")]
stopped(", ".join(seen))
"""
_PORTS = """
seen = [attempt("ioperm", 0x80, 1, 1), attempt("iopl", 3)]
stopped(", ".join(seen))
"""
_LOG = """
seen = [attempt("syslog", 10, None, 0), attempt("syslog", 3, ctypes.create_string_buffer(64), 64)]
stopped(", ".join(seen))
"""
_FANOTIFY = """
stopped(attempt("fanotify_init", 0, 0))
"""
_PERSONALITY = """
stopped(in_child(lambda: attempt("personality", 0x0040000)))
"""
_RARE = """
buffer = ctypes.create_string_buffer(64)
me = os.getpid()
seen = [attempt("kcmp", me, me, 0, 1, 1), attempt("mbind", 0, 0, 0, None, 0, 0),
    attempt("move_pages", 0, 0, None, None, buffer, 0), attempt("modify_ldt", 0, buffer, 64)]
stopped(", ".join(seen))
"""
_OTHER_ABI = """
import mmap
if platform.machine() != "x86_64":
    unclear("this machine has one way to call the kernel")
# 64-bit: push rbx; eax=20; int 0x80; pop rbx; ret - getpid as 32-bit programs ask for it
legacy = bytes.fromhex("53b814000000cd805bc3")
# x32: eax=0x40000027; syscall; ret
narrow = bytes.fromhex("b8270000400f05c3")
seen = []
for name, code in (("int 0x80", legacy), ("x32", narrow)):
    def work():
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        return ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    found = in_child(work)
    if isinstance(found, int) and found > 0:
        reached(f"{name} is answered: {found}")
    seen.append(f"{name}: {found}")
stopped(", ".join(seen))
"""
_TERMINAL = """
import fcntl, glob
seen = []
for path in ("/dev/tty", "/dev/console", "/dev/pts/0", "/dev/ptmx", "/dev/pts/ptmx"):
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NOCTTY))
        seen.append(f"opened {path}")
    except OSError as error:
        seen.append(name_of(error.errno))
for number in (0, 1, 2, *([TERMINAL] if not INSIDE else [])):
    for request in (0x5412, 0x541C):
        try:
            fcntl.ioctl(number, request, b"x" if request == 0x5412 else b"\\x02")
            reached(f"typed into descriptor {number}")
        except OSError as error:
            seen.append(name_of(error.errno))
stopped(told(seen))
"""
_OWN_TERMINAL = """
import fcntl, pty
_, TERMINAL = pty.openpty()
os.setsid() if os.getsid(0) != os.getpid() else None
fcntl.ioctl(TERMINAL, 0x540E, 0)
"""
_SYNC = """
folder = os.open("/usr" if INSIDE else "/proc", os.O_RDONLY)
seen = [attempt("syncfs", folder)]
if INSIDE:
    seen.append(attempt("sync"))
stopped(", ".join(seen))
"""
_HUGE_PAGES = """
stopped(attempt("mmap", 0, 1 << 21, 3, 0x40022, -1, 0, allowed="ENOMEM"))
"""
FILTER = "the system-call filter"
FILTER_AND_RIGHTS = "the system-call filter; no capability"

ROOM = Room(
    "kernel",
    (
        scripted(
            "io-uring",
            tries="Set up an io_uring.",
            script=_IO_URING,
            held_by=FILTER,
            gives="System calls past the filter, and code that had many holes.",
        ),
        scripted(
            "bpf",
            tries="Load programs and maps into the kernel.",
            script=_BPF,
            held_by=FILTER_AND_RIGHTS,
            gives="Code run by the kernel; its checker had holes.",
        ),
        scripted(
            "perf",
            tries="Count and sample events of the processor.",
            script=_PERF,
            held_by=FILTER,
            gives="A look at what other programs do, and code that had holes.",
        ),
        scripted(
            "userfaultfd",
            tries="Hold the kernel in the middle of reading its memory.",
            script=_USERFAULT,
            held_by=FILTER,
            gives="The time that attacks on races in the kernel need.",
        ),
        scripted(
            "keyring",
            tries="Add, read and request keys in the kernel's keyrings, which no namespace parts.",
            script=_KEYRING,
            held_by=FILTER,
            gives="Keys of other sessions of the same user; a program run to fetch one.",
        ),
        scripted(
            "kernel-modules",
            tries="Load and remove modules.",
            script=_MODULES,
            held_by=FILTER_AND_RIGHTS,
            gives="The kernel itself.",
        ),
        scripted(
            "kexec",
            tries="Load another kernel.",
            script=_KEXEC,
            held_by=FILTER_AND_RIGHTS,
            gives="The machine.",
        ),
        scripted(
            "reboot",
            tries="Restart the machine (asked for in a way that a machine refuses).",
            script=_REBOOT,
            held_by=FILTER_AND_RIGHTS,
            gives="A machine that restarts.",
        ),
        scripted(
            "set-clock",
            tries="Set the clock's time zone to what it is.",
            script=_CLOCK,
            held_by=FILTER_AND_RIGHTS,
            gives="Wrong times in logs, expired or revived certificates.",
        ),
        scripted(
            "host-name",
            tries="Set the host's name to what it is.",
            script=_HOST_NAME,
            held_by=FILTER_AND_RIGHTS,
            gives="A machine that others take for another.",
        ),
        scripted(
            "administration",
            tries="Turn on swap and accounting.",
            script=_ADMINISTRATION,
            held_by=FILTER_AND_RIGHTS,
            gives="The content of memory on a disk of its own.",
        ),
        scripted(
            "input-output-ports",
            tries="Speak to devices by their ports.",
            script=_PORTS,
            held_by=FILTER_AND_RIGHTS,
            gives="The machine's devices.",
        ),
        scripted(
            "kernel-log",
            tries="Read the kernel's messages.",
            script=_LOG,
            held_by=FILTER_AND_RIGHTS,
            gives="Addresses that make other attacks work, and what runs on the host.",
        ),
        scripted(
            "fanotify",
            tries="Watch whole file systems.",
            script=_FANOTIFY,
            held_by=FILTER,
            gives="Which files the host opens, and a say in it.",
        ),
        scripted(
            "personality",
            tries="Switch off the protections a process can switch off for its children.",
            script=_PERSONALITY,
            held_by=FILTER,
            gives="Addresses that can be foretold in programs that it attacks.",
        ),
        scripted(
            "rare-calls",
            tries="Use calls that hardly any program needs: kcmp, mbind, move_pages, modify_ldt.",
            script=_RARE,
            held_by=FILTER,
            gives="Code that is little tested and had holes.",
        ),
        scripted(
            "other-call-tables",
            tries="Call the kernel as 32-bit and x32 programs do, whose numbers differ.",
            script=_OTHER_ABI,
            held_by="the filter ends whoever does that",
            gives="Every call the filter refuses.",
        ),
        scripted(
            "sync-storm",
            tries="Have the host write everything it holds in memory to its disks.",
            script=_SYNC,
            held_by=FILTER,
            gives="Disks that are busy for everybody, at no cost of its own.",
        ),
        scripted(
            "huge-pages",
            tries="Ask for the huge pages that the host has set aside, which no limit counts.",
            script=_HUGE_PAGES,
            held_by=FILTER,
            gives="A database of the host without its memory.",
        ),
        scripted(
            "type-into-terminal",
            tries="Type into the terminal that docmill was started from.",
            guard=_OWN_TERMINAL,
            script=_TERMINAL,
            held_by="a session of its own, no terminal inside, the system-call filter",
            gives="Commands in the user's own shell.",
        ),
    ),
)
