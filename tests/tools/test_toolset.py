"""The six tools: what models are told, what is checked before the sandbox, what comes back."""

from collections.abc import Mapping
from typing import Any

import pytest

from docmill.errors import SandboxError, ToolError
from docmill.spec.agent import Agent
from docmill.tools import VERSION, toolset

TYPE = "agent_toolset_20260401"


class Recorder:
    """A sandbox that notes calls and answers what it was told to."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, Any], float]] = []

    async def call(self, op: str, args: Mapping[str, Any], *, timeout: float) -> Any:
        """Note it."""
        self.calls.append((op, dict(args), timeout))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def put(self, path: str, data: bytes) -> None:
        """Not used by tools."""
        raise AssertionError

    async def get(self, path: str, *, max_bytes: int) -> bytes:
        """Not used by tools."""
        raise AssertionError


def tools(**settings: Any) -> dict[str, Any]:
    """The tools of an agent whose toolset has these settings, by name."""
    agent = Agent.model_validate({"name": "reader", "tools": [{"type": TYPE, **settings}]})
    return {tool.definition["name"]: tool for tool in toolset(agent)}


def test_all_six_are_there_by_default() -> None:
    """In a fixed order, with schemas that allow nothing else."""
    assert list(tools()) == ["bash", "read", "write", "edit", "glob", "grep"]
    for tool in tools().values():
        schema = tool.definition["input_schema"]
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) <= set(schema["properties"])
    assert VERSION.startswith(TYPE)


def test_inputs_are_those_of_the_published_toolset() -> None:
    """A model that knows the hosted tools knows these; a change must raise VERSION."""
    inputs = {name: list(t.definition["input_schema"]["properties"]) for name, t in tools().items()}
    assert inputs == {
        "bash": ["command", "restart", "timeout_ms"],
        "read": ["file_path", "view_range"],
        "write": ["file_path", "content"],
        "edit": ["file_path", "old_string", "new_string", "replace_all"],
        "glob": ["pattern", "path"],
        "grep": ["pattern", "path"],
    }
    assert f"{TYPE}/1" == VERSION


def test_the_spec_says_which_are_enabled() -> None:
    """A tool's own setting wins over the toolset's default."""
    assert "bash" not in tools(configs=[{"name": "bash", "enabled": False}])
    only = tools(default_config={"enabled": False}, configs=[{"name": "grep", "enabled": True}])
    assert list(only) == ["grep"]
    empty: dict[str, Any] = {}
    custom = {"type": "custom", "name": "ask", "description": "", "input_schema": empty}
    assert toolset(Agent.model_validate({"name": "a", "tools": [custom]})) == ()


async def test_a_call_goes_to_the_sandbox() -> None:
    """With its arguments as they are; the answer's text goes to the model."""
    sandbox = Recorder({"content": "12 mm"})
    result = await tools()["read"].run({"file_path": "a", "view_range": [1, 2]}, sandbox)
    assert (result.content, result.is_error) == ("12 mm", False)
    assert sandbox.calls[0][:2] == ("read", {"file_path": "a", "view_range": [1, 2]})


@pytest.mark.parametrize(
    ("answer", "content", "is_error"),
    [
        ({"output": "hi\n", "exit_code": 0}, "hi\n", False),
        ({"output": "", "exit_code": 0}, "(no output)", False),
        ({"output": "no\n", "exit_code": 2}, "no\n\n[exit code 2]", True),
        ({"output": "", "exit_code": -1}, "[exit code -1]", True),
        ("garbage", "", False),
    ],
)
async def test_a_commands_end_is_told(answer: Any, content: str, *, is_error: bool) -> None:
    """A failed command is a result the model can act on."""
    result = await tools()["bash"].run({"command": "x"}, Recorder(answer))
    assert (result.content, result.is_error) == (content, is_error)


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("read", {}, "missing input file_path"),
        ("read", {"file_path": 3}, "file_path must be of type string"),
        ("read", {"file_path": "a", "view_range": "1"}, "view_range must be of type array"),
        ("read", {"path": "a"}, "unknown input path; known: file_path, view_range"),
        ("bash", {"command": "x", "timeout_ms": True}, "timeout_ms must be of type integer"),
        ("edit", {"file_path": "a", "old_string": "b"}, "missing input new_string"),
    ],
)
async def test_wrong_inputs_never_reach_the_sandbox(
    name: str, arguments: dict[str, Any], problem: str
) -> None:
    """The model is told what to write instead."""
    sandbox = Recorder()
    result = await tools()[name].run(arguments, sandbox)
    assert (result.content, result.is_error) == (f"{name}: {problem}", True)
    assert not sandbox.calls


async def test_a_tools_failure_is_a_result_and_a_lost_sandbox_is_not() -> None:
    """The one goes to the model, the other ends the session."""
    result = await tools()["glob"].run({"pattern": "*"}, Recorder(ToolError("no such folder")))
    assert (result.content, result.is_error) == ("glob: no such folder", True)
    with pytest.raises(SandboxError):
        await tools()["glob"].run({"pattern": "*"}, Recorder(SandboxError("gone")))


async def test_a_commands_time_is_bounded() -> None:
    """The sandbox gets the command's time and a little more, an hour at most."""
    sandbox = Recorder({"output": ""})
    bash = tools()["bash"]
    for wanted in (None, 2000, 10**9, -5):
        await bash.run({"command": "x"} | ({"timeout_ms": wanted} if wanted else {}), sandbox)
    assert [timeout for _, _, timeout in sandbox.calls] == [130.0, 12.0, 3610.0, 10.0]


def test_only_harmless_tools_may_be_repeated() -> None:
    """After a crash: reading and writing a whole file yes, commands and edits no."""
    assert {name for name, tool in tools().items() if tool.repeatable} == {
        "read",
        "write",
        "glob",
        "grep",
    }
