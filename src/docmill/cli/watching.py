"""`docmill watch`: drops in a folder or bucket become runs, until Ctrl-C."""

import asyncio
from collections.abc import Mapping

from docmill.batch.state import open_state
from docmill.cli.console import inert, put, talk
from docmill.cli.workspace import chosen, here
from docmill.errors import DocmillError, Problem, SpecError
from docmill.flow.hosting import stop_on_signals
from docmill.store.drops import DropStore
from docmill.watch.carrying import Outcome
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
        talk(f"{what}: {inert(str(error))}\nTried again in {seconds:.0f} s.")


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
    with open_state(loaded) as state:
        watched = Watched(loaded.root, spec, loaded.state_folder / "drops" / name)
        watcher = Watcher(watched, DropStore(state.engine), Telling())
        talk(f"Watching {spec.watch.path} for {name}; Ctrl-C ends it.")
        asyncio.run(_watch(watcher, once=once))


async def _watch(watcher: Watcher, *, once: bool) -> None:
    if once:
        await watcher.once()
        return
    stop = asyncio.Event()
    with stop_on_signals(stop.set):
        await watcher.watch(stop)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in counts.items())
