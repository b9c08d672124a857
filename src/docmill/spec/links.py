"""What one spec file says about another: names of agents, environments, endpoints, MCP servers.

Used by `load` after every file was read; naming a file that is broken is no second mistake.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from docmill.errors import KeyProblem
from docmill.spec.agent import (
    EMBEDDED,
    Agent,
    CustomTool,
    McpEntry,
    McpProgram,
    McpServer,
    McpToolset,
    Tool,
)
from docmill.spec.suggest import nearest
from docmill.spec.workspace import BUILT_IN_ENDPOINT, Workspace

BUILT_IN_ENVIRONMENT = "default"
"""Environment that exists without a file: no network, no packages, standard limits."""

MOST_PROGRAMS = 4
"""MCP servers inside one sandbox: each takes one of the calls it answers at the same time."""


class LinkProblem(NamedTuple):
    """A mistake in one file about another."""

    file: str
    problem: KeyProblem


def link_problems(workspace: Workspace, data: Mapping[str, Any]) -> Iterator[LinkProblem]:
    """All of them; `data` is what each file holds (file relative to the root → plain data), so that
    a file with other mistakes is judged too."""
    agents = _names(data, "agent_specs")
    environments = _names(data, "sandbox") | {BUILT_IN_ENVIRONMENT}
    for name in sorted(_names(data, "pipelines")):
        file = f"pipelines/{name}.yaml"
        agent, environment = _text(data[file], "agent"), _text(data[file], "environment")
        if agent and agent not in agents:
            yield LinkProblem(file, _no_file(("agent",), agent, "agent_specs", agents))
        if environment and environment not in environments:
            yield LinkProblem(
                file, _no_file(("environment",), environment, "sandbox", environments)
            )
    declared = _mapping(_mapping(data.get("docmill.yaml")).get("endpoints"))
    endpoints = {BUILT_IN_ENDPOINT, *declared}
    for name in sorted(_names(data, "agent_specs")):
        file = f"agent_specs/{name}.yaml"
        for problem in _endpoint_problems(_mapping(data[file]).get("model"), endpoints):
            yield LinkProblem(file, problem)
    for name, spec in workspace.agents.items():
        for problem in _tool_problems(spec):
            yield LinkProblem(f"agent_specs/{name}.yaml", problem)


def _names(data: Mapping[str, Any], folder: str) -> set[str]:
    return {PurePosixPath(file).stem for file in data if file.startswith(f"{folder}/")}


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: object, key: str) -> str:
    found = _mapping(value).get(key)
    return found if isinstance(found, str) else ""


def _no_file(path: tuple[str], name: str, folder: str, known: set[str]) -> KeyProblem:
    near = nearest(name, known)
    listed = f"known: {', '.join(sorted(known))}" if known else f"{folder}/ is empty"
    hint = f"did you mean `{near}`? ({listed})" if near else f"make {folder}/{name}.yaml ({listed})"
    return KeyProblem(path, f"`{name}` has no file in {folder}/", hint)


def _models(model: object) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Path and id of every model of an agent, single or in a cascade."""
    if isinstance(model, (list, tuple)):
        for index, one in enumerate(cast("list[object]", model)):
            for path, model_id in _models(one):
                yield ("model", index, *path[1:]), model_id
    elif isinstance(model, str):
        yield ("model",), model
    else:
        yield ("model", "id"), _text(model, "id")


def _endpoint_problems(model: object, endpoints: set[str]) -> Iterator[KeyProblem]:
    for path, model_id in _models(model):
        yield from _endpoint_problem(path, model_id, endpoints)


def _endpoint_problem(
    path: tuple[str | int, ...], model_id: str, endpoints: set[str]
) -> Iterator[KeyProblem]:
    endpoint, slash, _ = model_id.partition("/")
    if not slash and model_id != EMBEDDED and nearest(model_id, (EMBEDDED,)):
        yield KeyProblem(path, f"`{model_id}` is no model", f"did you mean `{EMBEDDED}`?")
    if slash and endpoint not in endpoints:
        near = nearest(endpoint, endpoints)
        listed = ", ".join(sorted(endpoints)) or "none"
        hint = f"did you mean `{near}`? " if near else f"add `endpoints.{endpoint}.base_url` there "
        yield KeyProblem(
            path, f"endpoint `{endpoint}` is not in docmill.yaml", f"{hint}(known: {listed})"
        )


def _tool_problems(agent: Agent) -> Iterator[KeyProblem]:
    servers = [server.name for server in agent.mcp_servers]
    for index, server in enumerate(agent.mcp_servers):
        yield from _server_problems(agent, server, index)
    seen: set[str] = set()
    for index, tool in enumerate(agent.tools):
        if isinstance(tool, CustomTool):
            yield KeyProblem(
                ("tools", index, "type"),
                f"`{tool.name}` is answered by a program of yours, and docmill asks none",
                "offer it as an MCP server (`mcp_servers`), or as a command in the sandbox",
            )
        if isinstance(tool, McpToolset):
            yield from _toolset_problems(tool, index, servers, seen)
            seen.add(tool.mcp_server_name)


def _server_problems(agent: Agent, server: McpEntry, index: int) -> Iterator[KeyProblem]:
    path = ("mcp_servers", index)
    before = agent.mcp_servers[:index]
    if server.name in [other.name for other in before]:
        yield KeyProblem(
            (*path, "name"), f"a second MCP server is named `{server.name}`", "rename one"
        )
    elif not any(_is_about(tool, server) for tool in agent.tools):
        yield KeyProblem(
            (*path, "name"),
            f"no tools of `{server.name}` are asked for",
            f"add `{{type: mcp_toolset, mcp_server_name: {server.name}}}` to `tools`",
        )
    if isinstance(server, McpServer) and not _is_address(server.url):
        hint = "write one such as https://crm.example/mcp"
        yield KeyProblem((*path, "url"), f"`{server.url}` is no address of the web", hint)
    programs = [other for other in before if isinstance(other, McpProgram)]
    if isinstance(server, McpProgram) and len(programs) >= MOST_PROGRAMS:
        few = f"there are more than {MOST_PROGRAMS} programs in each sandbox"
        yield KeyProblem((*path, "type"), few, "put their tools into fewer servers")


def _toolset_problems(
    tools: McpToolset, index: int, servers: list[str], seen: set[str]
) -> Iterator[KeyProblem]:
    path = ("tools", index)
    if tools.mcp_server_name not in servers:
        yield KeyProblem(
            (*path, "mcp_server_name"),
            f"`{tools.mcp_server_name}` is not in mcp_servers",
            f"add it there (known: {', '.join(servers) or 'none'})",
        )
    if tools.mcp_server_name in seen:
        twice = f"a second toolset is about `{tools.mcp_server_name}`"
        yield KeyProblem((*path, "mcp_server_name"), twice, "put both into one")
    names = [config.name for config in tools.configs]
    for place, name in enumerate(names):
        if name in names[:place]:
            twice = f"`{name}` has settings already"
            yield KeyProblem((*path, "configs", place, "name"), twice, "keep one of them")


def _is_about(tool: Tool, server: McpEntry) -> bool:
    return isinstance(tool, McpToolset) and tool.mcp_server_name == server.name


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
