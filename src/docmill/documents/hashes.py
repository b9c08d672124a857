"""Remembers what a file's content hashed to, so that a re-run of 10,000 documents reads none.

A file per documents folder, replaced atomically; losing it costs time, never correctness.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

_FORMAT = 1
_SETTLED_SECONDS = 2.0
"""A file changed less than this ago may change again within the clock's grain: not remembered."""


class Seen(NamedTuple):
    """What one reading of a file found."""

    sha256: str
    size: int
    media_type: str
    words: str


class HashCache:
    """Stamps of files and what they hashed to; entries that weren't asked for are dropped."""

    def __init__(
        self, folder: Path | None, base: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        name = hashlib.sha256(base.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._file = None if folder is None else folder / f"documents-{name}.json"
        self._clock = clock
        self._known = self._load()
        self._kept: dict[str, list[Any]] = {}

    def get(self, location: str, stamp: str) -> Seen | None:
        """What the file hashed to, if its stamp is still the same."""
        entry = self._known.get(location)
        if not stamp or entry is None or entry[0] != stamp:
            return None
        self._kept[location] = entry
        return Seen(*entry[1:])

    def put(self, location: str, stamp: str, seen: Seen, *, changed: float = 0.0) -> None:
        """Remember it; `changed` is the file's time of change in seconds, 0 if unknown."""
        if stamp and self._clock() - changed > _SETTLED_SECONDS:
            self._kept[location] = [stamp, *seen]

    def save(self) -> None:
        """Write it, if anything is new; a cache that can't be written is no error."""
        if self._file is None or self._kept == self._known:
            return
        with contextlib.suppress(OSError, UnicodeEncodeError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"format": _FORMAT, "files": self._kept})
            handle, temporary = tempfile.mkstemp(dir=self._file.parent, suffix=".tmp")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(text)
                Path(temporary).replace(self._file)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise

    def _load(self) -> dict[str, list[Any]]:
        if self._file is None:
            return {}
        try:
            content: object = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        stored = cast("dict[str, Any]", content)
        files: object = stored.get("files")
        if stored.get("format") != _FORMAT or not isinstance(files, dict):
            return {}
        return {
            location: entry
            for location, entry in cast("dict[str, list[Any]]", files).items()
            if _sound(entry)
        }


def _sound(entry: object) -> bool:
    if not isinstance(entry, list):
        return False
    parts = cast("list[object]", entry)
    return [type(part) for part in parts] == [str, str, int, str, str]
