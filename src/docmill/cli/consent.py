"""Which tools of an agent a person is asked about, in words for `docmill plan`."""

from docmill.spec.agent import Agent, AgentToolset, CustomTool, McpToolset, PermissionPolicy


def consent_text(agent: Agent) -> str:
    """Such as `bash of the sandbox; all tools of crm but look_up`; empty if nobody is asked."""
    parts = [_part(tools) for tools in agent.tools if not isinstance(tools, CustomTool)]
    return "; ".join(part for part in parts if part)


def _part(tools: AgentToolset | McpToolset) -> str:
    default = tools.default_config
    always = default.enabled and _asks(default.permission_policy)
    enabled = [config for config in tools.configs if config.enabled]
    own = {
        config.name: _asks(config.permission_policy or default.permission_policy)
        for config in enabled
    }
    whose = f"of {tools.mcp_server_name}" if isinstance(tools, McpToolset) else "of the sandbox"
    if always:
        free = [name for name, asks in own.items() if not asks]
        return f"all tools {whose}" + (f" but {', '.join(free)}" if free else "")
    asked = [name for name, asks in own.items() if asks]
    return f"{', '.join(asked)} {whose}" if asked else ""


def _asks(policy: PermissionPolicy) -> bool:
    return policy.type == "always_ask"
