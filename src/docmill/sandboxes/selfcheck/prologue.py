"""Begins every attack's script, inside a sandbox and in its control: words to say what happened.

Never imported: `scripting` sends its text ahead of the attack's own. Standard library only. A
script ends with `reached(...)` or `stopped(...)`; an `OSError` that means a refusal is the latter.
"""

import ctypes
import errno
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

BAIT: dict[str, Any] = json.loads(sys.argv[1])
INSIDE: bool = BAIT["inside"]
LIBC = ctypes.CDLL(None, use_errno=True)
MARK = "selfcheck-outcome "
_REFUSED = """
    EPERM EACCES ENOENT ENOSYS EAFNOSUPPORT EPROTONOSUPPORT ENETUNREACH EHOSTUNREACH ECONNREFUSED
    ESRCH EROFS ENOSPC EAGAIN ENOMEM EMFILE ENFILE EDQUOT EFBIG ENXIO ENODEV ENOTDIR
    EADDRNOTAVAIL ETIMEDOUT ESOCKTNOSUPPORT ENOTSUP EOPNOTSUPP EXDEV
"""
REFUSALS = frozenset(_REFUSED.split())
"""Errors that mean a refusal; any other is a mistake of the script's."""
CALLS = {
    "io_uring_setup": (425, 425),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "pidfd_open": (434, 434),
    "clone3": (435, 435),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
    "ptrace": (101, 117),
    "syslog": (103, 116),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "mount": (165, 40),
    "umount2": (166, 39),
    "swapon": (167, 224),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "iopl": (172, None),
    "ioperm": (173, None),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "mbind": (237, 235),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "move_pages": (279, 239),
    "perf_event_open": (298, 241),
    "fanotify_init": (300, 262),
    "prlimit64": (302, 261),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "finit_module": (313, 273),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "sync": (162, 81),
    "syncfs": (306, 267),
    "mmap": (9, 222),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "clone": (56, 220),
}
"""System call → number on x86_64 and aarch64; None where the machine has none."""


class Over(Exception):  # noqa: N818  # not an error
    """The script has said what happened."""


def say(outcome: bool | None, evidence: str) -> None:
    """The outcome on a line of its own, last."""
    text = json.dumps([outcome, " ".join(evidence.split())[:300]])
    sys.stdout.write(f"\n{MARK}{text}\n")
    sys.stdout.flush()


def reached(evidence: str) -> NoReturn:
    """The attack has worked."""
    say(True, evidence)
    raise Over


def stopped(evidence: str) -> NoReturn:
    """The attack was refused."""
    say(False, evidence)
    raise Over


def unclear(evidence: str) -> NoReturn:
    """It can't be told here."""
    say(None, evidence)
    raise Over


def name_of(number: int | None) -> str:
    """An error's name; a time-out of Python's own has no number."""
    return errno.errorcode.get(number or 0, str(number or "time-out"))


def told(errors: list[str]) -> str:
    """Refusals, counted: `3 EACCES, 1 ENOENT`."""
    return ", ".join(f"{errors.count(each)} {each}" for each in sorted(set(errors))) or "nothing"


def holds(data: bytes) -> bool:
    """Whether the secret is in it."""
    return any(
        hashlib.sha256(found).hexdigest() == BAIT["digest"]
        for found in re.findall(rb"bait-[0-9a-f]{32}", data)
    )


def words(arguments: tuple[Any, ...]) -> list[Any]:
    """Arguments as the kernel wants them."""
    return [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]


def system_call(name: str, *arguments: Any) -> tuple[int, str]:
    """A system call as it is: its result and the error's name."""
    number = CALLS[name][platform.machine() != "x86_64"]
    if number is None:
        return -1, "ENOSYS"
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *words(arguments))
    return result, "" if result >= 0 else name_of(ctypes.get_errno())


def attempt(name: str, *arguments: Any, allowed: str = "") -> str:
    """A call that is to be refused; those errors in `allowed` come only after permission."""
    result, error = system_call(name, *arguments)
    if result >= 0 or error in allowed.split():
        reached(f"{name}: {error or result}")
    if error not in REFUSALS:
        unclear(f"{name}: {error}")
    return f"{name}: {error}"


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` returns in a process of its own, so that it changes nothing here.

    An `OSError` there is one here.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = [work(), 0]
        except OSError as error:
            answer = [None, error.errno]
        except Over:
            os._exit(0)
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    if not answer:
        raise Over
    result, number = json.loads(answer)
    if number:
        raise OSError(number, os.strerror(number))
    return result


def run(source: str) -> None:
    """Run an attack; whatever comes of it is said."""
    try:
        exec(compile(source, "attack", "exec"), globals())  # noqa: S102
        say(None, "the script came to no end")
    except Over:
        pass
    except MemoryError:
        say(False, "no memory is given")
    except OSError as error:
        refusal = name_of(error.errno) in REFUSALS or isinstance(error, TimeoutError)
        say(False if refusal else None, f"{name_of(error.errno)}: {error}")
