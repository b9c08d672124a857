"""What a run holds open while it works: models, connections to MCP servers, sandboxes ahead."""

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Self

from docmill.models.registry import Models
from docmill.tools.mcp.meeting import Servers


class Held:
    """Enter it in the event loop of the run's sessions; leaving closes all connections.

    `ahead`: keeps sandboxes ready for the sessions while it is open.
    """

    def __init__(
        self, models: Models, servers: Servers, ahead: AbstractAsyncContextManager[None]
    ) -> None:
        self.models = models
        self._servers = servers
        self._ahead = ahead
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.models)
        await self._stack.enter_async_context(self._servers.held())
        await self._stack.enter_async_context(self._ahead)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)
