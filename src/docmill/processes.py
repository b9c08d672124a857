"""Processes as the kernel lists them: who is there, who started whom. Linux only."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A process that can't be mistaken for a later one of the same number."""

    pid: int
    born: int
    """When it started, in ticks since boot."""

    @property
    def alive(self) -> bool:
        """Whether it is still there, and hasn't ended."""
        return self.born > 0 and born(self.pid) == self.born

    def tell(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send it a signal, or its whole group, if it is still there."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                (os.killpg if group else os.kill)(self.pid, number)


class _Stat(NamedTuple):
    parent: int
    born: int
    ended: bool


def born(pid: int) -> int:
    """When a process started, in ticks since boot; 0 if it isn't there, or has ended."""
    stat = _stat(pid)
    return 0 if stat is None or stat.ended else stat.born


def offspring(pid: int) -> list[list[Process]]:
    """What a process has started: its children, then theirs, and so on."""
    children: dict[int, list[Process]] = {}
    for entry in Path("/proc").iterdir():
        stat = _stat(int(entry.name)) if entry.name.isdigit() else None
        if stat is not None and not stat.ended:
            children.setdefault(stat.parent, []).append(Process(int(entry.name), stat.born))
    found: list[list[Process]] = []
    last = children.get(pid, [])
    while last:
        found.append(last)
        last = [each for parent in last for each in children.get(parent.pid, [])]
    return found


def _stat(pid: int) -> _Stat | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # after the name, which may hold blanks and brackets itself
    fields = text.rpartition(")")[2].split()
    return _Stat(parent=int(fields[1]), born=int(fields[19]), ended=fields[0] in "ZX")
