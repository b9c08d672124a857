"""`docmill watch`: drops in a folder or bucket become runs, until Ctrl-C; and a run that waits."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from docmill.batch.state import open_state, server_settings
from docmill.cli.console import inert, put, talk
from docmill.cli.workspace import chosen, here
from docmill.documents.stores import advice, reason
from docmill.errors import EXIT_UNFINISHED, DocmillError, Problem, SpecError
from docmill.flow import launch, server
from docmill.flow.hosting import stop_on_signals
from docmill.flow.prefect_process import FlowSide
from docmill.store.drops import DropStore
from docmill.store.heartbeats import beating
from docmill.watch.carrying import Outcome
from docmill.watch.runs import RunsApart
from docmill.watch.watcher import Watched, Watcher


class Telling:
    """Prints what a watcher does, a line for each thing."""

    def began(self, drop: str, files: int) -> None:
        """A drop is complete."""
        talk(f"{drop}: {files} documents")

    def ended(self, drop: str, outcome: Outcome) -> None:
        """Its report is delivered."""
        put(f"{drop}: {outcome.run}  {_counts(outcome.counts)}  {outcome.delivered}")

    def failed(self, what: str, error: DocmillError | OSError, seconds: float) -> None:
        """It is tried again."""
        told = str(error)
        if isinstance(error, OSError):
            file = f"{error.filename}: " if error.filename else ""
            told = f"{file}{reason(error)}.\n{advice(error)}"
        told = "\n".join(inert(line) for line in told.splitlines())
        again = "at first soon, then every five minutes"
        talk(f"{what}: {told}\nNothing is lost; tried again in {seconds:.0f} s, {again}.")

    def mended(self, what: str) -> None:
        """It goes well again."""
        talk(f"{what}: goes well again.")


def watch(pipeline: str | None, *, once: bool) -> None:
    """Watch what the pipeline's `watch` names."""
    loaded, _ = here(pipeline)
    name = chosen(loaded, pipeline)
    loaded.check()
    spec = loaded.workspace.pipelines.get(name)
    if spec is None or spec.watch is None:
        known = [n for n, each in loaded.workspace.pipelines.items() if each.watch]
        remedy = f"pipelines that watch: {', '.join(known) or 'none'}; add `watch: FOLDER`"
        raise SpecError([Problem("command line", 0, 0, name, "it watches nothing", remedy)])
    with open_state(loaded) as state, beating(state.engine):
        watched = Watched(
            loaded.root, spec, loaded.state_folder / "drops" / name, loaded.cache_folder
        )
        runs = RunsApart(loaded.root, name)
        watcher = Watcher(watched, DropStore(state.engine), Telling(), runs)
        talk(f"Watching {spec.watch.path} for {name}; Ctrl-C ends it.")
        well = asyncio.run(_round(watcher) if once else _watch(watcher))
    if not well:
        sys.exit(EXIT_UNFINISHED)


async def _watch(watcher: Watcher) -> bool:
    """Until a signal, and then to the end of what is under way."""
    stop = asyncio.Event()
    with stop_on_signals(stop.set):
        await watcher.watch(stop)
    return True


async def _round(watcher: Watcher) -> bool:
    """A signal stops the run that is under way; the next watcher goes on with it."""
    looking = asyncio.create_task(watcher.once())

    def stop() -> None:
        looking.cancel()

    with stop_on_signals(stop):
        await asyncio.wait({looking})
    return not looking.cancelled() and looking.result()


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in counts.items())


def standby(pipeline: str, *, process: FlowSide) -> None:
    """Run a pipeline over the folder whose name comes on stdin, with all there is to be ready."""
    from docmill.batch.rehearsal import rehearsed
    from docmill.cli import running

    # One that isn't needed after all ends what it has started, wherever it stands.
    signal.signal(signal.SIGTERM, _leave)
    loaded, settings = here(pipeline)
    prefect = server_settings(loaded, settings)
    server.begin(prefect)
    with rehearsed(loaded, chosen(loaded, pipeline), settings) as library:
        launch.meet(process, server.ensure(prefect), pipeline)
        line = sys.stdin.readline()
        if line:
            documents = [f"documents.path={line.strip()}"]
            try:
                running.run(pipeline, documents, json=True, process=process, library=library)
            finally:
                _hang_up()


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(EXIT_UNFINISHED)


def _hang_up() -> None:
    """All is said: whoever listens needn't wait for the end of the process."""
    sys.stdout.flush()
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
