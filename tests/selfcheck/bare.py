"""A backend that isolates nothing: what the self-check has to find out about it."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from socket import socket
from typing import Any

from docmill.sandboxes.base import WORKSPACE, Probe, Sandbox, SandboxSpec


class BareSandbox:
    """Runs commands on the host as they are, in a folder that stands for `/workspace`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _real(self, path: str) -> Path:
        return Path(path.replace(WORKSPACE, str(self._folder), 1))

    async def call(self, op: str, args: Mapping[str, Any], *, timeout: float) -> Any:
        """`bash` only; everything else answers nothing."""
        if op != "bash":
            return None
        process = await asyncio.create_subprocess_shell(
            str(args["command"]).replace(WORKSPACE, str(self._folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env={"PATH": os.defpath},
            executable="/bin/bash",
        )
        printed, _ = await asyncio.wait_for(process.communicate(), timeout)
        return {"output": printed.decode(), "exit_code": process.returncode}

    async def put(self, path: str, data: bytes) -> None:
        """Write wherever the path leads."""
        await asyncio.to_thread(self._real(path).write_bytes, data)

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """Read whatever is there."""
        data = await asyncio.to_thread(self._real(path).read_bytes)
        return data[:max_bytes]

    def door(self) -> socket:
        """It has none."""
        raise ValueError("no door")


class BareBackend:
    """Makes bare sandboxes."""

    def probe(self) -> Probe:
        """It works everywhere."""
        return Probe("bare", available=True)

    def open(self, spec: SandboxSpec) -> AbstractAsyncContextManager[Sandbox]:
        """A folder."""
        del spec
        return self._opened()

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[Sandbox]:
        with tempfile.TemporaryDirectory() as folder:
            yield BareSandbox(Path(folder))

    def ahead(
        self, spec: SandboxSpec, *, at_once: int, in_all: int
    ) -> AbstractAsyncContextManager[None]:
        """Nothing to do."""
        del spec, at_once, in_all
        return nullcontext()

    def sweep(self) -> int:
        """Nothing to remove."""
        return 0
