"""Sandboxes by bubblewrap: no network, no host files but system programs, no environment.

`process` starts one, `cgroups` limits it, `channel` talks to it; `claims` finds what killed runs
left. Refuses where a sandbox can't be had; never runs anything outside of one.
"""

import asyncio
import os
import platform
import time
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from docmill.errors import PrerequisiteError, SandboxError
from docmill.sandboxes import cgroups, claims, seccomp
from docmill.sandboxes.base import PROXY_PORT, Enforced, Packages, Probe, SandboxSpec
from docmill.sandboxes.delegation import Obtained, here, obtain_places
from docmill.sandboxes.doors import receive_door
from docmill.sandboxes.identity import Identity
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.process import Process, end_orphans
from docmill.sandboxes.programs import Program, find_bubblewrap, remedy_for
from docmill.sandboxes.remedies import lack_of
from docmill.sandboxes.running import PROBE_LIMITS, RunningSandbox
from docmill.sandboxes.runtime import Runtime, build_runtime

NAME = "bubblewrap"
START_SECONDS = 20.0


class BubblewrapSandbox(RunningSandbox):
    """A running sandbox; made by `BubblewrapBackend.open`."""

    def __init__(self, spec: SandboxSpec, claim: claims.Claim, group: cgroups.Group) -> None:
        super().__init__(spec.limits)
        self._has_door = spec.door
        self._claim = claim
        self._group = group
        self._process: Process | None = None
        self._told: Mapping[str, Any] = {}

    async def start(self, program: Program, runtime: Runtime, identity: Identity) -> None:
        """Start bubblewrap and wait for the toolbox.

        Raises:
            PrerequisiteError: bubblewrap ends at once, as it does where it isn't allowed.
        """
        self._claim.note(self._group.folders)
        entrances = self._enter_group()
        process = Process(
            program.path,
            runtime,
            self._limits,
            seccomp=seccomp.program(),
            identity=identity,
            entrances=entrances,
            door=PROXY_PORT if self._has_door else 0,
        )
        self._process = process
        try:
            if self._has_door:
                self._door = await receive_door(process.socket, START_SECONDS)
            self._told = await self._channel.open(process.socket, START_SECONDS)
            process.adopt()
            if self._limits.strict and not self._is_limited():
                raise SandboxError("its limits of memory and pids are not in force")
        except (SandboxError, OSError) as error:
            process.kill()
            await asyncio.sleep(0.01)
            complaint = process.complaint() or str(error)
            raise PrerequisiteError(
                f"bubblewrap can't start a sandbox here: {complaint}",
                remedy=remedy_for(complaint),
            ) from error
        self._begin_time()

    def _enter_group(self) -> list[int]:
        """Descriptors of the groups to join; none where the kernel refuses them after all.

        Raises:
            PrerequisiteError: it refuses limits that have to be in force.
        """
        try:
            self._group.create(self._limits)
            return self._group.entrances()
        except OSError as error:
            self._group.destroy()
            if self._limits.strict:
                raise PrerequisiteError(
                    f"The kernel refuses a control group for the sandbox: {error}.",
                    remedy="See what is in force here: docmill doctor --sandbox",
                ) from error
            self._group = cgroups.Group((), self._claim.name)
            return []

    @cached_property
    def enforced(self) -> tuple[Enforced, ...]:
        """The limits in force, as read back."""
        return (*self._group.enforced(), *self._own_limits(self._told))

    def _is_limited(self) -> bool:
        """Whether memory and pids of all processes together are, as the kernel tells."""
        loose = {entry.limit for entry in self.enforced if not entry.together}
        return loose.isdisjoint(("memory", "pids")) and self._group.holds(self._limits)

    def _own_limits(self, told: Mapping[str, Any]) -> tuple[Enforced, ...]:
        """Limits the toolbox and the kernel's older means keep, as the sandbox has told them."""
        limits = [
            Enforced("disk", "tmpfs size", str(told["disk"])),
            Enforced("seconds", "watchdog", f"{self._limits.seconds:g}"),
            Enforced("output", "toolbox", str(self._limits.output)),
        ]
        have = {limit.limit for limit in self._group.enforced()}
        if "memory" not in have:
            value = f"{told['memory']} per process"
            limits.append(Enforced("memory", "rlimit", value, together=False))
        if "pids" not in have:
            together = _counts_by_namespace()
            limits.append(Enforced("pids", "rlimit", str(told["pids"]), together=together))
        if "cpus" not in have:
            limits.append(Enforced("cpus", "nothing", "", together=False))
        return tuple(limits)

    def _end(self) -> None:
        super()._end()
        if self._process:
            self._process.kill()

    def _out_of_memory(self) -> bool:
        return self._group.out_of_memory()

    def _bury(self) -> None:
        if self._process:
            self._process.bury()
        if self._group.destroy():
            self._claim.clear()
        self._claim.release()


class BubblewrapBackend:
    """Makes sandboxes with bubblewrap.

    Args:
        cache: folder for the runtimes sandboxes mount; default `/var/cache/docmill` for
            root, `~/.cache/docmill` for others.
        use_cgroups: False leaves limits to what works without them, as for most ordinary users.
    """

    def __init__(self, cache: Path | None = None, *, use_cgroups: bool = True) -> None:
        self._use_cgroups = use_cgroups
        self._store = LayerStore(cache or default_cache())
        self._state = claims.default_state(self._store.folder)
        self._runtimes: dict[tuple[str, Packages], Runtime] = {}
        self._probe: Probe | None = None

    @cached_property
    def _obtained(self) -> Obtained:
        return obtain_places(here()) if self._use_cgroups else Obtained(())

    @cached_property
    def _program(self) -> Program:
        return find_bubblewrap(self._store)

    def probe(self) -> Probe:
        """One trial start, cached for the process; in a thread, as a loop may be running here."""
        if self._probe is None:
            with ThreadPoolExecutor(1) as thread:
                self._probe = thread.submit(asyncio.run, self._try()).result()
        return self._probe

    async def _try(self) -> Probe:
        begin = time.perf_counter()
        try:
            async with self._opened(SandboxSpec(PROBE_LIMITS)) as sandbox:
                seconds = time.perf_counter() - begin
                await sandbox.call("ping", {}, timeout=START_SECONDS)
                return Probe(
                    NAME,
                    available=True,
                    version=self._program.version,
                    enforced=sandbox.enforced,
                    lack=lack_of(here(), self._obtained, sandbox.enforced),
                    seconds=seconds,
                )
        except (PrerequisiteError, SandboxError) as error:
            return Probe(NAME, available=False, cause=error.message, remedy=error.remedy)

    def open(self, spec: SandboxSpec) -> AbstractAsyncContextManager[BubblewrapSandbox]:
        """A fresh sandbox; see `base.SandboxBackend.open`."""
        return self._opened(spec)

    @asynccontextmanager
    async def _opened(self, spec: SandboxSpec) -> AsyncGenerator[BubblewrapSandbox]:
        runtime = await self._runtime(spec)
        claim = claims.take(self._state)
        _sweep(claim)
        group = cgroups.Group(self._obtained.places, claim.name)
        sandbox = BubblewrapSandbox(spec, claim, group)
        try:
            await sandbox.start(self._program, runtime, _identity(claim))
            yield sandbox
        finally:
            await sandbox.stop()

    @asynccontextmanager
    async def ahead(self, spec: SandboxSpec, *, at_once: int, in_all: int) -> AsyncGenerator[None]:
        """Nothing is started ahead: a start takes 15 ms."""
        del spec, at_once, in_all
        yield

    async def _runtime(self, spec: SandboxSpec) -> Runtime:
        key = (spec.runtime, spec.packages)
        if key not in self._runtimes:
            self._runtimes[key] = await asyncio.to_thread(
                build_runtime,
                self._store,
                runtime=spec.runtime,
                packages=spec.packages,
                dropped=os.geteuid() == 0,
            )
        return self._runtimes[key]

    def sweep(self) -> int:
        """Remove what killed runs left behind; returns how many sandboxes that were."""
        count = 0
        for claim in claims.leftovers(self._state):
            count += _sweep(claim)
            claim.release()
        return count


def _sweep(claim: claims.Claim) -> bool:
    """Remove what the place's dead holder left; whether there was something."""
    folders = claim.noted()
    if not folders:
        return False
    end_orphans()
    if cgroups.remove(folders):
        claim.clear()
    return True


@cache
def _counts_by_namespace() -> bool:
    """Whether the kernel counts a user's processes per user namespace (Linux 5.14)."""
    return tuple(map(int, platform.release().split(".")[:2])) >= (5, 14)


def _identity(claim: claims.Claim) -> Identity:
    """A user of the sandbox's own when root; the caller itself otherwise."""
    return Identity(claim.uid() if os.geteuid() == 0 else None)
