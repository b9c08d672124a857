"""A `ModelRequest` as the body of a Messages API call, byte for byte the same for the same request.

Adds what the endpoint is capable of (cache marks, effort, schemas) and fetches pictures from the
blob store. Sends nothing.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, cast

from docmill.models.base import Block, ModelRequest
from docmill.output.schema import promised, without_annotations
from docmill.spec.workspace import Capabilities

Body = dict[str, Any]
Blobs = Callable[[str], bytes]

FAST = {"anthropic-beta": "fast-mode-2026-02-01"}
"""Header of a call with `speed: fast`."""
_MARK = {"type": "ephemeral"}
_MARKABLE = frozenset({"text", "image", "document", "tool_use", "tool_result"})


def call_body(
    request: ModelRequest, *, model: str, capabilities: Capabilities, blobs: Blobs
) -> Body:
    """The body of a call, without `stream`."""
    return {
        "model": model,
        "max_tokens": request.max_tokens,
        **_speed(request),
        **prompt_body(request, capabilities=capabilities, blobs=blobs),
    }


def count_body(
    request: ModelRequest, *, model: str, capabilities: Capabilities, blobs: Blobs
) -> Body:
    """The body of a call that only counts the input's tokens."""
    return {"model": model, **prompt_body(request, capabilities=capabilities, blobs=blobs)}


def prompt_body(request: ModelRequest, *, capabilities: Capabilities, blobs: Blobs) -> Body:
    """What the model reads, and what it is to write."""
    body: Body = {}
    tools = [_tool(tool, strict=capabilities.strict_tools) for tool in request.tools]
    if tools:
        body["tools"] = tools
    if request.system:
        body["system"] = request.system
    body["messages"] = _messages(request.messages, blobs)
    output = _output(request, capabilities)
    if output:
        body["output_config"] = output
    if capabilities.caching:
        _mark(body)
    return body


def _speed(request: ModelRequest) -> Body:
    return {"speed": request.speed} if request.speed == "fast" else {}


def _output(request: ModelRequest, capabilities: Capabilities) -> Body:
    output: Body = {}
    if request.effort is not None and capabilities.thinking:
        output["effort"] = request.effort
    if request.output_schema is not None and capabilities.json_schema:
        schema = _schema(json.dumps(request.output_schema), strict=True)
        output["format"] = {"type": "json_schema", "schema": schema}
    return output


def _tool(tool: dict[str, Any], *, strict: bool) -> Body:
    strict = strict and bool(tool.get("strict", True))
    kept = {key: tool[key] for key in ("name", "description") if key in tool}
    kept["input_schema"] = _schema(json.dumps(tool["input_schema"]), strict=strict)
    return {**kept, "strict": True} if strict else kept


@lru_cache(maxsize=64)
def _schema(text: str, *, strict: bool) -> dict[str, Any]:
    """A schema without what is written for the embedded model; each is asked for at every call."""
    schema = without_annotations(json.loads(text))
    return promised(schema) if strict else schema


def _messages(messages: Iterable[dict[str, Any]], blobs: Blobs) -> list[Body]:
    """Without what the API refuses: blank texts, empty messages, a role twice in a row."""
    out: list[Body] = []
    for message in messages:
        content = list(_blocks(_listed(message["content"]), blobs))
        if not content:
            continue
        if out and out[-1]["role"] == message["role"]:
            out[-1]["content"].extend(content)
        else:
            out.append({"role": message["role"], "content": content})
    return out


def _listed(content: Any) -> list[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return cast("list[Block]", list(content))


def _blocks(blocks: Iterable[Block], blobs: Blobs) -> Iterator[Block]:
    """Copies, so that marks and contents of blobs stay out of the conversation."""
    for block in blocks:
        if block.get("type") == "text" and not str(block.get("text") or "").strip():
            continue
        source: Any = block.get("source")
        nested: Any = block.get("content")
        if isinstance(source, dict) and cast("Block", source).get("type") == "blob":
            yield {**block, "source": _fetched(cast("Block", source), blobs)}
        elif block.get("type") == "tool_result" and isinstance(nested, list | tuple):
            yield {**block, "content": list(_blocks(cast("list[Block]", nested), blobs))}
        else:
            yield dict(block)


def _fetched(source: Block, blobs: Blobs) -> Block:
    data = base64.b64encode(blobs(str(source["sha256"]))).decode("ascii")
    return {"type": "base64", "media_type": source["media_type"], "data": data}


def _mark(body: Body) -> None:
    """Set the four cache marks the API allows.

    The system prompt's covers the tools before it, and is shared by all documents of a run. The
    first message is the document's. The last message's moves on from turn to turn; the mark of the
    turn before stays, because the API finds an older entry only 20 blocks back.
    """
    if "system" in body:
        body["system"] = [{"type": "text", "text": body["system"], "cache_control": _MARK}]
    elif "tools" in body:
        body["tools"][-1]["cache_control"] = _MARK
    messages = body["messages"]
    for index in sorted({0, len(messages) - 3, len(messages) - 1}):
        if 0 <= index < len(messages):
            _mark_message(messages[index])


def _mark_message(message: Body) -> None:
    for block in reversed(message["content"]):
        if block.get("type") in _MARKABLE:
            block["cache_control"] = _MARK
            return
