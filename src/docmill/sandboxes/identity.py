"""The user a sandbox runs as outside: another one per sandbox when docmill is root.

`process` starts bubblewrap as that user. The kernel keeps users per thread, so the thread that
starts a process can be another user for that moment; nothing else of docmill changes.
"""

import ctypes
import os
import platform
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypedDict

_CALLS = {"x86_64": (116, 117, 119), "aarch64": (159, 147, 149)}
"""Numbers of setgroups(2), setresuid(2) and setresgid(2), which change the calling thread only."""
_ROOT = 0


class Options(TypedDict, total=False):
    """Arguments of `Popen`."""

    user: int
    group: int
    extra_groups: tuple[int, ...]


class Identity:
    """A user that is also a group; None keeps the caller's.

    Where the numbers of the calls aren't known `Popen` changes the user. It has to fork for that,
    which takes 16 ms of the event loop in a process of 200 MB; another program for it takes 2 ms.
    """

    def __init__(self, uid: int | None) -> None:
        self._uid = uid
        self._calls = _CALLS.get(platform.machine())

    @contextmanager
    def assumed(self) -> Generator[Options]:
        """Have what this thread starts in the block run as this user, without other groups.

        Root stays the thread's saved user, which a program it executes doesn't get. A thread
        begun in the block would keep what the block has.

        Raises:
            OSError: this process may not change its user.
        """
        if self._uid is None:
            yield {}
        elif self._calls is None:
            yield {"user": self._uid, "group": self._uid, "extra_groups": ()}
        else:
            set_groups, set_user, set_group = self._calls
            groups, users, own = os.getgroups(), os.getresuid(), os.getresgid()
            try:
                _call(set_groups, 0, None)
                _call(set_group, self._uid, self._uid, _ROOT)
                _call(set_user, self._uid, self._uid, _ROOT)
                yield {}
            finally:
                _call(set_user, *users)
                _call(set_group, *own)
                _call(set_groups, len(groups), (ctypes.c_uint * len(groups))(*groups))


def _call(number: int, *arguments: object) -> None:
    """A system call as it is, for the C library's functions change all threads."""
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    if ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *words) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
