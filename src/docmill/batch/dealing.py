"""Deals the documents of a run to shards, and takes them back from those that die.

The coordinator's side; `shard` is the other one. They meet in `store.shards` only: Prefect starts
the shards (`flow.coordinating`), and what it says of them is not relied upon.
"""

import asyncio
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from docmill.batch.letters import document_text, read_answer_text
from docmill.batch.observer import Observer
from docmill.batch.shardlife import Lives
from docmill.errors import PrerequisiteError, RunError, SessionError
from docmill.plan import PlannedDocument
from docmill.session.run import SessionEnd
from docmill.spec.scaling import Scale
from docmill.store.shards import Deal, ShardStore

POLL_SECONDS = 0.2
"""How often the coordinator looks at the store."""
AHEAD = 2
"""A shard has so many times its places in hand: it needn't wait for the next document."""
DEATHS = 3
"""A document that so many shards died with is given up: it may be what kills them."""
BARREN = 3
"""So many shards in a row that ended without having done anything, while none works: give up."""
LONGEST_PAUSE = 60.0
"""Seconds before another shard is asked for; from 1 on they double while shards only fail."""
PATIENCE_SECONDS = 20.0
"""So long nobody comes to read before something is said about it."""


@dataclass(slots=True)
class _Waiting:
    """A document that somebody waits for."""

    document: PlannedDocument
    attempt: int
    answer: asyncio.Future[SessionEnd]
    shard: str = ""
    """Who has it; empty: nobody yet."""
    begun: bool = False
    withdrawn: bool = False
    """Nobody wants it any more."""
    deaths: int = 0


class Dealer:
    """Implements `Attempts` by shards; open it, in the event loop, while the run lasts."""

    def __init__(
        self,
        store: ShardStore,
        scale: Scale,
        *,
        root: Path,
        observer: Observer,
        recover: Callable[[], None],
        hand: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`root` is the workspace; `recover` frees what dead processes had set aside; `hand` is the
        most documents a shard is dealt."""
        self._store = store
        self._scale = scale
        self._root = root
        self._observer = observer
        self._recover = recover
        self.hand = hand
        self._waiting: dict[str, _Waiting] = {}
        self._queue: deque[str] = deque()
        self._wanted: asyncio.Queue[str | None] = asyncio.Queue()
        self._now = now
        self._lives = Lives(scale.lease_seconds, now=now)
        self._useful: set[str] = set()
        """Shards that have done something."""
        self._over: set[str] = set()
        """Shards whose end was taken notice of."""
        self._looking: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._dismissed = False
        self._barren = 0
        self._not_before = 0.0
        self._nobody_since = self._now()
        self._spoke = False

    async def __aenter__(self) -> None:
        for shard in self._store.shards():
            if shard.state not in ("live", "ending"):
                # Of a coordinator before this one; those that live work on for this one.
                self._store.lose(shard.name)
                self._over.add(shard.name)
        self._looking = asyncio.create_task(self._keep_looking())
        self._looking.add_done_callback(self._looked)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        self._store.dismiss()

    async def carry_out(self, document: PlannedDocument, *, attempt: int) -> SessionEnd:
        """Have a shard carry the document out; being cancelled, it is withdrawn first."""
        if self._error is not None:
            raise self._error
        waiting = _Waiting(document, attempt, asyncio.get_running_loop().create_future())
        name = document.info.id
        self._waiting[name] = waiting
        self._queue.append(name)
        try:
            return await asyncio.shield(waiting.answer)
        except asyncio.CancelledError:
            await self._withdraw(waiting)
            raise
        finally:
            self._waiting.pop(name, None)
            waiting.answer.cancel()

    def look(self) -> None:
        """Take what was said, take back what the dead have in hand, deal the rest."""
        deals = self._store.deals()
        self._take(deals)
        self._bury()
        self._hand_out(Counter(one.shard for one in deals if one.state not in ("done", "gone")))
        self._want()

    async def next_shard(self) -> str | None:
        """The name of a shard that is to be started now; None: no more are."""
        shard = await self._wanted.get()
        return None if self._dismissed else shard

    async def shard_over(self, shard: str, message: str) -> None:
        """Whoever started it says that it has ended, or never began; it may be wrong."""
        states = {one.name: one.state for one in self._store.shards()}
        if states.get(shard) == "wanted":
            self._store.lose(shard)
            self._over.add(shard)
            self._failed(message)

    async def dismiss(self) -> None:
        """No document is left: wait until the shards have ended."""
        self._dismissed = True
        self._wanted.put_nowait(None)
        self._store.dismiss()
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * self._scale.lease_seconds):
                # no event tells of other processes
                while any(one.state == "ending" for one in self._store.shards()):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
        self._store.clear()

    async def _withdraw(self, waiting: _Waiting) -> None:
        name = waiting.document.info.id
        if name in self._queue:
            self._queue.remove(name)
        elif not waiting.answer.done():
            waiting.withdrawn = True
            self._store.withdraw(name)
            # Its calls under way are charged, or known to be lost, before it is settled.
            await asyncio.wait({waiting.answer}, timeout=self._scale.lease_seconds)

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(POLL_SECONDS)

    def _looked(self, looking: asyncio.Task[None]) -> None:
        """Nobody awaits that task: whoever waits for a document is told what ended it."""
        error = None if looking.cancelled() else looking.exception()
        if error is not None:
            self._stop(error)

    def _stop(self, error: BaseException) -> None:
        """No document is carried out any more."""
        if isinstance(error, PrerequisiteError):
            error = RunError(error.message, remedy=error.remedy)
        self._error = self._error or error
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(error)

    def _take(self, deals: list[Deal]) -> None:
        """Take what shards have said."""
        taken: list[str] = []
        for one in deals:
            waiting = self._waiting.get(one.document)
            if waiting is None:
                continue
            if one.document in self._queue:
                # A coordinator before this one dealt it, and the shard is still at it.
                self._queue.remove(one.document)
            waiting.shard = one.shard
            if one.state != "dealt" and not waiting.begun:
                waiting.begun = True
                self._observer.began(waiting.document, attempt=one.attempt)
            if one.state in ("done", "gone"):
                taken.append(one.document)
                self._resolve(waiting, one)
        self._store.forget(taken)

    def _resolve(self, waiting: _Waiting, deal: Deal) -> None:
        if waiting.answer.done():
            return
        if deal.state == "gone":
            if waiting.withdrawn:
                waiting.answer.cancel()
            else:  # withdrawn by a coordinator before this one
                self._put_back(waiting)
            return
        answer = read_answer_text(deal.answer)
        self._useful.add(deal.shard)
        self._barren = 0
        if answer.error is not None:
            waiting.answer.set_exception(answer.error)
            return
        findings = self._store.findings(answer.session)
        waiting.answer.set_result(SessionEnd(answer.session, findings, answer.attempt))

    def _put_back(self, waiting: _Waiting) -> None:
        waiting.shard, waiting.begun = "", False
        self._queue.appendleft(waiting.document.info.id)

    def _bury(self) -> None:
        """Take back what dead shards, and those that ended, have in hand."""
        for shard in self._lives.ended(self._store.shards()):
            if shard.name in self._over:
                continue
            self._over.add(shard.name)
            self._store.lose(shard.name)
            self._take(self._store.deals(shard.name))
            if shard.owner:
                self._recover()
            self._requeue(shard.name, died=shard.state != "ended")
            if shard.name not in self._useful and not self._dismissed:
                self._failed(shard.message or f"Shard {shard.name} died before it did anything.")

    def _requeue(self, shard: str, *, died: bool) -> None:
        for waiting in self._waiting.values():
            if waiting.shard != shard or waiting.answer.done():
                continue
            waiting.deaths += died and waiting.begun
            if waiting.withdrawn:
                waiting.answer.cancel()
            elif waiting.deaths < DEATHS:
                self._put_back(waiting)
            else:
                waiting.answer.set_exception(_deadly(waiting.document))

    def _hand_out(self, hands: Counter[str]) -> None:
        """Deal what waits to the shards that have least in hand."""
        room = {
            one.name: min(self.hand, AHEAD * one.places) - hands[one.name]
            for one in self._lives.live
        }
        if room:
            self._nobody_since = self._now()
        dealt: list[Deal] = []
        while self._queue and room:
            shard = max(room, key=room.__getitem__)
            if room[shard] <= 0:
                break
            waiting = self._waiting.get(self._queue.popleft())
            if waiting is None or waiting.answer.done():
                continue
            room[shard] -= 1
            waiting.shard = shard
            text = document_text(waiting.document, self._root)
            dealt.append(Deal(waiting.document.info.id, shard, "dealt", waiting.attempt, text))
        self._store.deal(dealt)

    def _want(self) -> None:
        """Ask for as many shards as there is work for."""
        now = self._now()
        wanted = min(self._scale.shards, len(self._waiting))
        there = len(self._lives.live) + len(self._lives.coming)
        if self._dismissed or now < self._not_before:
            return
        for _ in range(wanted - there):
            self._wanted.put_nowait(self._store.want(secrets.token_hex(3)))
        if self._lives.coming and now - self._nobody_since > PATIENCE_SECONDS and not self._spoke:
            self._spoke = True
            self._observer.preparing("No shard has begun yet; does a worker run? docmill worker")

    def _failed(self, message: str) -> None:
        """A shard came to nothing; with many of them in a row so does the run."""
        self._barren += 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self._barren - 1))
        self._not_before = self._now() + pause
        first, _, remedy = message.partition("\n")
        self._observer.preparing(f"A shard came to nothing: {first}")
        if self._barren >= BARREN and not self._lives.live:
            remedy = remedy or "Look at the states of the shards' flow runs in Prefect's UI."
            self._stop(RunError(first, remedy=remedy))


def _deadly(document: PlannedDocument) -> SessionError:
    return SessionError(
        f"{DEATHS} shards died while they read this document.",
        code="shard_lost",
        remedy="Look at what killed them (memory?), with this document alone: docmill run "
        f"-c documents.glob={document.info.name}",
    )
