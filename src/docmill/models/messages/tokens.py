"""Upper bounds of tokens, without a tokenizer and without a network."""

import json
import string
from collections.abc import Callable
from typing import Any, cast

from docmill.models.base import Block, ModelRequest

PICTURE_TOKENS = 5_000
"""More than the API makes of any picture: it scales them down first."""
PAGE_TOKENS = 8_000
"""A page of a PDF block: its text, and its picture."""
DOCUMENT_PAGES = 100
"""Pages of a PDF block that doesn't say how many it has (`source.pages`)."""
CALL_TOKENS = 1_000
"""What an endpoint adds by itself: its own words around tools and thinking."""
BLOCK_TOKENS = 20
_PLAIN = (string.ascii_lowercase + " ").encode()

_DUMP: Callable[..., str] = json.dumps


def bound(request: ModelRequest) -> int:
    """No fewer tokens than the request's input can have.

    A tokenizer makes at most one token of a byte, a sure bound that is four times too high on
    text. Runs of lower-case letters and spaces have never been seen to take more than one token for
    two bytes, so these count half; digits, capitals, punctuation and what isn't ASCII, of which
    tables and drawings are made, count one token a byte.
    """
    tokens = CALL_TOKENS + text_bound(request.system)
    if request.tools:
        tokens += text_bound(_dumped(request.tools))
    if request.output_schema is not None:
        tokens += text_bound(_dumped(request.output_schema))
    for message in request.messages:
        tokens += BLOCK_TOKENS + _content(message["content"])
    return tokens


def text_bound(text: str) -> int:
    """Bound for a text."""
    raw = text.encode("utf-8", "surrogatepass")
    costly = len(raw.translate(None, _PLAIN))
    return costly + (len(raw) - costly + 1) // 2


def _content(content: Any) -> int:
    if isinstance(content, str):
        return text_bound(content)
    return sum(BLOCK_TOKENS + _block(block) for block in cast("list[Block]", content))


def _block(block: Block) -> int:
    kind = block.get("type")
    if kind == "text":
        return text_bound(str(block.get("text") or ""))
    if kind == "image":
        return PICTURE_TOKENS
    if kind == "document":
        source = cast("Block", block.get("source") or {})
        return PAGE_TOKENS * int(source.get("pages") or DOCUMENT_PAGES)
    if kind == "tool_result":
        return text_bound(str(block.get("tool_use_id"))) + _content(block.get("content") or "")
    return text_bound(_dumped(block))


def _dumped(data: Any) -> str:
    return _DUMP(data, ensure_ascii=False, separators=(",", ":"))
