"""What an MCP server says of its tools, screened: it is trusted no more than a document is.

Caps numbers and lengths, names tools as the Messages API allows, applies the agent's settings.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from docmill.spec.agent import McpToolset
from docmill.tools.mcp.base import MOST_LISTED, Raw, mapping

MOST_TOOLS = 64
"""Of one server; each costs tokens in every call."""
MOST_DESCRIPTION = 2_000
MOST_SCHEMA = 16_000
"""Characters of JSON."""
MOST_NOTES = 10
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COMBINED = frozenset({"oneOf", "allOf", "anyOf"})
"""Not allowed at the root of a tool's schema; the server checks what they say itself."""


class Offered(NamedTuple):
    """A tool of a server, as the server describes it."""

    name: str
    description: str
    input_schema: dict[str, Any]
    read_only: bool = False
    """The server says that calls change nothing."""
    idempotent: bool = False
    """The server says that a second equal call changes nothing more."""


class Listing(NamedTuple):
    """The tools of one server."""

    server: str
    tools: tuple[Offered, ...]
    notes: tuple[str, ...] = ()
    """What was left out or cut, and why."""

    @property
    def digest(self) -> str:
        """sha256 of all that is said of them."""
        text = json.dumps([tool._asdict() for tool in self.tools], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Chosen(NamedTuple):
    """A tool that the agent has."""

    offered: Offered
    name: str
    """What the model calls it by."""
    asks: bool


def listing(server: str, said: Sequence[Raw]) -> Listing:
    """What a server offers, without what can't be used."""
    tools: dict[str, Offered] = {}
    notes: list[str] = []
    for raw in said[:MOST_LISTED]:
        found = _offered(raw)
        if isinstance(found, str):
            notes.append(found)
        elif len(tools) < MOST_TOOLS:
            tools.setdefault(found.name, found)
    if len(said) > len(tools) + len(notes):
        notes.append(f"{len(said) - len(tools) - len(notes)} more tools are left out")
    return Listing(server, tuple(tools.values()), tuple(notes[:MOST_NOTES]))


def chosen(found: Listing, toolset: McpToolset) -> Iterator[Chosen]:
    """The tools that the agent's spec enables."""
    settings = {config.name: config for config in toolset.configs}
    default = toolset.default_config
    for tool in found.tools:
        own = settings.get(tool.name)
        if not (own.enabled if own else default.enabled):
            continue
        policy = (own and own.permission_policy) or default.permission_policy
        asks = policy.type == "always_ask"
        yield Chosen(tool, tool_name(found.server, tool.name), asks)


def unknown_tools(found: Listing, toolset: McpToolset) -> list[str]:
    """Tools that the spec has settings for and the server doesn't have."""
    known = {tool.name for tool in found.tools}
    return [config.name for config in toolset.configs if config.name not in known]


def tool_name(server: str, tool: str) -> str:
    """What the model calls a tool by: unlike that of any other tool, and always the same."""
    name = f"mcp__{server}__{tool}"
    if _NAME.fullmatch(name) and "__" not in server:
        return name
    mark = hashlib.sha256(f"{server}\0{tool}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:55] + f"_{mark}"


def plain(text: object, most: int) -> str:
    """A text without control and direction characters, cut."""
    clean = _CONTROL.sub(" ", str(text))
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def _offered(raw: Raw) -> Offered | str:
    """A tool, or why it is left out."""
    name = raw.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= 128 or _CONTROL.search(name):
        return "a tool without a usable name is left out"
    schema = _schema(raw.get("inputSchema"))
    if schema is None:
        return f"{name} is left out: its input schema can't be used"
    hints = mapping(raw.get("annotations"))
    return Offered(
        name=name,
        description=plain(raw.get("description") or "", MOST_DESCRIPTION),
        input_schema=schema,
        read_only=hints.get("readOnlyHint") is True,
        idempotent=hints.get("idempotentHint") is True,
    )


def _schema(given: object) -> dict[str, Any] | None:
    if not isinstance(given, Mapping):
        return None
    schema = {
        key: value
        for key, value in cast("Mapping[str, Any]", given).items()
        if key not in _COMBINED
    }
    properties: Any = schema.setdefault("properties", {})
    try:
        text = json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None
    usable = (
        schema.get("type") == "object"
        and isinstance(properties, Mapping)
        and all(_KEY.fullmatch(str(key)) for key in cast("Mapping[Any, Any]", properties))
        and len(text) <= MOST_SCHEMA
    )
    return schema if usable else None
