"""Which shards of a run live: judged by their signs of life, by this process's own clock.

A shard whose process this machine can see is looked up, at once. Any other is dead when it gave no
sign for the time of a lease; time in which nobody looked isn't counted.
"""

import time
from collections.abc import Callable, Sequence

from docmill.store.lease import is_ours, is_running
from docmill.store.shards import Shard

LONGEST_LOOK = 2.0
"""Seconds between two looks that count against a shard: after a longer pause (the store was away,
this machine slept) nobody knows what it did meanwhile."""


class Lives:
    """The shards of one run, as last seen."""

    def __init__(self, seconds: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._looked = now()
        self._beats: dict[str, int] = {}
        self._silent: dict[str, float] = {}
        self.live: list[Shard] = []
        """Shards that documents can be dealt to."""
        self.coming: list[Shard] = []
        """Shards that were asked for, and have not come yet."""

    def ended(self, found: Sequence[Shard]) -> list[Shard]:
        """Shards that do nothing any more: they have ended, or are dead."""
        now = self._now()
        passed = min(now - self._looked, LONGEST_LOOK)
        self._looked = now
        self.live, self.coming = [], []
        over: list[Shard] = []
        for shard in found:
            if shard.state == "wanted":
                self.coming.append(shard)
            elif shard.state in ("ended", "lost") or self._is_dead(shard, passed):
                over.append(shard)
            elif shard.state == "live":
                self.live.append(shard)
        return over

    def _is_dead(self, shard: Shard, passed: float) -> bool:
        if is_ours(shard.owner) and not is_running(shard.owner):
            return True
        if self._beats.get(shard.name) != shard.beats:
            self._beats[shard.name] = shard.beats
            self._silent[shard.name] = 0.0
            return False
        self._silent[shard.name] += passed
        return self._silent[shard.name] > self._seconds
