"""From looks at a folder to drops that are complete: pure, knows no files and no clock.

A drop is everything loose in the watched folder, or everything in one folder of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from docmill.documents.sources import Candidate

LOOSE = ""
"""The drop of files that lie in no folder."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Files that came together and are complete."""

    folder: str
    """Name of their folder in the watched one; LOOSE for files that have none."""
    files: tuple[Candidate, ...]


@dataclass(slots=True)
class _Seen:
    stamp: tuple[int, str]
    since: float


class Settling:
    """Remembers since when each file has been as it is."""

    def __init__(self, seconds: float, ready: str | None = None) -> None:
        """`ready`: name of the marker file without which nothing is complete."""
        self._seconds = seconds
        self._ready = ready
        self._seen: dict[str, _Seen] = {}

    def look(
        self, files: Iterable[Candidate], now: float, *, ready: frozenset[str] = frozenset()
    ) -> tuple[Drop, ...]:
        """The drops that are complete now; `now` in seconds of a clock that never jumps.

        `ready`: folders (LOOSE too) in which the marker lies. A drop is complete when none of its
        files has changed for the time set; one that still grows holds back the others of its
        folder, not those of other folders.
        """
        by_folder: dict[str, list[Candidate]] = defaultdict(list)
        for file in files:
            by_folder[folder_of(file.name)].append(file)
        self._note(by_folder, now)
        return tuple(
            Drop(folder, tuple(found))
            for folder, found in sorted(by_folder.items())
            if self._is_complete(folder, found, now, ready)
        )

    def next_change(self, now: float) -> float | None:
        """Seconds until a file that has not settled may have; None if all have."""
        left = [seen.since + self._seconds - now for seen in self._seen.values()]
        return min((seconds for seconds in left if seconds > 0), default=None)

    def _note(self, by_folder: Mapping[str, list[Candidate]], now: float) -> None:
        seen: dict[str, _Seen] = {}
        for found in by_folder.values():
            for file in found:
                stamp = (file.size, file.stamp)
                before = self._seen.get(file.location)
                same = before is not None and before.stamp == stamp
                seen[file.location] = before if same and before else _Seen(stamp, now)
        self._seen = seen

    def _is_complete(
        self, folder: str, found: list[Candidate], now: float, ready: frozenset[str]
    ) -> bool:
        if self._ready is not None:
            return folder in ready
        return all(now - self._seen[file.location].since >= self._seconds for file in found)


def folder_of(name: str) -> str:
    """The first folder of a name; LOOSE if it has none."""
    folder, slash, _ = name.partition("/")
    return folder if slash else LOOSE
