"""The agent's MCP servers, met before a run spends anything, with the vault's credentials."""

import asyncio

from docmill.batch.foresight import to_read
from docmill.batch.workbench import Ground
from docmill.compile.forms import sandbox_spec
from docmill.egress.vault import open_vault
from docmill.plan import BatchPlan
from docmill.spec.agent import EMBEDDED
from docmill.tools.mcp.keys import Keys
from docmill.tools.mcp.meeting import Servers, Surroundings, meet


def meet_servers(ground: Ground, plan: BatchPlan | None) -> Servers:
    """What the servers offer; nobody is asked if there is nothing to read, or no model to use them.

    Without a plan there is something to read.

    Must not be called in an event loop.

    Raises:
        PrerequisiteError: one of them can't be used, or its credential can't be had.
    """
    compiled = ground.compiled
    agent = compiled.agent
    only_embedded = all(choice.id == EMBEDDED for choice in agent.models)
    if not agent.mcp_servers or only_embedded or (plan and not to_read(plan)):
        return Servers((), Keys())
    vault = compiled.pipeline.vault
    secrets = ground.settings.secret
    keys = Keys(open_vault(vault, secrets=secrets, root=compiled.root, blocks=ground.blocks))
    sandbox = sandbox_spec(compiled.environment, {"run": "probe"})
    return asyncio.run(meet(agent, Surroundings(ground.backend, sandbox, keys)))
