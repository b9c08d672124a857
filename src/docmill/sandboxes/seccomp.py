"""The system-call filter of a sandbox, assembled as classic BPF (seccomp(2), linux/filter.h).

Refuses with an error what a document's reader and a shell never need and kernels had holes in.
Calls newer than the tables answer "not implemented", so programs fall back. No other policy.
"""

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from docmill.errors import PrerequisiteError

_LOAD, _EQUAL, _GREATER_EQUAL, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16
_X32 = 0x40000000
_NEW_NAMESPACES = 0x7E020080
"""CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET} of clone(2)."""
_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6: without a route they reach nothing but the sandbox itself."""
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: typing into a terminal outside."""


@dataclass(frozen=True, slots=True)
class _Machine:
    audit: int
    newest: int
    """Highest call number known to be harmless if not listed."""
    calls: Mapping[str, int]


_COMMON = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "process_mrelease": 448,
    "set_mempolicy_home_node": 450,
    "statmount": 457,
    "listmount": 458,
    "lsm_set_self_attr": 460,
}
_X86_64 = _Machine(
    0xC000003E,
    462,
    {
        **_COMMON,
        "ptrace": 101,
        "syslog": 103,
        "uselib": 134,
        "personality": 135,
        "ustat": 136,
        "sysfs": 139,
        "vhangup": 153,
        "modify_ldt": 154,
        "pivot_root": 155,
        "sysctl": 156,
        "adjtimex": 159,
        "chroot": 161,
        "sync": 162,
        "acct": 163,
        "settimeofday": 164,
        "mount": 165,
        "umount2": 166,
        "swapon": 167,
        "swapoff": 168,
        "reboot": 169,
        "sethostname": 170,
        "setdomainname": 171,
        "iopl": 172,
        "ioperm": 173,
        "create_module": 174,
        "init_module": 175,
        "delete_module": 176,
        "get_kernel_syms": 177,
        "query_module": 178,
        "quotactl": 179,
        "nfsservctl": 180,
        "lookup_dcookie": 212,
        "clock_settime": 227,
        "mbind": 237,
        "kexec_load": 246,
        "add_key": 248,
        "request_key": 249,
        "keyctl": 250,
        "inotify_init": 253,
        "migrate_pages": 256,
        "unshare": 272,
        "move_pages": 279,
        "inotify_init1": 294,
        "perf_event_open": 298,
        "fanotify_init": 300,
        "fanotify_mark": 301,
        "name_to_handle_at": 303,
        "open_by_handle_at": 304,
        "clock_adjtime": 305,
        "syncfs": 306,
        "setns": 308,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "kcmp": 312,
        "finit_module": 313,
        "kexec_file_load": 320,
        "bpf": 321,
        "userfaultfd": 323,
    },
)
_AARCH64 = _Machine(
    0xC00000B7,
    462,
    {
        **_COMMON,
        "lookup_dcookie": 18,
        "inotify_init1": 26,
        "umount2": 39,
        "mount": 40,
        "pivot_root": 41,
        "nfsservctl": 42,
        "chroot": 51,
        "vhangup": 58,
        "quotactl": 60,
        "sync": 81,
        "acct": 89,
        "personality": 92,
        "unshare": 97,
        "kexec_load": 104,
        "init_module": 105,
        "delete_module": 106,
        "clock_settime": 112,
        "syslog": 116,
        "ptrace": 117,
        "reboot": 142,
        "sethostname": 161,
        "setdomainname": 162,
        "settimeofday": 170,
        "adjtimex": 171,
        "add_key": 217,
        "request_key": 218,
        "keyctl": 219,
        "swapon": 224,
        "swapoff": 225,
        "mbind": 235,
        "migrate_pages": 238,
        "move_pages": 239,
        "perf_event_open": 241,
        "fanotify_init": 262,
        "fanotify_mark": 263,
        "name_to_handle_at": 264,
        "open_by_handle_at": 265,
        "clock_adjtime": 266,
        "syncfs": 267,
        "setns": 268,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "kcmp": 272,
        "finit_module": 273,
        "bpf": 280,
        "userfaultfd": 282,
        "kexec_file_load": 294,
    },
)
_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64, "arm64": _AARCH64}
_CLONE = {"x86_64": 56, "aarch64": 220, "arm64": 220}
_CLONE3 = 435
_SOCKETS = {"x86_64": (41, 53), "aarch64": (198, 199), "arm64": (198, 199)}
_IOCTL = {"x86_64": 16, "aarch64": 29, "arm64": 29}
_FCNTL = {"x86_64": 72, "aarch64": 25, "arm64": 25}
_NOTIFY = 1026
"""F_NOTIFY of fcntl(2): like inotify it tells when the host reads the programs both see."""
_SET_LIMIT = {"x86_64": 160, "aarch64": 164, "arm64": 164}
_LIMITS = {"x86_64": 302, "aarch64": 261, "arm64": 261}
"""prlimit64: sets a limit if its third argument points to one."""
_CORE = 4
"""RLIMIT_CORE. At 1, which `process` sets, a crash starts no program of the host's, whatever its
core_pattern; at 0 it does."""
_HUGE = (
    ({"x86_64": 9, "aarch64": 222, "arm64": 222}, 3, 0x40000),
    ({"x86_64": 319, "aarch64": 279, "arm64": 279}, 1, 0x4),
    ({"x86_64": 29, "aarch64": 194, "arm64": 194}, 2, 0x800),
)
"""mmap, memfd_create, shmget: argument and flag by which each takes the host's huge pages, which
no limit of memory counts."""


def _statement(code: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, 0, 0, value)


def _jump(code: int, value: int, yes: int, no: int) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse(number: int) -> bytes:
    return _statement(_RETURN, _ERRNO | number)


@cache
def program(machine: str | None = None) -> bytes:
    """The filter as `struct sock_filter[]` for a machine as `platform.machine()` names it.

    Raises:
        PrerequisiteError: no table for this machine.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise PrerequisiteError(
            f"The sandbox has no system-call filter for {machine} machines.",
            remedy=f"Run docmill on one of: {', '.join(_MACHINES)}",
        )
    known = _MACHINES[machine]
    parts = [
        _statement(_LOAD, _ARCH),
        _jump(_EQUAL, known.audit, 1, 0),
        _statement(_RETURN, _KILL),
        _statement(_LOAD, _NUMBER),
        _jump(_GREATER_EQUAL, _X32, 0, 1),
        _statement(_RETURN, _KILL),
        _jump(_GREATER_EQUAL, known.newest + 1, 0, 1),
        _refuse(errno.ENOSYS),
        # clone3 hides its flags from filters; without it the C library uses clone
        _jump(_EQUAL, _CLONE3, 0, 1),
        _refuse(errno.ENOSYS),
    ]
    for number in sorted(known.calls.values()):
        parts += [_jump(_EQUAL, number, 0, 1), _refuse(errno.EPERM)]
    parts += _argument_rules(machine)
    parts.append(_statement(_RETURN, _ALLOW))
    return b"".join(parts)


def _argument_rules(machine: str) -> list[bytes]:
    """Calls that depend on an argument: clone, sockets, terminal ioctls, notices, cores, pages."""
    parts = [
        _jump(_EQUAL, _CLONE[machine], 0, 4),
        _statement(_LOAD, _ARGUMENT),
        _jump(_BITS, _NEW_NAMESPACES, 0, 1),
        _refuse(errno.EPERM),
        _statement(_RETURN, _ALLOW),
    ]
    for number in _SOCKETS[machine]:
        allowed = [_jump(_EQUAL, family, 3 - place, 0) for place, family in enumerate(_FAMILIES)]
        parts += [_jump(_EQUAL, number, 0, 6), _statement(_LOAD, _ARGUMENT), *allowed]
        parts += [_refuse(errno.EAFNOSUPPORT), _statement(_RETURN, _ALLOW)]
    parts += [_jump(_EQUAL, _IOCTL[machine], 0, 5), _statement(_LOAD, _ARGUMENT + 8)]
    parts += [_jump(_EQUAL, _TERMINAL_INPUT[0], 1, 0), _jump(_EQUAL, _TERMINAL_INPUT[1], 0, 1)]
    parts += [_refuse(errno.EPERM), _statement(_RETURN, _ALLOW)]
    parts += [_jump(_EQUAL, _FCNTL[machine], 0, 4), _statement(_LOAD, _ARGUMENT + 8)]
    parts += [_jump(_EQUAL, _NOTIFY, 0, 1), _refuse(errno.EPERM), _statement(_RETURN, _ALLOW)]
    parts += [_jump(_EQUAL, _SET_LIMIT[machine], 0, 4), _statement(_LOAD, _ARGUMENT)]
    parts += [_jump(_EQUAL, _CORE, 0, 1), _refuse(errno.EPERM), _statement(_RETURN, _ALLOW)]
    parts += [_jump(_EQUAL, _LIMITS[machine], 0, 8), _statement(_LOAD, _ARGUMENT + 8)]
    parts += [_jump(_EQUAL, _CORE, 0, 5), _statement(_LOAD, _ARGUMENT + 16)]
    parts += [_jump(_EQUAL, 0, 0, 2), _statement(_LOAD, _ARGUMENT + 20)]
    parts += [_jump(_EQUAL, 0, 1, 0), _refuse(errno.EPERM), _statement(_RETURN, _ALLOW)]
    for numbers, place, flag in _HUGE:
        parts += [_jump(_EQUAL, numbers[machine], 0, 4), _statement(_LOAD, _ARGUMENT + 8 * place)]
        parts += [_jump(_BITS, flag, 0, 1), _refuse(errno.EPERM), _statement(_RETURN, _ALLOW)]
    return parts
