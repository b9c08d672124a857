"""Attacks that ask for rights: those held, those of programs, those of new namespaces."""

from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.scripting import scripted

_STATUS = """
parts = [line.partition(":") for line in open("/proc/self/status")]
status = {name: value.strip() for name, _, value in parts}
"""
_CAPABILITIES = f"""{_STATUS}
held = {{name: status[name] for name in status if name.startswith("Cap")}}
got = [f"{{name}} {{value}}" for name, value in held.items() if int(value, 16)]
reached(", ".join(got)) if got else stopped("none of five sets holds any")
"""
_NEW_PRIVILEGES = f"""{_STATUS}
reached("NoNewPrivs 0") if status["NoNewPrivs"] != "1" else stopped("NoNewPrivs 1")
"""
_NO_FILTER = f"""{_STATUS}
reached(f"Seccomp {{status['Seccomp']}}") if status["Seccomp"] != "2" else stopped("Seccomp 2")
"""
_SET_USER_ID = """
import glob, shutil, stat, subprocess, time
if not INSIDE:
    own = shutil.copy("/bin/sleep", "set-user-id")
    os.chmod(own, 0o4755)
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    programs = [os.path.abspath(own)]
else:
    programs = []
    for folder in ("/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/lib/openssh", "/opt"):
        for path in glob.glob(f"{folder}/*"):
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode) and found.st_mode & stat.S_ISUID:
                programs.append(path)
before = os.geteuid()
for program in programs:
    process = subprocess.Popen([program, "3"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(20):
            status = open(f"/proc/{process.pid}/status").read()
            users = status.partition("\\nUid:")[2].splitlines()[0].split()
            if int(users[1]) != before and "\\nState:\\tZ" not in status:
                reached(f"{program} runs as user {users[1]}")
            time.sleep(0.002)
    finally:
        process.kill()
        process.communicate()
stopped(f"{len(programs)} set-user-id programs, none of them runs as another user")
"""
_BECOME_ROOT = """
seen = []
for name, work in (("setuid", lambda: os.setuid(0)), ("setgid", lambda: os.setgid(0)),
        ("setgroups", lambda: os.setgroups([0])), ("setresuid", lambda: os.setresuid(0, 0, 0))):
    try:
        in_child(work)
        reached(name)
    except OSError as error:
        seen.append("EPERM" if error.errno == errno.EINVAL else name_of(error.errno))
stopped(told(seen))
"""
_KINDS = """
KINDS = {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "pid": 0x20000000,
    "uts": 0x4000000, "ipc": 0x8000000, "cgroup": 0x2000000, "time": 0x80}
"""
_SOME_RIGHTS = """
if os.geteuid():
    system_call("unshare", 0x10000000)
"""
_USER_NAMESPACE = """
stopped(in_child(lambda: attempt("unshare", 0x10000000)))
"""
_NAMESPACES = f"""{_KINDS}
del KINDS["user"]
seen = []
for name, flag in KINDS.items():
    found = in_child(lambda: system_call("unshare", flag)[1])
    if not found:
        reached(f"a {{name}} namespace of its own")
    seen.append(found)
stopped(told(seen))
"""
_CLONE = f"""{_KINDS}
seen = []
for name, flag in KINDS.items():
    if name == "time":
        continue
    result, error = system_call("clone", flag | 17, 0, 0, 0, 0)
    if result == 0:
        os._exit(0)
    if result > 0:
        os.waitpid(result, 0)
        reached(f"a child in a {{name}} namespace of its own")
    seen.append(error)
stopped(told(seen))
"""
_CLONE3 = """
arguments = (ctypes.c_uint64 * 8)(0x10000000, 0, 0, 0, 17, 0, 0, 0)
result, error = system_call("clone3", ctypes.byref(arguments), 64)
if result == 0:
    os._exit(0)
if result > 0:
    os.waitpid(result, 0)
    reached("a child in a user namespace of its own")
stopped(error)
"""
_ENTER = """
seen = []
for pid in BAIT["targets"]:
    for name in ("net", "mnt", "pid", "ipc", "uts", "cgroup", "user"):
        try:
            handle = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
        except OSError as error:
            seen.append(name_of(error.errno))
            continue
        error = in_child(lambda: system_call("setns", handle, 0)[1])
        if not error:
            reached(f"the {name} namespace of process {pid}")
        seen.append(error)
seen.append(in_child(lambda: system_call("setns", 0, 0)[1] or reached("setns")))
stopped(told(seen))
"""
_OWN_MOUNTS = """
if system_call("unshare", 0x20000)[0] < 0 and system_call("unshare", 0x10020000)[0] < 0:
    unclear("no mount namespace can be had for the control")
LIBC.mount(b"none", b"/", None, 0x44000, None)
os.makedirs("mounted", exist_ok=True)
"""
_MOUNT = """
seen = []
for arguments in ((b"none", b"tmpfs", 0), (b"proc", b"proc", 0), (b"/", b"", 0x1000),
        (b"/usr", b"", 0x1020), (b"overlay", b"overlay", 0)):
    source, kind, flags = arguments
    result, error = system_call("mount", source, (b"/workspace" if INSIDE else b"mounted"),
        kind or None, flags, None)
    if result == 0:
        reached(f"mounted {(kind or source).decode()}")
    seen.append(error)
stopped(told(seen))
"""
_UNMOUNT = """
seen = []
places = ("/proc", "/etc", "/usr/local", "/opt/docmill", "/workspace", "/dev/null", "/")
for place in places if INSIDE else ("mounted",):
    result, error = system_call("umount2", place.encode(), 2)
    if result == 0:
        reached(f"unmounted {place}")
    seen.append(error)
stopped(told(seen))
"""
_PIVOT = """
stopped(attempt("pivot_root", b"/workspace" if INSIDE else b"mounted",
    b"/workspace" if INSIDE else b"mounted", allowed="EINVAL EBUSY"))
"""
_MOUNT_SOMETHING = (
    _OWN_MOUNTS
    + """
LIBC.mount(b"none", b"mounted", b"tmpfs", 0, None)
"""
)
_NEW_MOUNT_CALLS = """
seen = [attempt("fsopen", b"tmpfs", 1)]
seen.append(attempt("open_tree", -100, b"/", 1))
attributes = (ctypes.c_uint64 * 4)(0, 1, 0, 0)
seen.append(attempt("mount_setattr", -100, b"/usr", 0, ctypes.byref(attributes), 32,
    allowed="EINVAL"))
stopped(", ".join(seen))
"""
_CHROOT = """
start = os.open("/", os.O_RDONLY)
os.makedirs("inner", exist_ok=True)
stopped(attempt("chroot", b"inner"))
"""
_HANDLES = """
class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("kind", ctypes.c_int), ("data", ctypes.c_ubyte * 128)]

handle, mount = Handle(size=128), ctypes.c_int()
place = b"/usr" if INSIDE else b"."
found = system_call("name_to_handle_at", -100, place, ctypes.byref(handle), ctypes.byref(mount), 0)
if found[0] < 0:  # the root of most file systems
    handle = Handle(size=8, kind=1, data=(ctypes.c_ubyte * 128)(2))
folder = os.open(place, os.O_RDONLY)
stopped(attempt("open_by_handle_at", folder, ctypes.byref(handle), 0, allowed="ESTALE"))
"""
NO_RIGHTS = "no capability; the system-call filter"

ROOM = Room(
    "privileges",
    (
        scripted(
            "capabilities",
            tries="Hold a capability, in whatever set.",
            script=_CAPABILITIES,
            held_by="all are dropped before anything runs",
            gives="A piece of root's rights.",
        ),
        scripted(
            "new-privileges",
            tries="Run where programs can give it new rights.",
            script=_NEW_PRIVILEGES,
            held_by="no_new_privs",
            gives="The rights of whatever set-user-id program there is.",
        ),
        scripted(
            "no-filter",
            tries="Run without a system-call filter.",
            script=_NO_FILTER,
            held_by="the filter is loaded before anything runs, and can't be taken off",
            gives="All of the kernel's calls, with all their holes.",
        ),
        scripted(
            "set-user-id",
            tries="Become another user by a set-user-id program.",
            script=_SET_USER_ID,
            held_by="no_new_privs and mounts without set-user-id; no such user inside",
            gives="Root inside, one step from outside.",
        ),
        scripted(
            "become-root",
            tries="Become root by asking for it.",
            script=_BECOME_ROOT,
            held_by="no capability; no user 0 inside",
            gives="Root inside, one step from outside.",
        ),
        scripted(
            "user-namespace",
            tries="Make a user namespace, to have every right within it.",
            script=_USER_NAMESPACE,
            held_by="the system-call filter; bubblewrap's --disable-userns",
            gives="The kernel's code for administrators, where most of its holes were.",
        ),
        scripted(
            "namespaces",
            tries="Make any other namespace by unshare.",
            guard=_SOME_RIGHTS,
            script=_NAMESPACES,
            held_by=NO_RIGHTS,
            gives="Mounts, networks and users of its own to attack the kernel with.",
        ),
        scripted(
            "clone-namespaces",
            tries="Make a namespace by clone.",
            script=_CLONE,
            held_by=NO_RIGHTS,
            gives="Mounts, networks and users of its own to attack the kernel with.",
        ),
        scripted(
            "clone3",
            tries="Make a namespace by clone3, whose flags no filter can see.",
            script=_CLONE3,
            held_by="the filter answers that there is no such call",
            gives="The way around a filter that looks at clone only.",
        ),
        scripted(
            "enter-namespaces",
            tries="Enter the namespaces of other processes.",
            script=_ENTER,
            held_by="the process namespace; the system-call filter",
            gives="The host's files and network.",
        ),
        scripted(
            "mount",
            tries="Mount a file system, or a folder once more and writable.",
            guard=_OWN_MOUNTS,
            script=_MOUNT,
            held_by=NO_RIGHTS,
            gives="Kernel code for hostile disks; read-only folders made writable.",
        ),
        scripted(
            "unmount",
            tries="Unmount what covers other folders.",
            guard=_MOUNT_SOMETHING,
            script=_UNMOUNT,
            held_by=NO_RIGHTS,
            gives="What lies below: host folders that are covered.",
        ),
        scripted(
            "pivot-root",
            tries="Exchange the root folder.",
            guard=_MOUNT_SOMETHING,
            script=_PIVOT,
            held_by=NO_RIGHTS,
            gives="The root that bubblewrap left, if it is still held.",
        ),
        scripted(
            "new-mount-calls",
            tries="Mount by the newer calls: fsopen, open_tree, mount_setattr.",
            guard=_OWN_MOUNTS,
            script=_NEW_MOUNT_CALLS,
            held_by=NO_RIGHTS,
            gives="The way around a filter that looks at mount only.",
        ),
        scripted(
            "chroot",
            tries="Leave by chroot and an open folder.",
            guard=_SOME_RIGHTS,
            script=_CHROOT,
            held_by=NO_RIGHTS,
            gives="The folder above its root.",
        ),
        scripted(
            "file-handles",
            tries="Open files by their handle, past all paths and mounts.",
            script=_HANDLES,
            held_by=NO_RIGHTS,
            gives="Every file of a disk of which it has one folder.",
        ),
    ),
)
