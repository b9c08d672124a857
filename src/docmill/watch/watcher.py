"""Looks at a folder or bucket again and again, and has every drop that is complete carried.

`settling` says what is complete, `fetching` copies it, `carrying` does it, the store remembers what
was done, `waking` tells of changes. Several watchers may look at the same place.
"""

import asyncio
import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from docmill.documents.find import choose
from docmill.documents.hashes import HashCache, Seen
from docmill.documents.sources import Candidate, Listing, is_address, list_files
from docmill.documents.stores import forget_listings
from docmill.errors import DocmillError
from docmill.spec.pipeline import Pipeline
from docmill.spec.sizes import parse_size
from docmill.store.drops import DropStore, Intake
from docmill.watch import fetching
from docmill.watch.carrying import Carrier, Outcome
from docmill.watch.patience import Patience
from docmill.watch.places import Place
from docmill.watch.runs import Runs
from docmill.watch.settling import Drop, Settling, folder_of
from docmill.watch.waking import Waking, waking

LEAD = 20.0
"""Seconds before a drop may be complete in which its run gets ready; it holds half a gigabyte."""
TAKE_OVER = 60.0
"""Seconds between two looks for drops of watchers that died."""


class Told(Protocol):
    """Who is told what a watcher does; every method returns at once and never raises."""

    def began(self, drop: str, files: int) -> None:
        """A drop is complete; its run starts."""
        ...

    def ended(self, drop: str, outcome: Outcome) -> None:
        """Its report is delivered."""
        ...

    def failed(self, what: str, error: DocmillError | OSError, seconds: float) -> None:
        """Something went wrong; it is tried again, first after so many seconds."""
        ...

    def mended(self, what: str) -> None:
        """What went wrong goes well again."""
        ...


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, and for whom."""

    root: Path
    """The workspace."""
    pipeline: Pipeline
    drops: Path
    """Folder that copies lie in while they are processed."""
    cache: Path | None = None
    """Folder for hashes of files that were read, so that none is read twice."""


class Watcher:
    """One pipeline's watched place."""

    def __init__(self, watched: Watched, store: DropStore, told: Told, runs: Runs) -> None:
        assert watched.pipeline.watch is not None
        self._watched = watched
        self._watch = watched.pipeline.watch
        self._store = store
        self._told = told
        self._runs = runs
        self._settling = Settling(self._watch.settle_seconds, self._watch.ready)
        self._carrier = Carrier(watched.root, self._watch, watched.drops, runs)
        self._patience = Patience(self._watch.poll_seconds)
        self._hashes = HashCache(watched.cache, f"watch {self._carrier.source.address}")
        self._handled: dict[str, str] = {}
        """Location → stamp of files that were carried and lie where they lay."""
        self._taken_over = time.monotonic()
        self._took = 0.0
        """Seconds that the last listing took."""

    async def watch(self, stop: asyncio.Event) -> None:
        """Look until told to stop; what is under way then is finished first."""
        place = self._carrier.source.address
        try:
            async with waking(self._watch, place, self._events_failed) as changes:
                await self.go_on()
                while not stop.is_set():
                    seconds = await self._look(changes)
                    await changes.wait(stop, seconds, took=self._took)
        finally:
            await self._runs.close()

    async def once(self) -> bool:
        """Carry everything that is complete, waiting for what there is to settle; then return.

        Whether nothing went wrong that is to be tried again.
        """
        try:
            await self.go_on()
            await self._look(None)
            while (seconds := self._settling.next_change(time.monotonic())) is not None:
                await asyncio.sleep(seconds)
                await self._look(None)
            return not self._patience.troubled
        finally:
            await self._runs.close()

    async def go_on(self) -> None:
        """Finish what a watcher that died had begun."""
        self._taken_over = time.monotonic()
        await asyncio.to_thread(fetching.sweep, self._watched.drops, self._store.is_alive)
        for drop, files in self._store.left_behind(self._watched.pipeline.name).items():
            if all((self._carrier.folder(drop) / file.name).is_file() for file in files):
                await self._carry(drop, files)
            else:
                self._store.release(self._watched.pipeline.name, drop)

    async def _look(self, changes: Waking | None) -> float:
        """Look once; returns the seconds until the next look."""
        if time.monotonic() - self._taken_over > TAKE_OVER:
            await self.go_on()
        try:
            listing = await asyncio.to_thread(self._list)
        except (DocmillError, OSError) as error:
            await self._runs.close()
            return self._failed(self._watch.path, error)
        self._mended(self._watch.path)
        files, ready = self._documents(listing)
        fresh = await asyncio.to_thread(self._unread, files)
        drops = self._settling.look(fresh, time.monotonic(), ready=ready)
        settling = self._settling.next_change(time.monotonic())
        soon = settling is not None and settling <= LEAD
        if soon or any(self._patience.is_over(drop_name(drop)) for drop in drops):
            await self._runs.prepare()
        for drop in drops:
            await self._take(drop)
        if settling is None:
            await self._runs.close()
        return self._pause(changes)

    def _pause(self, changes: Waking | None) -> float:
        """Seconds until the next look."""
        settling = self._settling.next_change(time.monotonic())
        if settling is not None and settling > LEAD:
            settling -= LEAD
        waits = [settling, self._patience.next_try()]
        pace = changes.pace if changes else self._watch.poll_seconds
        return min([pace, *(seconds for seconds in waits if seconds is not None)])

    def _list(self) -> Listing:
        begun = time.monotonic()
        try:
            return list_files(self._watch.path, self._watched.root)
        finally:
            self._took = time.monotonic() - begun
            if is_address(self._watch.path):
                forget_listings(self._watch.path)

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
        """Carry a drop, in parts if it is a large one."""
        most = self._watch.largest
        parts = [
            Drop(drop.folder, drop.files[start : start + most])
            for start in range(0, len(drop.files), most)
        ]
        # A part that fails doesn't hold back the others; a marker stays until all have gone well.
        results = [await self._take_part(part) for part in parts]
        if self._watch.ready is not None and all(results):
            # What comes later is a drop of its own, with a marker of its own.
            marker = "/".join(part for part in (drop.folder, self._watch.ready) if part)
            try:
                await asyncio.to_thread(self._put_marker_away, marker)
            except OSError as error:
                self._failed(marker, error)
            else:
                self._mended(marker)

    async def _take_part(self, drop: Drop) -> bool:
        """Whether all of it has been processed."""
        name = drop_name(drop)
        if not self._patience.is_over(name):
            return False
        limit = parse_size(self._watched.pipeline.documents.max_size)
        try:
            fetched = await asyncio.to_thread(
                fetching.fetch,
                self._watched.drops,
                name,
                drop.files,
                owner=self._store.owner,
                max_bytes=limit,
            )
        except (DocmillError, OSError) as error:
            self._failed(name, error)
            return False
        try:
            return await self._process(name, drop, fetched)
        except (DocmillError, OSError) as error:
            self._failed(name, error)
            return False
        finally:
            await asyncio.to_thread(shutil.rmtree, fetched.folder, ignore_errors=True)

    async def _process(self, name: str, drop: Drop, fetched: fetching.Fetched) -> bool:
        """Carry what is new of a drop, put aside what is known."""
        if len(fetched.files) < len(drop.files):
            # Something was written to while it was read: the drop was not complete.
            self._patience.longer(name)
            return False
        pipeline = self._watched.pipeline.name
        in_place = self._watch.after == "move"
        taken = self._store.take(pipeline, name, fetched.files, again_in_place=in_place)
        if taken.new:
            folder = self._carrier.folder(name)
            await asyncio.to_thread(fetching.admit, fetched, folder, taken.new)
            if not await self._carry(name, taken.new):
                return False
        for file in taken.known:
            await asyncio.to_thread(self._carrier.put_aside, file, fetched.folder / file.name)
        if taken.elsewhere:
            # Nothing is wrong, but to fetch it again at every look would be.
            self._patience.longer(name)
        if self._watch.after != "move":
            busy = {file.location for file in taken.elsewhere}
            read = [file for file in fetched.files if file.location not in busy]
            self._handled |= {file.location: file.stamp for file in read}
            await asyncio.to_thread(self._remember, read)
        return not taken.elsewhere

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

    def _unread(self, files: list[Candidate]) -> list[Candidate]:
        """Without what was carried before and lies where it lay, also before a restart."""
        fresh = [file for file in files if self._handled.get(file.location) != file.stamp]
        if self._watch.after == "move" or not fresh:
            return fresh
        seen = {file: self._hashes.get(file.location, file.stamp) for file in fresh}
        finished = self._store.finished(
            self._watched.pipeline.name, [one.sha256 for one in seen.values() if one], failed=True
        )
        known = [file for file, one in seen.items() if one and one.sha256 in finished]
        self._handled |= {file.location: file.stamp for file in known}
        return [file for file in fresh if self._handled.get(file.location) != file.stamp]

    def _remember(self, files: Sequence[Intake]) -> None:
        """What files hashed to that stay where they are."""
        for file in files:
            self._hashes.put(file.location, file.stamp, Seen(file.sha256, 0, "", ""))
        self._hashes.save()

    def _put_marker_away(self, name: str) -> None:
        self._carrier.source.remove(name)
        self._carrier.source.remove_empty(f"{self._carrier.source.address}/{name}")

    def _events_failed(self, error: DocmillError | OSError | None) -> float:
        """Nobody tells of changes for now; None: somebody does again."""
        if error is None:
            self._mended(self._watch.events)
            return 0.0
        return self._failed(self._watch.events, error)

    def _failed(self, what: str, error: DocmillError | OSError) -> float:
        seconds = self._patience.longer(what)
        if self._patience.is_news(what, str(error)):
            self._told.failed(what, error, seconds)
        return seconds

    def _mended(self, what: str) -> None:
        if self._patience.end(what):
            self._told.mended(what)


def drop_name(drop: Drop) -> str:
    """A name for a drop: its first look in UTC to the day, its folder, and what is in it."""
    content = "\n".join(f"{file.name} {file.size} {file.stamp}" for file in drop.files)
    digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{datetime.now(UTC):%Y-%m-%d}-{digest}"
