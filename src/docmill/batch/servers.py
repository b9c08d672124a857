"""The agent's MCP servers, met before a run spends anything; their credentials come from here."""

import asyncio
from collections.abc import Mapping

from docmill.batch.foresight import to_read
from docmill.batch.workbench import Ground
from docmill.compile.forms import sandbox_spec
from docmill.plan import BatchPlan
from docmill.spec.agent import EMBEDDED
from docmill.tools.mcp.meeting import Servers, Surroundings, meet


def meet_servers(ground: Ground, plan: BatchPlan) -> Servers:
    """What the servers offer; nobody is asked if there is nothing to read, or no model to use them.

    Must not be called in an event loop.

    Raises:
        PrerequisiteError: one of them can't be used.
    """
    agent = ground.compiled.agent
    only_embedded = all(choice.id == EMBEDDED for choice in agent.models)
    surroundings = Surroundings(
        ground.backend, sandbox_spec(ground.compiled.environment, {"run": "probe"}), _headers
    )
    if not agent.mcp_servers or only_embedded or not to_read(plan):
        return Servers((), _headers)
    return asyncio.run(meet(agent, surroundings))


def _headers(url: str) -> Mapping[str, str]:
    return {}
