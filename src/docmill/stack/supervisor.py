"""Starts the parts of a stack in their order, starts what dies again, stops all when told.

Each part is a process group of its own, so that whatever it starts ends with it. Knows nothing of
Prefect or documents.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docmill.processes import Process, born, offspring
from docmill.stack.parts import Part, PartStatus, StackStatus, State

Say = Callable[[str, str], None]
"""Part and what happened to it, or what it said."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what; seconds."""

    grace: float = 60.0
    """For parts to end by themselves once they are told to."""
    first_delay: float = 1.0
    """Before what died is started again; doubled each time it dies again."""
    longest_delay: float = 60.0
    steady: float = 60.0
    """A part that lived so long is as good as new."""
    poll: float = 0.2


@dataclass(slots=True)
class _Kept:
    """A part and how it is."""

    part: Part
    ready: asyncio.Event
    state: State = "waiting"
    process: asyncio.subprocess.Process | None = None
    born: int = 0
    restarts: int = 0
    since: str = ""
    note: str = ""


class Supervisor:
    """Keeps the parts of one stack running."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        say: Say,
        publish: Callable[[StackStatus], None],
        patience: Patience,
    ) -> None:
        self._kept = {part.name: _Kept(part, asyncio.Event()) for part in parts}
        self._say = say
        self._publish = publish
        self._patience = patience
        self._stopping = asyncio.Event()
        self._exit_code = 0

    async def run(self, stop: asyncio.Event) -> int:
        """Run until `stop` is set or a part can't be had; the exit code of the stack."""
        keepers = [asyncio.create_task(self._keep(kept)) for kept in self._kept.values()]
        told = asyncio.create_task(stop.wait())
        ended = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            await self._stop_all()
            await asyncio.gather(*keepers)
        finally:
            everything: list[asyncio.Task[Any]] = [*keepers, told, ended]
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)
        return self._exit_code

    async def _keep(self, kept: _Kept) -> None:
        """Start a part whenever it isn't there, until the stack stops."""
        delay = self._patience.first_delay
        self._note(kept, "waiting")
        for name in kept.part.needs:
            await self._or_stop(self._kept[name].ready)
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._live(kept)
            if self._stopping.is_set():
                break
            if kept.part.once and code == 0:
                self._note(kept, "done", "it has done its work")
                kept.ready.set()
                return
            if code in kept.part.fatal:
                self._exit_code = code
                self._note(kept, "failing", f"{_ending(code)}; the stack ends")
                self._stopping.set()
                break
            if time.monotonic() - began >= self._patience.steady:
                delay = self._patience.first_delay
            self._note(kept, "failing", f"{_ending(code)}; again in {delay:g} s")
            kept.restarts += 1
            await self._or_stop(asyncio.Event(), timeout=delay)
            delay = min(2 * delay, self._patience.longest_delay)
        self._note(kept, "stopped")

    async def _live(self, kept: _Kept) -> int:
        """One life of a part; returns its exit code."""
        part = kept.part
        try:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **part.environ},
                start_new_session=True,
            )
        except OSError as error:
            self._say(part.name, f"can't be started: {error}")
            return 127
        kept.process, kept.born = process, born(process.pid)
        self._note(kept, "starting", f"process {process.pid}")
        listening = asyncio.create_task(self._listen(part, process))
        waiting = asyncio.create_task(self._until_ready(kept))
        try:
            return await process.wait()
        finally:
            waiting.cancel()
            # what it started and left behind holds the pipe open
            _signal(process, signal.SIGKILL)
            await asyncio.gather(waiting, listening, return_exceptions=True)
            kept.process, kept.born = None, 0

    async def _until_ready(self, kept: _Kept) -> None:
        ready = kept.part.ready
        while ready is not None and not await asyncio.to_thread(ready):  # noqa: ASYNC110
            await asyncio.sleep(self._patience.poll)  # it is another process that we wait for
        self._note(kept, "running")
        if not kept.part.once:
            kept.ready.set()

    async def _listen(self, part: Part, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line longer than the reader holds
                continue
            if not line:
                return
            if text := line.decode("utf-8", "replace").rstrip():
                self._say(part.name, text)

    async def _stop_all(self) -> None:
        """Stop what nothing else needs first; what doesn't end in time is killed."""
        left = dict(self._kept)
        deadline = time.monotonic() + self._patience.grace
        while left:
            needed = {name for kept in left.values() for name in kept.part.needs}
            now = [kept for name, kept in left.items() if name not in needed] or [*left.values()]
            await asyncio.gather(*(self._end(kept, deadline) for kept in now))
            for kept in now:
                del left[kept.part.name]

    async def _drain(self, name: str, pid: int, deadline: float) -> None:
        """Let what a part has started end by itself; the part begins nothing new meanwhile."""
        own = Process(pid, born(pid))
        own.tell(signal.SIGSTOP)
        generations = offspring(pid)
        working = [each for generation in generations for each in generation]
        try:
            if working:
                self._say(name, "what it runs is told to end")
            for each in generations[0] if generations else ():
                each.tell(signal.SIGTERM)
            async with asyncio.timeout(max(1.0, deadline - time.monotonic())):
                while any(each.alive for each in working):  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(self._patience.poll)
        except TimeoutError:
            self._say(name, "what it runs did not end in time; killed")
            for each in working:
                each.tell(signal.SIGKILL)
        finally:
            own.tell(signal.SIGCONT)

    async def _end(self, kept: _Kept, deadline: float) -> None:
        process = kept.process
        if process is None:
            return
        if kept.part.drains:
            await self._drain(kept.part.name, process.pid, deadline)
        self._say(kept.part.name, "is told to end")
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(max(1.0, deadline - time.monotonic())):
                await process.wait()
        except TimeoutError:
            self._say(kept.part.name, f"did not end within {self._patience.grace:g} s; killed")
            _signal(process, signal.SIGKILL)
            await process.wait()

    async def _or_stop(self, event: asyncio.Event, *, timeout: float | None = None) -> None:
        """Wait for an event, but no longer than the stack lives."""
        tasks = {asyncio.create_task(event.wait()), asyncio.create_task(self._stopping.wait())}
        try:
            await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _note(self, kept: _Kept, state: State, note: str = "") -> None:
        kept.state, kept.note = state, note
        kept.since = datetime.now(UTC).isoformat(timespec="seconds")
        if state != "waiting":
            self._say(kept.part.name, f"{state}: {note}" if note else state)
        self._publish(self.status())

    def status(self) -> StackStatus:
        """How all parts are."""
        return StackStatus(
            pid=os.getpid(),
            parts=tuple(
                PartStatus(
                    name=name,
                    state=kept.state,
                    pid=kept.process.pid if kept.process else 0,
                    born=kept.born,
                    restarts=kept.restarts,
                    since=kept.since,
                    note=kept.note,
                )
                for name, kept in self._kept.items()
            ),
        )


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the part and all it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _ending(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
