"""Answers `view_page`: the agent sees a page as it is printed, where its text isn't enough."""

from collections.abc import AsyncIterator
from typing import Any

from docmill.blobs import BlobStore
from docmill.events import CustomToolResult, CustomToolUse, Event
from docmill.sandboxes.base import Sandbox
from docmill.session.document import picture, picture_block

VIEW = "view_page"
TOOL: dict[str, Any] = {
    "name": VIEW,
    "description": "Look at the picture of a page, where its text is garbled, columns are unclear "
    "or a value stands in a drawing. Dear: look only at pages you need.",
    "input_schema": {
        "type": "object",
        "properties": {"page": {"type": "integer", "description": "Page, counted from 1."}},
        "required": ["page"],
        "additionalProperties": False,
    },
}


class PageViewer:
    """Renders pages of one document on demand."""

    def __init__(self, sandbox: Sandbox, blobs: BlobStore, *, pages: int) -> None:
        self._sandbox = sandbox
        self._blobs = blobs
        self._pages = pages

    async def answer(self, call: CustomToolUse) -> AsyncIterator[Event]:
        """The picture, or why there is none."""
        page: object = call.input.get("page")
        if not isinstance(page, int) or isinstance(page, bool) or not 1 <= page <= self._pages:
            yield _problem(call, f"`page` is a whole number from 1 to {self._pages}")
            return
        image = await picture(self._sandbox, page)
        if image is None:
            yield _problem(call, f"page {page} can't be rendered; use its text")
            return
        block = picture_block(self._blobs.put(image))
        yield CustomToolResult(custom_tool_use_id=call.tool_use_id, content=(block,))


def _problem(call: CustomToolUse, words: str) -> CustomToolResult:
    return CustomToolResult(
        custom_tool_use_id=call.tool_use_id, content=f"{VIEW}: {words}.", is_error=True
    )
