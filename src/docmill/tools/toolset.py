"""The tools of `agent_toolset_20260401`, each forwarded to the toolbox in the session's sandbox.

Names and inputs are those of the Managed Agents API, so a model knows them already. Custom and MCP
tools aren't here: the agent loop answers those.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from docmill.errors import ToolError
from docmill.sandboxes.base import Sandbox
from docmill.spec.agent import Agent, AgentToolset
from docmill.tools.base import Origin, ToolResult

VERSION = "agent_toolset_20260401/1"
"""Part of every document's key; raised when a tool's inputs or answers change."""
BASH_SECONDS = 120.0
FILE_SECONDS = 30.0
SLACK = 10.0
"""Seconds the sandbox is given beyond a tool's own time-out to answer in order."""
MOST_SECONDS = 3600.0


class _Design(NamedTuple):
    """What makes one tool different from the others."""

    description: str
    properties: Mapping[str, Any]
    required: tuple[str, ...]
    repeatable: bool
    changes_files: bool = False


_PATH = {"type": "string", "description": "Path of the file, relative to /workspace or absolute."}
_ROOT = {"type": "string", "description": "Folder to search; /workspace if left out."}

_DESIGNS: Mapping[str, _Design] = {
    "bash": _Design(
        "Run a shell command in the sandbox. The shell lasts: its folder and variables are kept "
        "between calls. There is no network. python3 is installed. Files left in "
        "/workspace/outputs are kept with the report; leave only what was asked for.",
        {
            "command": {"type": "string", "description": "Command to run."},
            "restart": {"type": "boolean", "description": "Start the shell afresh instead."},
            "timeout_ms": {
                "type": "integer",
                "description": "Time allowed in milliseconds; 120000 if left out.",
            },
        },
        (),
        repeatable=False,
        changes_files=True,
    ),
    "read": _Design(
        "Read a text file.",
        {
            "file_path": _PATH,
            "view_range": {
                "type": "array",
                "items": {"type": "integer"},
                "minItems": 2,
                "maxItems": 2,
                "description": "First and last line, counted from 1; 0 as last is the file's end.",
            },
        },
        ("file_path",),
        repeatable=True,
    ),
    "write": _Design(
        "Write a text file, replacing what was there. What is left in /workspace/outputs is kept "
        "with the report.",
        {"file_path": _PATH, "content": {"type": "string", "description": "The whole text."}},
        ("file_path", "content"),
        repeatable=True,
        changes_files=True,
    ),
    "edit": _Design(
        "Replace text in a file; old_string must occur exactly once unless replace_all is set.",
        {
            "file_path": _PATH,
            "old_string": {"type": "string", "description": "Text to replace."},
            "new_string": {"type": "string", "description": "Text to put in its place."},
            "replace_all": {"type": "boolean", "description": "Replace every occurrence."},
        },
        ("file_path", "old_string", "new_string"),
        repeatable=False,
        changes_files=True,
    ),
    "glob": _Design(
        "List files that match a pattern such as **/*.csv, newest first.",
        {"pattern": {"type": "string", "description": "Pattern; ** is any depth."}, "path": _ROOT},
        ("pattern",),
        repeatable=True,
    ),
    "grep": _Design(
        "Find lines that match a regular expression; answers file:line:text.",
        {
            "pattern": {"type": "string", "description": "Regular expression."},
            "path": {**_ROOT, "description": "File or folder; /workspace if left out."},
        },
        ("pattern",),
        repeatable=True,
    ),
}


class SandboxTool:
    """One tool of the toolset; made by `toolset`."""

    def __init__(self, name: str, *, asks: bool = False) -> None:
        self._name = name
        self._design = _DESIGNS[name]
        self._asks = asks

    @property
    def name(self) -> str:
        """By which the model calls it."""
        return self._name

    @property
    def definition(self) -> dict[str, Any]:
        """Name, description and input schema for the model."""
        return {
            "name": self._name,
            "description": self._design.description,
            "input_schema": {
                "type": "object",
                "properties": dict(self._design.properties),
                "required": list(self._design.required),
                "additionalProperties": False,
            },
        }

    @property
    def repeatable(self) -> bool:
        """Whether running it twice does no harm."""
        return self._design.repeatable

    @property
    def asks(self) -> bool:
        """Whether the agent's spec wants a person to allow each call."""
        return self._asks

    @property
    def origin(self) -> Origin | None:
        """It is the sandbox's own."""
        return None

    @property
    def changes_files(self) -> bool:
        """Whether it leaves something behind in the workspace."""
        return self._design.changes_files

    async def run(self, arguments: Mapping[str, Any], sandbox: Sandbox) -> ToolResult:
        """Run it; what the model can mend comes back as a result with `is_error`.

        Raises:
            SandboxError: the sandbox is gone.
        """
        problem = self._problem(arguments)
        if problem:
            return ToolResult(f"{self._name}: {problem}", is_error=True)
        try:
            result = await sandbox.call(self._name, arguments, timeout=self._seconds(arguments))
        except ToolError as error:
            return ToolResult(f"{self._name}: {error.message}", is_error=True)
        return _shown(result)

    def _problem(self, arguments: Mapping[str, Any]) -> str:
        """What is wrong with the arguments, or an empty string."""
        unknown = sorted(arguments.keys() - self._design.properties.keys())
        if unknown:
            known = ", ".join(self._design.properties)
            return f"unknown input {', '.join(unknown)}; known: {known}"
        missing = [name for name in self._design.required if name not in arguments]
        if missing:
            return f"missing input {', '.join(missing)}"
        for name, value in arguments.items():
            wanted = self._design.properties[name]["type"]
            if not _fits(value, wanted):
                return f"{name} must be of type {wanted}"
        return ""

    def _seconds(self, arguments: Mapping[str, Any]) -> float:
        """How long the sandbox may take to answer."""
        if self._name != "bash":
            return FILE_SECONDS
        wanted = int(arguments.get("timeout_ms") or 0) / 1000 or BASH_SECONDS
        return min(max(wanted, 0.0), MOST_SECONDS) + SLACK


_TYPES: Mapping[str, type] = {"string": str, "boolean": bool, "integer": int, "array": list}


def _fits(value: object, wanted: str) -> bool:
    """Whether a value is of a JSON Schema type; a boolean is no integer."""
    if wanted == "integer" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[wanted])


def _shown(result: object) -> ToolResult:
    """A toolbox answer as text; it comes from the sandbox, so its form isn't taken for granted."""
    answer: dict[Any, Any] = result if isinstance(result, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    if "output" not in answer:
        return ToolResult(str(answer.get("content", "")))
    code = answer.get("exit_code")
    output = str(answer["output"])
    if code == 0:
        return ToolResult(output or "(no output)")
    return ToolResult(f"{output}\n[exit code {code}]".lstrip("\n"), is_error=True)


def toolset(agent: Agent) -> tuple[SandboxTool, ...]:
    """The tools the agent's spec enables, in the toolset's order."""
    enabled: dict[str, bool] = {}
    asking: dict[str, bool] = {}
    for entry in agent.tools:
        if isinstance(entry, AgentToolset):
            default = entry.default_config
            enabled |= dict.fromkeys(_DESIGNS, default.enabled)
            asking |= dict.fromkeys(_DESIGNS, default.permission_policy.type == "always_ask")
            for config in entry.configs:
                enabled[config.name] = config.enabled
                if config.permission_policy is not None:
                    asking[config.name] = config.permission_policy.type == "always_ask"
    return tuple(SandboxTool(name, asks=asking[name]) for name in _DESIGNS if enabled.get(name))
