"""How busy this machine's processors are, and how long to leave them alone therefore."""

import time
from pathlib import Path

BUSY_BELOW = 0.25
"""Share of processor time that has to be idle for a machine not to be busy."""
SHORTEST = 0.1
"""Seconds between two looks; the kernel counts in hundredths."""


class Load:
    """Watches the share of idle time between one look and the next."""

    def __init__(self, stat: Path = Path("/proc/stat"), *, shortest: float = SHORTEST) -> None:
        self._stat = stat
        self._shortest = shortest
        self._seen = self._read()
        self._at = time.monotonic()
        self._idle = 1.0

    def pause_after(self, seconds: float) -> float:
        """Seconds to leave the machine alone after work that took `seconds`.

        None on an idle machine; on a busy one as long as the work took, so that it gets half of
        one processor at most.
        """
        now = time.monotonic()
        if now - self._at >= self._shortest:
            (idle, everything), (idle_before, before) = self._read(), self._seen
            self._seen, self._at = (idle, everything), now
            if everything > before:
                self._idle = (idle - idle_before) / (everything - before)
        return seconds if self._idle < BUSY_BELOW else 0.0

    def _read(self) -> tuple[int, int]:
        """Idle and all time so far, in ticks of all processors together."""
        try:
            words = self._stat.read_text().split("\n", 1)[0].split()[1:]
        except OSError:
            return 0, 0
        ticks = [int(word) for word in words[:8]]
        return ticks[3] + ticks[4], sum(ticks)
