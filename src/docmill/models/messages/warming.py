"""Cold prefixes are sent once: the first call goes ahead until its answer has begun.

Only then is the prefix in the endpoint's cache, and everybody else reads it from there instead of
paying to write it again.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from docmill.models.base import ModelRequest

KEPT_SECONDS = 280.0
"""An entry not read for five minutes is gone; a little less, for the way there."""
SMALLEST = 4_000
"""Characters below which no endpoint caches anything (1,024 tokens), so nobody need wait."""


@dataclass(slots=True)
class _Prefix:
    warm_until: float = float("-inf")
    begun: asyncio.Event | None = None
    """Set once the call that goes ahead has begun or failed; None if there is none."""


@dataclass(slots=True)
class Warming:
    """The prefixes of one endpoint."""

    clock: Callable[[], float]
    _prefixes: dict[str, _Prefix] = field(default_factory=dict[str, _Prefix])

    @asynccontextmanager
    async def turn(self, key: str | None) -> AsyncGenerator[Callable[[], None]]:
        """Wait until the prefix is warm, or it is on us to warm it.

        Yields what to call once the answer has begun. If that never happens, the next one in line
        takes over.
        """
        if key is None:
            yield lambda: None
            return
        prefix = self._prefixes.setdefault(key, _Prefix())
        while prefix.begun is not None:
            await prefix.begun.wait()
        if self.clock() < prefix.warm_until:
            yield lambda: self._touch(prefix)
            return
        ahead = prefix.begun = asyncio.Event()

        def begun() -> None:
            self._touch(prefix)
            release()

        def release() -> None:
            if prefix.begun is ahead:
                prefix.begun = None
                ahead.set()

        try:
            yield begun
        finally:
            release()

    def _touch(self, prefix: _Prefix) -> None:
        prefix.warm_until = self.clock() + KEPT_SECONDS


def prefix_key(model: str, request: ModelRequest) -> str | None:
    """What requests that share a cached prefix have in common; None if it is too short for one."""
    text = json.dumps([model, request.system, request.tools], ensure_ascii=False)
    if len(text) < SMALLEST:
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
