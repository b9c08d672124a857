"""A shard: carries out the documents that a run's coordinator deals to it, then ends.

The other side of `dealing`; started by `docmill shard` wherever a worker is. It stands on the same
specs and the same store, or refuses to come.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from docmill.batch.attempts import Attempts
from docmill.batch.letters import Answer, answer_text, read_document_text
from docmill.batch.shardlife import LONGEST_LOOK
from docmill.errors import PrerequisiteError, RunError, SessionError
from docmill.plan import CompiledPipeline
from docmill.records.results import RunInfo
from docmill.store.fences import LeaseLostError, lost
from docmill.store.lease import is_ours, is_running
from docmill.store.shards import Deal, ShardStore

POLL_SECONDS = 0.2
ORPHAN_SECONDS = 120.0
"""So long a shard goes on without a coordinator: the next one takes it over as it is."""


class Terms(NamedTuple):
    """What a shard has to know of its run."""

    shard: str
    places: int
    lease_seconds: float


def check_same(info: RunInfo, compiled: CompiledPipeline, *, here: str = "") -> None:
    """Refuse to come where documents would be read differently from those of the coordinator.

    Raises:
        PrerequisiteError: with both versions.
    """
    own = here or version("docmill")
    if info.docmill_version != own:
        raise PrerequisiteError(
            f"This worker has docmill {own}; {info.id} was begun with docmill "
            f"{info.docmill_version}.",
            remedy=f"On the worker: pip install docmill=={info.docmill_version}",
        )
    specs = (f"specs of pipeline `{info.pipeline}`", info.spec_digest, compiled.spec_digest)
    packages = (
        f"packages of environment `{info.environment}`",
        info.agent.rpartition("@")[2],
        compiled.session_digest,
    )
    for what, theirs, ours in (specs, packages):
        if theirs[:12] != ours[:12]:
            raise PrerequisiteError(
                f"The {what} on this worker ({ours[:12]}) aren't those of {info.id} "
                f"({theirs[:12]}).",
                remedy="Bring the same workspace, and the same packages of its environment, to "
                "every worker: docmill deploy",
            )


class ShardWork:
    """One shard at work."""

    def __init__(
        self,
        store: ShardStore,
        terms: Terms,
        attempts: Attempts,
        *,
        root: Path,
        beats: Callable[[str], int],
        beating: AbstractContextManager[None],
    ) -> None:
        """`root` is the workspace here; `beats` counts the signs of life of a process,
        `beating` gives this one's own."""
        self._store = store
        self._terms = terms
        self._attempts = attempts
        self._root = root
        self._beats = beats
        self._beating = beating
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopped = asyncio.Event()
        self._reason = ""
        self._heard: tuple[str, int] = ("", 0)
        self._silent = 0.0
        self._looked = time.monotonic()
        self._parent = os.getppid()
        """Prefect's process; killed, it can't take this one with it."""

    def stop(self, reason: str) -> None:
        """End early; what is under way is let go, for others to take over."""
        self._reason = reason
        self._stopped.set()

    async def carry_out(self) -> str:
        """Work until the coordinator has no more; returns why it ended earlier, if it did.

        Raises:
            LeaseLostError: others have taken the documents over.
        """
        with self._beating:
            if not self._store.join(self._terms.shard, places=self._terms.places):
                return "This shard isn't wanted any more."
            try:
                while not self._stopped.is_set() and await self._look():
                    await self._pause()
            finally:
                await self._let_go()
            self._store.leave(self._terms.shard, self._reason)
        return self._reason

    async def _look(self) -> bool:
        """Begin and drop what the coordinator says; False: there is nothing more to do."""
        state = self._store.state(self._terms.shard)
        if state == "lost":
            raise lost("its documents")
        if os.getppid() != self._parent:
            self.stop("Whoever started the shard is gone.")
            return False
        self._reap()
        hand = self._store.deals(self._terms.shard)
        for deal in hand:
            if deal.state == "withdrawn":
                self._drop(deal)
        begin = [one for one in hand if one.state == "dealt"]
        begin = begin[: self._terms.places - len(self._tasks)]
        if begin:
            self._store.begin(self._terms.shard, [one.document for one in begin])
        for deal in begin:
            self._tasks[deal.document] = asyncio.create_task(self._run(deal))
        if state == "ending" and not self._tasks and not begin:
            return False
        self._listen()
        return True

    def _drop(self, deal: Deal) -> None:
        task = self._tasks.get(deal.document)
        if task is not None:
            task.cancel()
        else:
            self._store.answer(self._terms.shard, deal.document, state="gone")

    async def _run(self, deal: Deal) -> None:
        answer = await self._answer(deal)
        text = answer_text(answer)
        self._store.answer(self._terms.shard, deal.document, state="done", text=text)

    async def _answer(self, deal: Deal) -> Answer:
        document = read_document_text(deal.body, self._root)
        try:
            done = await self._attempts.carry_out(document, attempt=deal.attempt)
        except LeaseLostError:
            raise
        except (SessionError, RunError) as error:
            return Answer(error=error)
        return Answer(done.session, done.attempt)

    def _reap(self) -> None:
        """Forget tasks that have ended; what went wrong with docmill itself ends the shard."""
        for document, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[document]
                if task.cancelled():
                    self._store.answer(self._terms.shard, document, state="gone")
                else:
                    task.result()

    def _listen(self) -> None:
        """Is somebody there who takes the answers?"""
        owner = self._store.coordinator()
        heard = (owner, self._beats(owner))
        dead = not owner or (is_ours(owner) and not is_running(owner))
        if heard != self._heard and not dead:
            self._heard, self._silent = heard, 0.0
            self._looked = time.monotonic()
            return
        now = time.monotonic()
        self._silent += min(now - self._looked, LONGEST_LOOK)
        self._looked = now
        if self._silent > max(ORPHAN_SECONDS, self._terms.lease_seconds):
            self.stop("The run's coordinator is gone.")

    async def _pause(self) -> None:
        stop = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait(
                {stop, *self._tasks.values()},
                timeout=POLL_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            stop.cancel()

    async def _let_go(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
