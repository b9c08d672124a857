"""Agent specs: exactly the fields of the Managed Agents create-agent call."""

from typing import Annotated, Any, Literal

from pydantic import Field

from docmill.base import Frozen

EMBEDDED = "rules"
"""Name of the model inside docmill: free, offline, no language model."""
TOOLSET = "agent_toolset_20260401"
ToolName = Literal["bash", "read", "write", "edit", "glob", "grep"]


class ModelChoice(Frozen):
    """A model with its settings."""

    id: str
    """`rules`, a model id, or `endpoint/model` with an endpoint of docmill.yaml."""
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    """How hard the model is to think; left to the model if left out."""
    speed: Literal["standard", "fast"] | None = None
    """Faster answers at a higher price."""


class PermissionPolicy(Frozen):
    """Whether a tool call needs a person's consent."""

    type: Literal["always_allow", "always_ask"] = "always_allow"
    """`always_ask` waits for `docmill approve`, and is denied after `limits.approval_minutes`."""


class ToolDefaults(Frozen):
    """Settings for every tool of a toolset that has none of its own."""

    enabled: bool = True
    """Whether the agent has the tools."""
    permission_policy: PermissionPolicy = PermissionPolicy()


class ToolConfig(Frozen):
    """Settings for one tool of a toolset."""

    name: ToolName
    """Tool of the toolset."""
    enabled: bool = True
    """Whether the agent has the tool."""
    permission_policy: PermissionPolicy | None = None


class AgentToolset(Frozen):
    """The built-in tools: bash, read, write, edit, glob, grep; all run inside the sandbox."""

    type: Literal["agent_toolset_20260401"]
    default_config: ToolDefaults = ToolDefaults()
    configs: tuple[ToolConfig, ...] = ()
    """Settings of single tools."""


class CustomTool(Frozen):
    """A tool answered by the host, not by the sandbox."""

    type: Literal["custom"]
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    """What the model calls it by."""
    description: str
    """What the model is told it does."""
    input_schema: dict[str, Any]
    """JSON Schema of its input."""


class McpToolDefaults(Frozen):
    """Settings for every tool of an MCP server that has none of its own."""

    enabled: bool = True
    """Whether the agent has the tools; false leaves those that `configs` enables."""
    permission_policy: PermissionPolicy = PermissionPolicy(type="always_ask")
    """A person is asked before each call, if left out: the server may offer new tools any day."""


class McpToolConfig(Frozen):
    """Settings for one tool of an MCP server."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    """What the server calls it."""
    enabled: bool = True
    """Whether the agent has the tool."""
    permission_policy: PermissionPolicy | None = None


class McpToolset(Frozen):
    """The tools of one of the agent's MCP servers."""

    type: Literal["mcp_toolset"]
    mcp_server_name: str
    """Name of an entry in `mcp_servers`."""
    default_config: McpToolDefaults = McpToolDefaults()
    configs: tuple[McpToolConfig, ...] = ()
    """Settings of single tools."""


Tool = Annotated[AgentToolset | CustomTool | McpToolset, Field(discriminator="type")]

ServerName = Annotated[str, Field(min_length=1, max_length=64)]


class McpServer(Frozen):
    """A Model Context Protocol server, reached over HTTP from the host, never from the sandbox."""

    type: Literal["url"] = "url"
    name: ServerName
    """What toolsets call it by."""
    url: str
    """Its address (streamable HTTP); a credential for its host comes from the pipeline's vault."""


class McpProgram(Frozen):
    """A Model Context Protocol server that is a program inside the session's sandbox (ours)."""

    type: Literal["stdio"]
    name: ServerName
    """What toolsets call it by."""
    command: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)]
    """The program and its arguments, found inside; it speaks over its standard input and output."""
    env: dict[str, str] = {}
    """Variables it is started with; no secrets, the sandbox can read them."""


McpEntry = Annotated[McpServer | McpProgram, Field(discriminator="type")]


class Agent(Frozen):
    """An agent: who reads the documents, with which instructions and tools."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    """Equals the file's name without `.yaml`."""
    description: str = ""
    """What the agent is for."""
    model: str | ModelChoice | Annotated[tuple[str | ModelChoice, ...], Field(min_length=1)] = (
        EMBEDDED
    )
    """`rules` (embedded, no key, no cost), a model id, or `endpoint/model`. A list is a cascade:
    the next model gets only what the one before left unverified, missing or ambiguous."""
    system: str = ""
    """System prompt; docmill adds the rules of evidence and the record's fields itself."""
    tools: tuple[Tool, ...] = (AgentToolset(type=TOOLSET),)
    """What the agent may call, besides `submit_record`."""
    mcp_servers: tuple[McpEntry, ...] = ()
    """Model Context Protocol servers."""
    skills: tuple[dict[str, Any], ...] = ()
    """Skills of a hosted service."""
    multiagent: dict[str, Any] | None = None
    """Agents this one may hand work to."""
    metadata: dict[str, str] = {}
    """Notes of yours; nothing depends on them."""

    @property
    def models(self) -> tuple[ModelChoice, ...]:
        """The models in the order they are asked, whichever way they are written."""
        given = self.model if isinstance(self.model, tuple) else (self.model,)
        return tuple(ModelChoice(id=one) if isinstance(one, str) else one for one in given)

    @property
    def asks(self) -> bool:
        """Whether a person may have to be asked about a call of its tools."""
        return any(_asks(tools) for tools in self.tools)

    @property
    def model_id(self) -> str:
        """Ids of the models, as one text."""
        return ", ".join(choice.id for choice in self.models)


def _asks(tools: Tool) -> bool:
    if isinstance(tools, CustomTool):
        return False
    own = [config.permission_policy for config in tools.configs if config.permission_policy]
    policies = [tools.default_config.permission_policy, *own]
    return any(policy.type == "always_ask" for policy in policies)
