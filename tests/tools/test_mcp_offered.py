"""What servers say of their tools is screened: names, lengths, schemas, settings of the spec."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.spec.agent import McpToolset
from docmill.tools.mcp.offered import (
    MOST_DESCRIPTION,
    MOST_TOOLS,
    chosen,
    listing,
    tool_name,
    unknown_tools,
)

OBJECT = {"type": "object"}
TEXTS = st.text(alphabet="aZ9_-. é😀\x00\x1b\u202e", max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.just("object"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "properties", "x y"]), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["name", "description", "inputSchema", "annotations"])


def said(name: str = "look", **more: Any) -> dict[str, Any]:
    """A tool as a server lists it."""
    return {"name": name, "description": "Looks.", "inputSchema": OBJECT, **more}


def toolset(**more: Any) -> McpToolset:
    """A toolset of the spec."""
    return McpToolset.model_validate({"type": "mcp_toolset", "mcp_server_name": "crm", **more})


@given(st.lists(st.dictionaries(KEYS, JSON), max_size=4))
def test_no_listing_is_trusted(raw: list[dict[str, Any]]) -> None:
    """Whatever a server says, what comes out is something the Messages API takes."""
    for tool in listing("crm", raw).tools:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool_name("crm", tool.name))
        assert tool.input_schema["type"] == "object"
        json.dumps(tool.input_schema, allow_nan=False)


@given(TEXTS, TEXTS)
def test_names_can_be_told_to_a_model(server: str, tool: str) -> None:
    """Whatever a server is called, and its tool."""
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool_name(server, tool))


def test_names_never_clash() -> None:
    """Not even where servers and tools have names that run into each other."""
    pairs = [("a", "b__c"), ("a__b", "c"), ("a", "b.c"), ("a", "b c"), ("a", "b" * 90)]
    pairs.append(("a", "b" * 91))
    assert len({tool_name(*pair) for pair in pairs}) == len(pairs)
    assert tool_name("crm", "look-up") == "mcp__crm__look-up"


def test_a_description_is_cut_and_shows_no_tricks() -> None:
    """Control and direction characters are taken out."""
    (tool,) = listing("crm", [said(description="a\x1b[2J\u202eb" + "x" * 9000)]).tools
    assert tool.description.startswith("a [2J b")
    assert len(tool.description) == MOST_DESCRIPTION


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"type": "array"},
        {"type": "object", "properties": {"not a key": {}}},
        {"type": "object", "description": "x" * 20_000},
        {"type": "object", "default": float("nan")},
    ],
)
def test_a_schema_the_endpoint_would_refuse_leaves_the_tool_out(schema: Any) -> None:
    """One bad tool would else make every call of the model fail."""
    found = listing("crm", [said(inputSchema=schema), said("other")])
    assert [tool.name for tool in found.tools] == ["other"]
    assert found.notes == ("look is left out: its input schema can't be used",)


def test_choices_at_the_root_of_a_schema_are_the_server_s_business() -> None:
    """The API refuses them there; the server checks its input itself."""
    (tool,) = listing("crm", [said(inputSchema={**OBJECT, "anyOf": [{}]})]).tools
    assert tool.input_schema == {"type": "object", "properties": {}}


def test_a_server_can_t_flood_the_prompt() -> None:
    """So many tools are taken; the rest is told, not silently lost."""
    found = listing("crm", [said(f"t{number}") for number in range(100)])
    assert len(found.tools) == MOST_TOOLS
    assert found.notes == ("36 more tools are left out",)


def test_everything_said_decides_the_digest() -> None:
    """A server that changes anything about a tool has another one."""
    digests = {
        listing("crm", [tool]).digest
        for tool in (
            said(),
            said("other"),
            said(description="Other."),
            said(inputSchema={**OBJECT, "required": []}),
            said(annotations={"readOnlyHint": True}),
        )
    }
    assert len(digests) == 5


def test_settings_of_the_spec_are_applied() -> None:
    """A tool has its own settings or the toolset's; without any a person is asked."""
    found = listing("crm", [said("a"), said("b"), said("c")])
    free = {"permission_policy": {"type": "always_allow"}}
    off = {"name": "b", "enabled": False}
    tools = chosen(found, toolset(configs=[{"name": "a", **free}, off]))
    assert [(tool.offered.name, tool.asks) for tool in tools] == [("a", False), ("c", True)]
    few = toolset(default_config={"enabled": False, **free}, configs=[{"name": "c"}])
    assert [(tool.offered.name, tool.asks) for tool in chosen(found, few)] == [("c", False)]
    assert unknown_tools(found, toolset(configs=[{"name": "d"}])) == ["d"]
