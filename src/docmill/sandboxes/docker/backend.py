"""Makes sandboxes with a Docker Engine: the trial start, the image, containers, the sweep.

Refuses where a sandbox can't be had; never runs anything outside of one, or in one whose limits
aren't in force.
"""

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from pathlib import Path

from docmill.errors import PrerequisiteError, SandboxError
from docmill.sandboxes import claims
from docmill.sandboxes.base import Packages, Probe, SandboxSpec
from docmill.sandboxes.docker import image, limits, owners
from docmill.sandboxes.docker.container import Container, is_mapped
from docmill.sandboxes.docker.engine import Engine
from docmill.sandboxes.docker.form import Form
from docmill.sandboxes.docker.load import Load
from docmill.sandboxes.docker.pool import Pool
from docmill.sandboxes.docker.profile import profile
from docmill.sandboxes.docker.sandbox import DockerSandbox
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.running import PROBE_LIMITS
from docmill.sandboxes.runtime import Runtime, build_runtime

NAME = "docker"


class DockerBackend:
    """Makes sandboxes with a Docker Engine, or with whatever speaks its API.

    Args:
        cache: folder for what images are made of; default as for bubblewrap.
        tell: given a sentence before something is done that takes a while.
    """

    def __init__(
        self, cache: Path | None = None, *, tell: Callable[[str], None] = image.silent
    ) -> None:
        self._tell = tell
        self._store = LayerStore(cache or default_cache())
        self._state = claims.default_state(self._store.folder)
        self._forms: dict[tuple[str, Packages, str], tuple[str, Runtime]] = {}
        self._building = threading.Lock()
        self._probe: Probe | None = None

    @cached_property
    def _engine(self) -> Engine:
        return Engine()

    @cached_property
    def _pool(self) -> Pool:
        return Pool(self._start, starters=os.cpu_count() or 1, load=Load())

    @cached_property
    def _mapped(self) -> bool:
        return is_mapped(self._engine.info().get("SecurityOptions"))

    def probe(self) -> Probe:
        """One trial start, cached for the process; in a thread, as a loop may be running here."""
        if self._probe is None:
            with ThreadPoolExecutor(1) as thread:
                self._probe = thread.submit(asyncio.run, self._try()).result()
        return self._probe

    async def _try(self) -> Probe:
        try:
            spec = SandboxSpec(PROBE_LIMITS)
            await self._form(spec)
            begin = time.perf_counter()
            async with self._opened(spec) as sandbox:
                seconds = time.perf_counter() - begin
                await sandbox.call("ping", {}, timeout=20)
                return Probe(
                    NAME,
                    available=True,
                    version=self._engine.version,
                    enforced=sandbox.enforced,
                    lack=limits.lack(sandbox.enforced),
                    seconds=seconds,
                )
        except (PrerequisiteError, SandboxError) as error:
            return Probe(NAME, available=False, cause=error.message, remedy=error.remedy)

    def open(self, spec: SandboxSpec) -> AbstractAsyncContextManager[DockerSandbox]:
        """A fresh sandbox; see `base.SandboxBackend.open`."""
        return self._opened(spec)

    @asynccontextmanager
    async def _opened(self, spec: SandboxSpec) -> AsyncGenerator[DockerSandbox]:
        container = await self._container(await self._form(spec))
        sandbox = DockerSandbox(container)
        try:
            await sandbox.start()
            yield sandbox
        finally:
            await sandbox.stop()

    async def _container(self, form: Form) -> Container:
        """A container that has just been started, or was started ahead."""
        coming = self._pool.take(form)
        try:
            return await asyncio.wrap_future(coming)
        except asyncio.CancelledError:
            if not coming.cancel():  # it is here already, and nobody else would remove it
                await asyncio.shield(asyncio.to_thread(lambda: coming.result().remove()))
            raise

    def _start(self, form: Form) -> Container:
        container = Container(self._engine, claims.take(self._state), form)
        try:
            container.start(mapped=self._mapped)
        except BaseException:
            container.remove()
            raise
        return container

    async def _form(self, spec: SandboxSpec) -> Form:
        """What containers for this are made of; builds the image the first time."""
        key = (spec.runtime, spec.packages, spec.base_image)
        if key not in self._forms:
            await asyncio.to_thread(self._build, spec)
        name, runtime = self._forms[key]
        return Form.of(spec, image=name, runtime=runtime, seccomp=self._seccomp)

    @cached_property
    def _seccomp(self) -> str:
        """The list of system calls as a file, which Podman wants on its own machine."""
        if not self._engine.is_podman:
            return ""

        def build(folder: Path) -> None:
            (folder / "profile.json").write_text(profile())

        return str(self._store.layer("seccomp", (profile(),), build) / "profile.json")

    def _build(self, spec: SandboxSpec) -> None:
        key = (spec.runtime, spec.packages, spec.base_image)
        with self._building:
            if key in self._forms:
                return
            runtime = build_runtime(
                self._store, runtime=spec.runtime, packages=spec.packages, dropped=True
            )
            name = image.ensure(
                self._engine, self._store, runtime, base=spec.base_image, tell=self._tell
            )
            self._forms[key] = (name, runtime)

    @asynccontextmanager
    async def ahead(self, spec: SandboxSpec, *, at_once: int, in_all: int) -> AsyncGenerator[None]:
        """Have sandboxes ready while the block lasts; see `base.SandboxBackend.ahead`."""
        if not in_all:
            yield
            return
        form = await self._form(spec)
        self._pool.stock_up(form, at_once=at_once, in_all=in_all)
        try:
            yield
        finally:
            await asyncio.shield(asyncio.to_thread(self._pool.clear_out, form))

    def sweep(self) -> int:
        """Remove what killed runs left behind; returns how many sandboxes that were."""
        return owners.sweep(self._engine)
