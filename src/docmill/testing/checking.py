"""Mistakes of a request, found as the API finds them: a test that passes here sends what it takes.

Neighbours: `turns` looks at the messages, `schemas` at schemas that are to be kept; `answering`
refuses what has a mistake. Stricter than the API in one point: turns have to alternate, as many
other endpoints demand.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from docmill.testing.schemas import check_schema
from docmill.testing.turns import (
    Memory,
    MistakeError,
    as_dict,
    as_list,
    check_block,
    check_keys,
    check_messages,
)

SHARED = {
    "cache_control",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}
CREATE = SHARED | {
    "container",
    "diagnostics",
    "inference_geo",
    "metadata",
    "service_tier",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
}
TOOL = {
    "allowed_callers",
    "cache_control",
    "defer_loading",
    "description",
    "eager_input_streaming",
    "input_examples",
    "strict",
    "type",
}
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
MAX_BREAKPOINTS = 4
CHOICES = {"auto": False, "none": False, "any": True, "tool": True}
"""Kind of `tool_choice` → whether it forces a call."""
LEAST_THINKING = 1024
EFFORTS = ("low", "medium", "high", "xhigh", "max")


class Refused(NamedTuple):
    """Why a request isn't looked at."""

    status: int
    message: str


def wrong_headers(headers: Mapping[str, str], key: str) -> Refused | None:
    """What is wrong with the headers."""
    given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if given != key:
        return Refused(401, "invalid x-api-key" if given else "x-api-key header is required")
    if "anthropic-version" not in headers:
        return Refused(400, "anthropic-version: header is required")
    return None


def mistake(body: Mapping[str, Any] | None, memory: Memory, *, counting: bool = False) -> str:
    """The first mistake of a message request; empty if there is none."""
    try:
        if body is None:
            raise MistakeError("The request body is not valid JSON")
        if counting:
            check_keys(body, "", required={"model", "messages"}, optional=SHARED)
        else:
            required = {"model", "messages", "max_tokens"}
            check_keys(body, "", required=required, optional=CREATE)
            _check_numbers(body)
        if not isinstance(body["model"], str) or not body["model"]:
            raise MistakeError("model: String should have at least 1 character")
        _check_system(body.get("system"))
        _check_tools(body.get("tools"))
        _check_choice(body)
        _check_thinking(body)
        _check_output(body.get("output_config"))
        check_messages(body["messages"], memory)
        _check_breakpoints(body)
    except MistakeError as error:
        return str(error)
    return ""


def _check_numbers(body: Mapping[str, Any]) -> None:
    limit = body["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise MistakeError("max_tokens: Input should be a valid integer")
    if limit < 1:
        raise MistakeError("max_tokens: Input should be greater than or equal to 1")
    if not isinstance(body.get("stream", False), bool):
        raise MistakeError("stream: Input should be a valid boolean")
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is not None and not (isinstance(value, int | float) and 0 <= value <= 1):
            raise MistakeError(f"{name}: Input should be between 0 and 1")
    for words in body.get("stop_sequences") or ():
        if not isinstance(words, str) or not words.strip():
            raise MistakeError("stop_sequences: each stop sequence must contain non-whitespace")


def _check_system(system: Any) -> None:
    if system is None or isinstance(system, str):
        return
    for place, block in enumerate(as_list(system, "system")):
        check_block(block, f"system.{place}", "system")


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    names: set[str] = set()
    for place, tool in enumerate(as_list(tools, "tools")):
        where = f"tools.{place}"
        given = as_dict(tool, where)
        if given.get("type") in (None, "custom"):
            _check_tool(given, f"{where}.custom")
        elif not re.search(r"_20\d{6}$", str(given["type"])):
            raise MistakeError(f"{where}: Input tag {given['type']!r} is not a known tool type")
        name = str(given.get("name", given.get("type")))
        if name in names:
            raise MistakeError("tools: Tool names must be unique.")
        names.add(name)


def _check_tool(tool: Mapping[str, Any], where: str) -> None:
    check_keys(tool, where, required={"name", "input_schema"}, optional=TOOL)
    if not isinstance(tool["name"], str) or not TOOL_NAME.fullmatch(tool["name"]):
        raise MistakeError(f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    schema = as_dict(tool["input_schema"], f"{where}.input_schema")
    if schema.get("type") != "object":
        raise MistakeError(f"{where}.input_schema.type: Input should be 'object'")
    if tool.get("strict"):
        _check_schema(schema, f"{where}.input_schema")


def _check_schema(schema: Any, where: str) -> None:
    problem = check_schema(schema)
    if problem:
        raise MistakeError(f"{where}: {problem}")


def _check_choice(body: Mapping[str, Any]) -> None:
    if body.get("tool_choice") is None:
        return
    choice = as_dict(body["tool_choice"], "tool_choice")
    kind = choice.get("type")
    if kind not in CHOICES:
        raise MistakeError(f"tool_choice: Input tag {kind!r} is none of {', '.join(CHOICES)}")
    names = {tool.get("name") for tool in body.get("tools") or ()}
    if not names:
        raise MistakeError("tool_choice may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in names:
        raise MistakeError(f"tool_choice: Tool {choice.get('name')!r} not found in provided tools")
    thinking = as_dict(body.get("thinking") or {}, "thinking")
    if CHOICES[kind] and thinking.get("type") not in (None, "disabled"):
        raise MistakeError("Thinking may not be enabled when tool_choice forces tool use.")


def _check_thinking(body: Mapping[str, Any]) -> None:
    if body.get("thinking") is None:
        return
    thinking = as_dict(body["thinking"], "thinking")
    kind = thinking.get("type")
    if kind not in ("enabled", "disabled", "adaptive", "between_tools"):
        raise MistakeError(f"thinking: Input tag {kind!r} is not a known one")
    if kind != "enabled":
        return
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < LEAST_THINKING:
        raise MistakeError(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to "
            f"{LEAST_THINKING}"
        )
    if budget >= body.get("max_tokens", budget + 1):
        raise MistakeError("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_output(config: Any) -> None:
    if config is None:
        return
    given = as_dict(config, "output_config")
    check_keys(given, "output_config", required=set(), optional={"effort", "format"})
    if given.get("effort") not in (None, *EFFORTS):
        raise MistakeError(f"output_config.effort: Input should be one of {', '.join(EFFORTS)}")
    if given.get("format") is None:
        return
    given = as_dict(given["format"], "output_config.format")
    check_keys(given, "output_config.format", required={"type", "schema"}, optional=set())
    if given["type"] != "json_schema":
        raise MistakeError("output_config.format.type: Input should be 'json_schema'")
    _check_schema(given["schema"], "output_config.format.schema")


def _check_breakpoints(body: Mapping[str, Any]) -> None:
    lives: list[str] = []
    for control in _controls(body):
        given = as_dict(control, "cache_control")
        check_keys(given, "cache_control", required={"type"}, optional={"ttl"})
        if given["type"] != "ephemeral" or given.get("ttl", "5m") not in ("5m", "1h"):
            raise MistakeError(
                "cache_control: Input should be ephemeral, with a ttl of '5m' or '1h'"
            )
        lives.append(given.get("ttl", "5m"))
    if len(lives) > MAX_BREAKPOINTS:
        raise MistakeError(
            f"A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {len(lives)}."
        )
    if lives != sorted(lives):  # "1h" sorts before "5m"
        raise MistakeError(
            "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
            "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        )


def _controls(body: Mapping[str, Any]) -> Iterator[Any]:
    """Every `cache_control` that is set, in the order of the cache."""
    yield from _marks(body.get("tools"))
    yield from _marks(body.get("system"))
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            yield from _marks(block.get("content"))
            yield from _marks([block])
    yield from _marks([body])


def _marks(content: Any) -> Iterator[Any]:
    for block in _blocks(content):
        if block.get("cache_control") is not None:
            yield block["cache_control"]


def _blocks(content: Any) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", content) if isinstance(content, list) else []
