"""Asks an agent's MCP servers what they offer, before a run spends anything.

What they say then is what every session of the run is told. Makes the sources `backends` opens.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import NamedTuple

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import SandboxBackend, SandboxSpec
from docmill.spec.agent import Agent, McpEntry, McpProgram, McpServer, McpToolset
from docmill.tools.base import ToolSource
from docmill.tools.mcp.base import CONNECT_SECONDS, Peer, ServerError
from docmill.tools.mcp.keys import Keys
from docmill.tools.mcp.offered import Listing, chosen, listing, unknown_tools
from docmill.tools.mcp.servers import Connection, SandboxedServer, SharedServer, Terms


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What servers are met with."""

    sandboxes: SandboxBackend
    sandbox: SandboxSpec
    keys: Keys


class Met(NamedTuple):
    """A server that has said what it offers."""

    toolset: McpToolset
    entry: McpEntry
    found: Listing


class Servers:
    """The MCP servers of a run's agent. Close them in the event loop of the sessions."""

    def __init__(self, met: Sequence[Met], keys: Keys) -> None:
        self._met = tuple(met)
        self._connections = {
            each.entry.name: Connection(_over_http(each.entry, keys))
            for each in met
            if isinstance(each.entry, McpServer)
        }

    def sources(self, terms: Terms) -> tuple[ToolSource, ...]:
        """The servers' tools for one model."""
        return tuple(self._source(each, terms) for each in self._met)

    async def close(self) -> None:
        """End all connections."""
        for connection in self._connections.values():
            await connection.close()

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Closes what was opened meanwhile."""
        try:
            yield
        finally:
            await self.close()

    def _source(self, met: Met, terms: Terms) -> ToolSource:
        tools = tuple(chosen(met.found, met.toolset))
        if isinstance(met.entry, McpProgram):
            return SandboxedServer(met.entry, met.found, tools, terms)
        return SharedServer(met.found, tools, self._connections[met.entry.name], terms)


async def meet(agent: Agent, surroundings: Surroundings) -> Servers:
    """Connect each server that a toolset of the agent names, and ask what it has.

    Raises:
        PrerequisiteError: a server can't be reached or lacks a tool, or `mcp` isn't installed.
    """
    entries = {entry.name: entry for entry in agent.mcp_servers}
    wanted = [
        (tools, entries[tools.mcp_server_name])
        for tools in agent.tools
        if isinstance(tools, McpToolset) and tools.mcp_server_name in entries
    ]
    if wanted and find_spec("mcp") is None:
        raise PrerequisiteError(
            "The agent has MCP servers, and the package `mcp` is not installed.",
            remedy="Install it: pip install 'docmill[mcp]'",
        )
    met = [await _meet(toolset, entry, surroundings) for toolset, entry in wanted]
    return Servers(met, surroundings.keys)


async def _meet(toolset: McpToolset, entry: McpEntry, surroundings: Surroundings) -> Met:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if isinstance(entry, McpProgram):
                found = await _ask_inside(entry, surroundings)
            else:
                found = await _ask(entry, _over_http(entry, surroundings.keys)())
    except (ServerError, TimeoutError) as error:
        why = str(error) or f"no answer within {CONNECT_SECONDS:g} s"
        raise PrerequisiteError(
            f"The MCP server `{entry.name}` can't be used: {why}.", remedy=_remedy(entry)
        ) from error
    missing = unknown_tools(found, toolset)
    if missing:
        known = ", ".join(tool.name for tool in found.tools) or "none"
        raise PrerequisiteError(
            f"The MCP server `{entry.name}` has no tool `{missing[0]}`; it has: {known}.",
            remedy="Mend `configs` of its mcp_toolset in agent_specs/.",
        )
    return Met(toolset, entry, found)


async def _ask(entry: McpEntry, connection: AbstractAsyncContextManager[Peer]) -> Listing:
    async with connection as peer:
        return listing(entry.name, await peer.tools())


async def _ask_inside(entry: McpProgram, surroundings: Surroundings) -> Listing:
    from docmill.tools.mcp.inside import in_sandbox  # noqa: PLC0415 - `mcp` takes seconds

    async with surroundings.sandboxes.open(surroundings.sandbox) as sandbox:
        return await _ask(entry, in_sandbox(entry, sandbox))


def _over_http(entry: McpServer, keys: Keys) -> Callable[[], AbstractAsyncContextManager[Peer]]:
    @asynccontextmanager
    async def connect() -> AsyncGenerator[Peer]:
        from docmill.tools.mcp.client import over_http  # noqa: PLC0415 - `mcp` takes seconds

        async with over_http(entry.url, keys.headers(entry.url)) as peer:
            yield keys.guarded(peer, entry.url)

    return connect


def _remedy(entry: McpEntry) -> str:
    if isinstance(entry, McpProgram):
        return (
            f"Try its command in a sandbox: {' '.join(entry.command)}\n"
            "Packages it needs belong into `packages` of the environment."
        )
    return f"See whether {entry.url} answers, and whether the pipeline's vault has its credential."
