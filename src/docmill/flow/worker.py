"""The program of `docmill worker`: a worker of Prefect's that surely ends when it is told to.

The first SIGTERM or Ctrl-C begins nothing more and tells the runs to end; a second one, or a worker
that doesn't come to its end, is ended at once. `cli.working` becomes this process. Imports prefect.
"""

import argparse
import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.logging.configuration import setup_logging
from prefect.settings import get_current_settings
from prefect.workers.base import BaseWorker

from docmill.errors import EXIT_PREREQUISITE, EXIT_UNFINISHED
from docmill.flow.orphans import close_orphans, worker_name
from docmill.flow.tasks import PREFECT_ERRORS
from docmill.processes import Process, offspring

END_SECONDS = 10.0
"""How long Prefect's worker may take to end once its runs have."""
KILL_SECONDS = 2.0
"""How long it may take to note down that runs were killed."""
POLL_SECONDS = 0.2
ORPHAN_SECONDS = 60.0
"""How often it looks for runs that died with another worker of this machine."""
BUILT_IN = "process"
"""Type of the pools whose runs are processes of the worker."""


@dataclass(frozen=True, slots=True)
class Duty:
    """What a worker works for, and how it ends."""

    pool: str
    kind: str | None
    """Type of the pool; None: as the server has it."""
    queue: str | None
    limit: int | None
    """Runs at once."""
    grace: float
    """Seconds that runs have to end in once they are told to."""


class Ending:
    """What signals do: the first sets `told`, the second ends the process."""

    def __init__(self, grace: float) -> None:
        self.told = asyncio.Event()
        self._grace = grace
        self._loop = asyncio.get_running_loop()
        # Handlers of the loop would do nothing while something holds it up.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heed)

    def _heed(self, number: int, _frame: object) -> None:
        if self.told.is_set():
            die(f"Ended at once by a second {signal.Signals(number).name}.")
        say("Told to end: nothing more is begun. A second signal ends the worker at once.")
        self.told.set()
        self._loop.call_soon_threadsafe(lambda: None)  # wakes the loop up
        most = self._grace + KILL_SECONDS + 2 * END_SECONDS
        last = threading.Timer(most, die, [f"It did not end within {most:.0f} s; ended at once."])
        last.daemon = True
        last.start()


def say(text: str) -> None:
    """To stderr, whatever else is buffered: also from a signal handler."""
    with suppress(OSError):
        os.write(2, f"docmill worker: {text}\n".encode())


def die(text: str) -> NoReturn:
    """End this process and all it has started, now."""
    killed = kill_all(_runs())
    left = f" Killed with it: {runs(killed)}; the next worker says so in Prefect." if killed else ""
    say(f"{text}{left}")
    os._exit(EXIT_UNFINISHED)


def kill_all(working: Sequence[Process]) -> int:
    """Kill runs and what they have started; how many they were."""
    for run in working:
        for each in (run, *(each for generation in offspring(run.pid) for each in generation)):
            each.tell(signal.SIGKILL)
    return len(working)


def runs(number: int) -> str:
    """`3 runs`."""
    return f"{number} run" if number == 1 else f"{number} runs"


def _runs() -> list[Process]:
    """Runs of this worker that are processes of this machine."""
    generations = offspring(os.getpid())
    return generations[0] if generations else []


async def work(duty: Duty) -> int:
    """Work until told to end; the exit code."""
    kind = duty.kind or await _kind_of(duty.pool)
    found = BaseWorker.get_worker_class_from_type(kind)
    if found is None:
        say(f"A worker of a pool of the type {kind} needs Prefect's package for it.")
        return EXIT_PREREQUISITE
    settings = get_current_settings().worker
    worker: Any = found(
        name=worker_name(),
        work_pool_name=duty.pool,
        work_queues=[duty.queue] if duty.queue else None,
        limit=duty.limit,
        prefetch_seconds=settings.prefetch_seconds,
        heartbeat_interval_seconds=int(settings.heartbeat_seconds),
    )
    ending = Ending(duty.grace)
    worker.get_and_submit_flow_runs = _looking(worker, duty.pool, ending)
    working = asyncio.create_task(worker.start(printer=partial(print, flush=True)))
    told = asyncio.create_task(ending.told.wait())
    await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
    if not told.done():
        told.cancel()
        await working
        return 0
    return await _end(working, duty.grace)


def _looking(worker: Any, pool: str, ending: Ending) -> Callable[[], Awaitable[list[Any]]]:
    """What the worker does again and again: close what died, begin what is due, unless told."""
    look = worker.get_and_submit_flow_runs
    looked = -ORPHAN_SECONDS

    async def look_around() -> list[Any]:
        nonlocal looked
        if ending.told.is_set():
            return []
        if time.monotonic() - looked >= ORPHAN_SECONDS:
            looked = time.monotonic()
            with suppress(*PREFECT_ERRORS):
                for name in await close_orphans(worker.client, pool):
                    say(f"The flow run {name} died with its worker; closed in Prefect.")
        return await look()

    return look_around


async def _end(working: asyncio.Task[None], grace: float) -> int:
    """Let runs end, then the worker; its exit code."""
    killed = await _drain(grace)
    working.cancel()
    await asyncio.wait({working}, timeout=END_SECONDS)
    if not working.done():
        # A thread or a connection of Prefect's that waits for ever has nothing left to do.
        die(f"Prefect's worker did not end within {END_SECONDS:.0f} s of its runs; ended at once.")
    say("Ended.")
    return EXIT_UNFINISHED if killed else 0


async def _drain(grace: float) -> int:
    """Tell runs to end, and wait for it; how many had to be killed."""
    told: set[Process] = set()
    with suppress(TimeoutError):
        async with asyncio.timeout(grace):
            # nobody tells of other processes; one may just be starting
            while working := _runs():
                fresh = [run for run in working if run not in told]
                if fresh:
                    say(f"{runs(len(fresh))} told to end within {grace:.0f} s.")
                for run in fresh:
                    run.tell(signal.SIGTERM)
                told.update(fresh)
                await asyncio.sleep(POLL_SECONDS)
    killed = kill_all(_runs())
    if killed:
        say(f"{runs(killed)} did not end within {grace:.0f} s; killed. Nothing stored is lost.")
        await asyncio.sleep(KILL_SECONDS)
    return killed


async def _kind_of(pool: str) -> str:
    """The type that a pool has on the server."""
    async with get_client() as client:
        try:
            return (await client.read_work_pool(pool)).type
        except ObjectNotFound:
            return BUILT_IN


def main(arguments: list[str]) -> int:
    """Be the worker."""
    parser = argparse.ArgumentParser(prog="docmill worker")
    parser.add_argument("--pool", required=True)
    parser.add_argument("--kind")
    parser.add_argument("--queue")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--grace", type=float, required=True)
    duty = Duty(**vars(parser.parse_args(arguments)))
    setup_logging()
    try:
        code = asyncio.run(work(duty))
    except PREFECT_ERRORS as error:
        say(f"Prefect's server did not take the worker: {error!r}")
        code = EXIT_UNFINISHED
    sys.stdout.flush()
    # What Prefect's threads still wait for at the end of the interpreter keeps nobody.
    last = threading.Timer(END_SECONDS, os._exit, [code])
    last.daemon = True
    last.start()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
