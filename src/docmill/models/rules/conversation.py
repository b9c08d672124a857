"""What a conversation tells: how many pages, what was read, what was handed in, what came back.

Reads Messages API requests; builds nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from docmill.documents.layout import HEADER, Page, load_pages
from docmill.errors import ModelError
from docmill.models.base import Block, ModelRequest

SUBMIT = "submit_record"
READ = "read"
_PAGES = re.compile(r"(?:^|\n)pages:\s*(\d{1,5})$")
_NUMBERED = re.compile(r"^\s*\d+(?:\t|→|\|\s?)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Answered:
    """A tool call with its result."""

    name: str
    arguments: dict[str, Any]
    text: str
    is_error: bool


def tool(request: ModelRequest, name: str) -> dict[str, Any] | None:
    """The definition of a tool, if the request offers it."""
    return next((item for item in request.tools if item.get("name") == name), None)


def page_count(request: ModelRequest) -> int:
    """Number of pages the first user message tells in its last line.

    Raises:
        ModelError: it doesn't say.
    """
    users = [message for message in request.messages if message.get("role") == "user"]
    # Only the end of the message counts: what stands above it is the document's own text.
    told = blocks(users[0])[-1:] if users else []
    found = _PAGES.search(str(told[0].get("text") or "").rstrip()) if told else None
    if found:
        return int(found[1])
    raise ModelError(
        "the first message doesn't end in a line `pages: N`; `rules` can't know what to read",
        code="model_request",
    )


def blocks(message: dict[str, Any]) -> list[Block]:
    """Content of a message as blocks."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return cast("list[Block]", content or [])


def answered(request: ModelRequest) -> list[Answered]:
    """Tool calls that have a result, in the order of the conversation."""
    calls: dict[str, Block] = {}
    found: list[Answered] = []
    for message in request.messages:
        for block in blocks(message):
            if block.get("type") == "tool_use":
                calls[str(block.get("id"))] = block
            elif block.get("type") == "tool_result":
                call = calls.get(str(block.get("tool_use_id")))
                if call is not None:
                    arguments = cast("dict[str, Any]", call.get("input") or {})
                    error = bool(block.get("is_error"))
                    text = result_text(block)
                    found.append(Answered(str(call.get("name")), arguments, text, error))
    return found


def result_text(block: Block) -> str:
    """Text of a tool result, whichever form it has."""
    content = block.get("content")
    if isinstance(content, str):
        return content
    parts = cast("list[Block]", content or [])
    return "\n".join(str(part.get("text") or "") for part in parts if part.get("type") == "text")


def pages_read(calls: Iterable[Answered]) -> tuple[Page, ...]:
    """Pages of all successful reads of layout files.

    Raises:
        ModelError: a result isn't a page's layout.
    """
    pages: dict[int, Page] = {}
    for call in calls:
        if call.name != READ or call.is_error:
            continue
        text = call.text
        if not text.startswith(HEADER):
            text = _NUMBERED.sub("", text)
        if not text.lstrip().startswith(HEADER):
            continue
        try:
            for page in load_pages(text):
                pages[page.number] = page
        except (ValueError, IndexError):
            raise ModelError(
                "a page's layout came back damaged; it can't be read", code="model_request"
            ) from None
    return tuple(pages[number] for number in sorted(pages))
