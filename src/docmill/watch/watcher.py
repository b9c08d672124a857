"""Looks at a folder or bucket again and again, and has every drop that is complete carried.

`settling` says what is complete, `carrying` does it, the store remembers what was done. Several
watchers may look at the same place.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from docmill.documents.find import choose
from docmill.documents.sources import Candidate, Listing, list_files
from docmill.errors import DocmillError
from docmill.spec.pipeline import Pipeline
from docmill.spec.sizes import parse_size
from docmill.store.drops import DropStore, Intake
from docmill.watch.carrying import Carrier, Outcome
from docmill.watch.places import Place, forget_listings
from docmill.watch.settling import Drop, Settling, folder_of

SLOWEST = 300.0
"""Seconds between two looks at a place that can't be listed, at most."""


class Told(Protocol):
    """Who is told what a watcher does; every method returns at once and never raises."""

    def began(self, drop: str, files: int) -> None:
        """A drop is complete; its run starts."""
        ...

    def ended(self, drop: str, outcome: Outcome) -> None:
        """Its report is delivered."""
        ...

    def failed(self, what: str, error: DocmillError | OSError, seconds: float) -> None:
        """Something went wrong; it is tried again after so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, and for whom."""

    root: Path
    """The workspace."""
    pipeline: Pipeline
    drops: Path
    """Folder that what is fetched lies in while it is processed."""


class Watcher:
    """One pipeline's watched place."""

    def __init__(self, watched: Watched, store: DropStore, told: Told) -> None:
        assert watched.pipeline.watch is not None
        self._watched = watched
        self._watch = watched.pipeline.watch
        self._store = store
        self._told = told
        self._settling = Settling(self._watch.settle_seconds, self._watch.ready)
        self._carrier = Carrier(watched.root, watched.pipeline.name, self._watch, watched.drops)
        self._patience = Patience(self._watch.poll_seconds)
        self._handled: dict[str, str] = {}
        """Location → stamp of files that were carried and lie where they lay."""

    async def watch(self, stop: asyncio.Event) -> None:
        """Look until told to stop; what is under way then is finished first."""
        await self.go_on()
        while not stop.is_set():
            seconds = await self._look()
            try:
                await asyncio.wait_for(stop.wait(), seconds)
            except TimeoutError:
                continue

    async def once(self) -> None:
        """Carry everything that is complete, waiting for what there is to settle; then return."""
        await self.go_on()
        await self._look()
        while (seconds := self._settling.next_change(time.monotonic())) is not None:
            await asyncio.sleep(seconds)
            await self._look()

    async def go_on(self) -> None:
        """Finish what a watcher that died had begun."""
        for drop, files in self._store.left_behind(self._watched.pipeline.name).items():
            if all((self._carrier.folder(drop) / file.name).is_file() for file in files):
                await self._carry(drop, files)
            else:
                self._store.release(self._watched.pipeline.name, drop)

    async def _look(self) -> float:
        """Look once; returns the seconds until the next look."""
        try:
            listing = await asyncio.to_thread(self._list)
        except (DocmillError, OSError) as error:
            return self._failed(self._watch.path, error)
        self._patience.end(self._watch.path)
        files, ready = self._documents(listing)
        fresh = [file for file in files if self._handled.get(file.location) != file.stamp]
        for drop in self._settling.look(fresh, time.monotonic(), ready=ready):
            await self._take(drop)
        soon = self._settling.next_change(time.monotonic())
        return min(self._watch.poll_seconds, soon if soon is not None else SLOWEST)

    def _list(self) -> Listing:
        forget_listings(self._watch.path)
        return list_files(self._watch.path, self._watched.root)

    def _documents(self, listing: Listing) -> tuple[list[Candidate], frozenset[str]]:
        """The files that are documents, and the folders in which the marker lies."""
        outside = [place for place in self._own_places(listing) if place]
        visible = [
            one
            for one in listing.candidates
            if not any(one.name.startswith(place) for place in outside)
        ]
        marker = self._watch.ready
        ready = frozenset(
            folder_of(one.name)
            for one in visible
            if marker is not None and one.name.rpartition("/")[2] == marker
        )
        chosen, _ = choose(self._watched.pipeline.documents, listing._replace(candidates=visible))
        return [one for one in chosen if one.name.rpartition("/")[2] != marker], ready

    def _own_places(self, listing: Listing) -> list[str]:
        """Where this watcher itself writes, relative to the watched folder, if it lies within."""
        base = f"{Place(listing.base).address}/"
        places = (self._carrier.deliveries, self._carrier.finished, self._carrier.quarantine)
        return [
            f"{place.address[len(base) :]}/" if f"{place.address}/".startswith(base) else ""
            for place in places
        ]

    async def _take(self, drop: Drop) -> None:
        pipeline = self._watched.pipeline
        name = drop_name(drop)
        if not self._patience.is_over(name):
            return
        limit = parse_size(pipeline.documents.max_size)
        try:
            files = await asyncio.to_thread(self._carrier.fetch, name, drop.files, max_bytes=limit)
        except (DocmillError, OSError) as error:
            self._failed(name, error)
            return
        taken = self._store.take(pipeline.name, name, files)
        await asyncio.to_thread(self._carrier.keep_only, name, taken.new)
        if taken.new and not await self._carry(name, taken.new):
            return
        for file in taken.known:
            await asyncio.to_thread(self._carrier.put_aside, file)
        if self._watch.after != "move":
            busy = {file.location for file in taken.elsewhere}
            self._handled |= {
                file.location: file.stamp for file in drop.files if file.location not in busy
            }
        if self._watch.ready is not None and not taken.elsewhere:
            # What comes later is a drop of its own, with a marker of its own.
            marker = "/".join(part for part in (drop.folder, self._watch.ready) if part)
            await asyncio.to_thread(self._carrier.source.remove, marker)

    async def _carry(self, drop: str, files: Sequence[Intake]) -> bool:
        self._told.began(drop, len(files))
        pipeline = self._watched.pipeline.name
        try:
            outcome = await self._carrier.carry(drop, files)
        except (DocmillError, OSError) as error:
            self._store.release(pipeline, drop)
            self._failed(drop, error)
            return False
        self._store.settle(pipeline, done=outcome.done, failed=outcome.failed)
        self._patience.end(drop)
        self._told.ended(drop, outcome)
        return True

    def _failed(self, what: str, error: DocmillError | OSError) -> float:
        seconds = self._patience.longer(what)
        self._told.failed(what, error, seconds)
        return seconds


class Patience:
    """How long to wait before something that failed is tried again: twice as long every time."""

    def __init__(self, first: float) -> None:
        self._first = first
        self._waits: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def longer(self, what: str) -> float:
        """It failed again; returns the seconds to wait."""
        seconds = min(2 * self._waits.get(what, self._first / 2), SLOWEST)
        self._waits[what] = seconds
        self._until[what] = time.monotonic() + seconds
        return seconds

    def is_over(self, what: str) -> bool:
        """Whether it may be tried."""
        return self._until.get(what, 0.0) <= time.monotonic()

    def end(self, what: str) -> None:
        """It went well."""
        self._waits.pop(what, None)
        self._until.pop(what, None)


def drop_name(drop: Drop) -> str:
    """A name for a drop: its first look in UTC to the day, its folder, and what is in it."""
    content = "\n".join(f"{file.name} {file.size} {file.stamp}" for file in drop.files)
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:10]
    return f"{datetime.now(UTC):%Y-%m-%d}-{digest}"
