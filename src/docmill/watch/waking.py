"""Who tells a watcher that something changed, so that it needn't look all the time.

A local folder: the operating system, by watchfiles. A bucket: its notifications through an SQS
queue (`queues`). What is told only wakes the watcher; it looks for itself, and now and then anyway.
"""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

from docmill.documents.sources import is_address
from docmill.errors import DocmillError
from docmill.spec.watch import Watch
from docmill.watch.queues import Queue

SLOW = 60.0
"""Seconds between two looks where changes are told; every look is the safety net of the last."""
GATHER = 100
"""Milliseconds in which further changes belong to the first: a slow copy makes thousands."""
STEP = 50
"""Milliseconds between two questions to the operating system's queue."""
AT_MOST_EVERY = 0.5
"""Seconds between two looks, however much is told."""
SHARE = 10
"""A look that took long is followed by a pause so many times as long."""
DEAF = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse", "fuseblk", "afs", "ceph", "vboxsf"})
"""File systems that other machines write to without this one's operating system hearing of it."""

Failed = Callable[[DocmillError | OSError | None], float]
"""Told why nobody tells of changes, and None when somebody does again; gives seconds to wait."""


class Waking:
    """Waits between two looks."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll = poll_seconds
        self._changed = asyncio.Event()
        self._hears = False

    @property
    def pace(self) -> float:
        """Seconds after which to look in any case."""
        return max(SLOW, self._poll) if self._hears else self._poll

    def hears(self, *, does: bool) -> None:
        """Whether changes are told from now on."""
        if self._hears and not does:
            self._changed.set()
        self._hears = does

    def changed(self) -> None:
        """Something did."""
        self._changed.set()

    async def wait(self, stop: asyncio.Event, seconds: float, *, took: float = 0) -> None:
        """Until it is time, something changed or the watcher is to stop; `took`: the last look."""
        least = min(seconds, max(AT_MOST_EVERY, SHARE * took))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), least)
        if stop.is_set():
            return
        waits = [asyncio.create_task(each.wait()) for each in (stop, self._changed)]
        try:
            await asyncio.wait(waits, timeout=seconds - least, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        self._changed.clear()


@contextlib.asynccontextmanager
async def waking(watch: Watch, address: str, failed: Failed) -> AsyncGenerator[Waking]:
    """Changes of a place are told as long as the block lasts, if anybody tells of them."""
    waking = Waking(watch.poll_seconds)
    listening = _listener(watch, address, waking, failed)
    if listening is None:
        yield waking
        return
    task = asyncio.create_task(_listen(listening, waking, failed))
    try:
        yield waking
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def file_system_of(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str:
    """Type of the file system a folder is on, such as `ext4`; empty if nobody says."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        _, point, found, *_ = (*line.split(" "), "", "")
        point = point.replace("\\040", " ")
        if folder.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), found
    return kind


def _listener(
    watch: Watch, address: str, waking: Waking, failed: Failed
) -> Callable[[], Awaitable[None]] | None:
    if watch.events == "none":
        return None
    if watch.events != "auto":
        queue = Queue(watch.events, address)

        def hears() -> None:
            waking.hears(does=True)
            failed(None)

        return lambda: queue.listen(waking.changed, hears)
    if is_address(address) or file_system_of(Path(address).resolve()).split(".")[0] in DEAF:
        return None
    return lambda: _folder(Path(address), waking, failed)


async def _listen(listener: Callable[[], Awaitable[None]], waking: Waking, failed: Failed) -> None:
    """Listen for ever; where that fails the watcher looks as often as if nobody told."""
    while True:
        try:
            await listener()
        except (DocmillError, OSError) as error:
            waking.hears(does=False)
            await asyncio.sleep(failed(error))
        else:
            return


async def _folder(folder: Path, waking: Waking, failed: Failed) -> None:
    """What the operating system says of a folder and all below."""
    watchfiles = importlib.import_module("watchfiles")
    changes = watchfiles.awatch(
        folder,
        watch_filter=None,
        debounce=GATHER,
        step=STEP,
        ignore_permission_denied=True,
        yield_on_timeout=False,
    )
    waking.hears(does=True)
    failed(None)
    async for _ in changes:
        waking.changed()
        if not await asyncio.to_thread(folder.is_dir):
            raise FileNotFoundError(f"{folder} is gone")
