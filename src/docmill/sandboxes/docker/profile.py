"""The system calls a container may make: a full list, which takes the place of Docker's own.

Everything else is refused, with bubblewrap's filter (`sandboxes.seccomp`) as the measure: what that
refuses isn't listed here, and what both allow answers alike. A list of what is allowed, because
Docker gives no other way to refuse the calls of kernels to come.
"""

import errno
import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

_ALLOWED = """
accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown
clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2
dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2
execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat
fchmodat2 fchown fchownat fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat
get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid
getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
getxattr io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioprio_get ioprio_set
kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat
listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier
mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mprotect mremap mseal msgctl msgget msgrcv
msgsnd msync munlock munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open
pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv
preadv2 pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom
recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq
rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr
sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile
sendmmsg sendmsg sendto set_mempolicy set_robust_list set_thread_area set_tid_address setfsgid
setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setsid
setsockopt setuid setxattr shmat shmctl shmdt shutdown sigaltstack signalfd signalfd4 splice stat
statfs statx symlink symlinkat sync_file_range sysinfo tee tgkill time timer_create timer_delete
timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times
tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write
writev
"""
"""Those of the newest kernel known here; an engine passes over names it doesn't know."""
_MACHINES = ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")
"""Named, because then runc answers "not implemented" to calls newer than all names above."""
_NEW_NAMESPACES = 0x7E020080
"""CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET} of clone(2)."""
_FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6: without a route they reach nothing but the sandbox itself."""
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: typing into a terminal outside."""
_NOTIFY = 1026
"""F_NOTIFY of fcntl(2)."""
_CORE = 4
"""RLIMIT_CORE, which stays 1: at 0 a crash starts the host's core handler."""
_HUGE = {"mmap": (3, 0x40000), "memfd_create": (1, 0x4), "shmget": (2, 0x800)}
"""Call → argument and flag by which it takes the host's huge pages."""
_WORD = 0xFFFFFFFF
"""The kernel looks at the lower half of these arguments only, so comparisons have to."""


def allowed() -> frozenset[str]:
    """The calls that may be made with any arguments."""
    return frozenset(_ALLOWED.split())


@cache
def profile() -> str:
    """The profile as the JSON that `seccomp=` takes."""
    rules = [
        _rule(sorted(allowed())),
        _rule(["clone"], [_masked(0, _NEW_NAMESPACES, 0)]),
        # clone3 hides its flags from filters; without it the C library uses clone
        _rule(["clone3"], refuse=errno.ENOSYS),
    ]
    rules += [_rule(["ioctl"], [_masked(1, *pair)]) for pair in all_but(_TERMINAL_INPUT)]
    rules += [_rule(["fcntl"], [_masked(1, *pair)]) for pair in all_but((_NOTIFY,))]
    limits = (("setrlimit", 0), ("prlimit64", 1))
    rules += [
        _rule([name], [_masked(place, *pair)])
        for name, place in limits
        for pair in all_but((_CORE,))
    ]
    reading = {"index": 2, "value": 0, "valueTwo": 0, "op": "SCMP_CMP_EQ"}
    rules.append(_rule(["prlimit64"], [_masked(1, _WORD, _CORE), reading]))
    rules += [_rule([name], [_masked(*place, 0)]) for name, place in _HUGE.items()]
    sockets = ["socket", "socketpair"]
    rules += [_rule(sockets, [_masked(0, _WORD, family)]) for family in _FAMILIES]
    rules += [
        _rule(sockets, [_masked(0, *pair)], refuse=errno.EAFNOSUPPORT)
        for pair in all_but(_FAMILIES)
    ]
    return json.dumps(
        {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": errno.EPERM,
            "archMap": [{"architecture": name, "subArchitectures": []} for name in _MACHINES],
            "syscalls": rules,
        }
    )


def all_but(values: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Masks and values that together match each 32-bit word but these, and each of them once.

    Rules of one call can't exclude each other, so the words left over are told bit by bit.
    """
    yield from _without(tuple(values), mask=0, value=0, bit=31)


def _without(
    values: tuple[int, ...], *, mask: int, value: int, bit: int
) -> Iterator[tuple[int, int]]:
    """The same, of the words that equal `value` in the bits of `mask`, which are those above."""
    if not values:
        yield mask, value
    elif bit >= 0:
        for half in (0, 1 << bit):
            inside = tuple(one for one in values if one & (1 << bit) == half)
            yield from _without(inside, mask=mask | 1 << bit, value=value | half, bit=bit - 1)


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _rule(
    names: list[str], args: list[dict[str, Any]] | None = None, *, refuse: int | None = None
) -> dict[str, Any]:
    rule: dict[str, Any] = {"names": names, "action": "SCMP_ACT_ALLOW", "args": args or []}
    if refuse is not None:
        rule |= {"action": "SCMP_ACT_ERRNO", "errnoRet": refuse}
    return rule
