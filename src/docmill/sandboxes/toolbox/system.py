"""Calls to the kernel without the modules that usually wrap them: those take longer than the start.

Signals without `signal` (`enum`), `prctl` without `ctypes`. Shared by all modules of the toolbox.
"""

from __future__ import annotations

import _signal  # pyright: ignore[reportMissingImports]
import posix

TYPE_CHECKING = False  # the `typing` module alone would cost 10 ms of the start
if TYPE_CHECKING:
    from typing import Any

_signals: Any = _signal
SIGILL, SIGTRAP, SIGABRT, SIGKILL, SIGPIPE, SIGXCPU, SIGXFSZ = 4, 5, 6, 9, 13, 24, 25
_DUMPABLE = 4
"""PR_SET_DUMPABLE of prctl(2)."""


def leave(code: int) -> None:
    """End this process without cleaning up, as a forked child must."""
    posix._exit(code)  # pyright: ignore[reportPrivateUsage]


def is_socket(fd: int) -> bool:
    """Whether a descriptor is a socket; `stat` would take longer to import."""
    return posix.fstat(fd).st_mode & 0o170000 == 0o140000


def kill_me_after(seconds: float) -> None:
    """Have the kernel end this process then, whatever it is doing."""
    _signals.setitimer(_signals.ITIMER_REAL, seconds)


def survive_full_pipes_and_files(*, survive: bool) -> None:
    """Whether a closed pipe or a file at its limit is an error instead of the end."""
    handler = _signals.SIG_IGN if survive else _signals.SIG_DFL
    _signals.signal(SIGPIPE, handler)
    _signals.signal(SIGXFSZ, handler)


def set_dumpable(value: int) -> None:
    """Whether other processes of the same user may look into this one.

    Raises:
        OSError: the kernel refuses.
    """
    import _ctypes

    foreign: Any = _ctypes
    address = foreign.dlsym(foreign.dlopen(None, 0), "prctl")
    if foreign.call_function(address, (_DUMPABLE, value, 0, 0, 0)) != 0:
        raise OSError("prctl(PR_SET_DUMPABLE) failed")


def become_child(kept: tuple[int, ...]) -> None:
    """In a forked child: keep these descriptors only, and be the first to go if memory is short."""
    lowest = 3
    for fd in sorted(kept):
        _close_range(lowest, fd)
        lowest = fd + 1
    _close_range(lowest, 1024)
    set_dumpable(1)  # or the file would belong to root
    file = posix.open("/proc/self/oom_score_adj", posix.O_WRONLY)
    posix.write(file, b"900")
    posix.close(file)
    set_dumpable(0)


def _close_range(first: int, last: int) -> None:
    if first < last:
        posix.closerange(first, last)
