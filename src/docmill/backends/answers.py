"""A model's answer, read: what goes back into the conversation, and which calls wait for a result.

Knows the stop reasons of the Messages API and what of a cut answer may be sent back.
"""

import json
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from docmill.events import ModelRequestEnd
from docmill.models.base import Block

CUT_SHORT = ("max_tokens", "model_context_window_exceeded")
"""Stop reasons after which the last block is unfinished."""


class Call(NamedTuple):
    """A tool call of the last answer that has no result yet."""

    id: str
    name: str
    input: dict[str, Any]
    malformed: str = ""
    """The raw input, if it is no JSON object."""
    spoken: bool = False
    """The answer's text stood for the call: the result goes back as words."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an answer comes to."""

    content: list[Block]
    """Blocks to send back as the assistant's; empty if nothing may be."""
    calls: list[Call]


def hear(event: ModelRequestEnd, *, output: dict[str, Any] | None, turn: int) -> Heard:
    """Read an answer; `output` is the tool its final text stands for, if any."""
    content = [block for block in event.content if not _is_blank(block)]
    if event.stop_reason == "model_context_window_exceeded":
        return Heard([], [])
    if event.stop_reason in CUT_SHORT:
        content = _whole(content)
    malformed = dict(event.malformed)
    calls = [
        Call(block["id"], block["name"], block["input"], malformed.get(block["id"], ""))
        for block in content
        if block.get("type") == "tool_use"
    ]
    if output is not None and not calls and event.stop_reason in ("end_turn", "stop_sequence"):
        calls = [_spoken(content, output, turn)]
    return Heard(content, calls)


def _is_blank(block: Block) -> bool:
    """The API refuses empty text in what it is sent back."""
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def _whole(content: list[Block]) -> list[Block]:
    """Without what was cut in the middle: a call without all of its input, unsigned thinking."""
    kept = list(content)
    if kept and kept[-1].get("type") == "tool_use":
        kept.pop()
    while kept and kept[-1].get("type") == "thinking":
        kept.pop()
    return kept


def _spoken(content: list[Block], output: dict[str, Any], turn: int) -> Call:
    words = "".join(str(block.get("text", "")) for block in content if block.get("type") == "text")
    name = str(output["name"])
    try:
        data: object = json.loads(words)
    except (json.JSONDecodeError, RecursionError):
        data = None
    if isinstance(data, dict):
        return Call(f"output_{turn}", name, cast("dict[str, Any]", data), spoken=True)
    return Call(f"output_{turn}", name, {}, malformed=words or "(nothing)", spoken=True)
