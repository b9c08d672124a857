"""The seam between docmill and whatever isolates a session.

`toolbox` is the program that runs inside; `bubblewrap` starts it. A failed command is a result;
only a lost sandbox is an error.
"""

import socket
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

WORKSPACE = "/workspace"
DOCUMENT = "/workspace/document/source"
"""Where the document's bytes lie inside, whatever its name outside."""
LAYOUT = "/workspace/document/layout"
"""Folder of `page-0001.tsv`, ...: the words of each page (`documents.layout.dump_page`)."""
PICTURES = "/workspace/document/pictures"
"""Folder of `page-0001.png`, ...: pages rendered on demand."""
OUTPUTS = "/workspace/outputs"
"""Folder of files that are kept when the session ends."""
PROXY_PORT = 3128
"""Where a sandbox with a door has its proxy, on its own loopback address."""


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits of one session in plain numbers."""

    memory: int
    """Bytes, all processes together."""
    cpus: float
    pids: int
    disk: int
    """Bytes."""
    seconds: float
    """Wall time of the whole sandbox."""
    output: int
    """Bytes a tool call may return."""
    strict: bool = False
    """Whether to refuse where memory and pids can't be limited for all processes together."""


@dataclass(frozen=True, slots=True)
class Packages:
    """What an environment asks for, per package manager."""

    pip: tuple[str, ...] = ()
    """Requirements."""
    apt: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a sandbox is to be made of."""

    limits: SandboxLimits
    runtime: str = "python3"
    packages: Packages = Packages()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """run, session: to find orphans."""
    door: bool = False
    """Whether there is a way out at all: a proxy's port inside that leads to `Sandbox.door`."""
    oci_runtime: str = ""
    """What starts Docker's containers, as the engine calls it (`runsc`); empty: its default."""
    base_image: str = ""
    """Docker's image with more tools, which the runtime is put on top of; empty: none."""


@dataclass(frozen=True, slots=True)
class Enforced:
    """One limit as it is in force."""

    limit: str
    """memory, cpus, pids, disk, seconds, output."""
    by: str
    """`cgroup v2`, `cgroup v1`, `rlimit`, `tmpfs size`, `toolbox`, or `nothing`."""
    value: str
    """As read back from the kernel."""
    together: bool = True
    """Whether it holds for all processes of the sandbox as one, not for each by itself."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Limits that don't hold for all processes together, and what would mend that."""

    limits: tuple[str, ...]
    """memory, pids, cpus."""
    cause: str
    """One sentence."""
    remedy: str
    """The command that mends it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a backend works on this machine, as one trial start has shown."""

    backend: str
    available: bool
    version: str = ""
    cause: str = ""
    """Why it isn't available, one sentence."""
    remedy: str = ""
    """The command that mends it."""
    enforced: tuple[Enforced, ...] = ()
    lack: Lack | None = None
    """Which limits are not in force for a sandbox as a whole; None: all are."""
    seconds: float = 0.0
    """How long the trial start took."""


class Sandbox(Protocol):
    """A running sandbox; one session each, never used again."""

    async def call(self, op: str, args: Mapping[str, Any], *, timeout: float) -> Any:
        """Run one toolbox operation and return its JSON result.

        Calls may be made at the same time and then run side by side, but for those of the shell
        and those that read the document, which keep their order; `timeout` starts with the work.
        Cancelling a call ends the sandbox.

        Raises:
            ToolError: the operation failed for a reason its caller can act on.
            SandboxError: the sandbox died, hung or was cut by a limit; `code` says which
                (`sandbox_lost`, `sandbox_memory`, `sandbox_timeout`, `sandbox_disk`).
        """
        ...

    async def put(self, path: str, data: bytes) -> None:
        """Write a file inside (folders are made)."""
        ...

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """Read a regular file from inside; a longer one raises ToolError."""
        ...

    def door(self) -> socket.socket:
        """Where connections made inside to 127.0.0.1:PROXY_PORT arrive: a listening socket.

        It belongs to the sandbox, which closes it; non-blocking. There is no other way out.

        Raises:
            ValueError: the sandbox was opened without one (`SandboxSpec.door`).
        """
        ...


class SandboxBackend(Protocol):
    """A way to make sandboxes."""

    def probe(self) -> Probe:
        """Start one trial sandbox and read its limits back; cached for the process."""
        ...

    def open(self, spec: SandboxSpec) -> AbstractAsyncContextManager[Sandbox]:
        """A fresh sandbox; leaving the block ends every process in it and removes its files.

        Raises:
            PrerequisiteError: no sandbox can be had here; never falls back to none.
        """
        ...

    def ahead(
        self, spec: SandboxSpec, *, at_once: int, in_all: int
    ) -> AbstractAsyncContextManager[None]:
        """While the block lasts, sandboxes like this are started before they are asked for.

        For those who will `open` `in_all` of them, `at_once` at a time. Starting them goes on in
        the background, and does nothing where a start is quick anyway.
        """
        ...

    def sweep(self) -> int:
        """Remove what killed runs left behind; returns how many sandboxes that were."""
        ...
