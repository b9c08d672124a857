"""What a stack is made of, and what is known of each part while it runs; plain data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from docmill.base import Frozen

State = Literal["waiting", "starting", "running", "failing", "done", "stopped"]
"""`waiting` for what it needs; `failing`: it died, and is started again soon; `done`: it was to run
once, and did."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False, default_factory=dict[str, str])
    needs: tuple[str, ...] = ()
    """Parts that have to be ready before it starts; they are stopped after it."""
    drains: bool = False
    """What it has started is told to end before it is, and waited for."""
    once: bool = False
    """It does something and ends; parts that need it wait for that."""
    ready: Callable[[], bool] | None = None
    """Asked, in a thread, until it says so; None: ready as soon as it runs."""
    fatal: frozenset[int] = frozenset()
    """Exit codes that no second start would change; the stack ends with them."""


class PartStatus(Frozen):
    """How a part is."""

    name: str
    state: State
    pid: int = 0
    born: int = 0
    """When the process started, in the kernel's ticks since boot: process ids are used again."""
    restarts: int = 0
    since: str = ""
    """Since when it is in this state."""
    note: str = ""


class StackStatus(Frozen):
    """How a stack is; kept in a file for whoever asks."""

    pid: int
    parts: tuple[PartStatus, ...]
