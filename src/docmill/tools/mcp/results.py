"""A server's answer to a call as the model gets it: text and pictures, capped."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from docmill.tools.base import Block, ToolResult
from docmill.tools.mcp.base import Raw, mapping

MOST_CHARACTERS = 60_000
MOST_PICTURES = 5
MOST_PICTURE_BYTES = 3 << 20
MAGIC = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""How files of the kinds that models read begin."""


def shown(answer: Raw, *, keep: Callable[[bytes], str], pictures: bool) -> ToolResult:
    """What goes to the model.

    `keep` stores a picture and returns its name among the blobs; without `pictures` the model
    can't look at any, and is told that there was one.
    """
    gallery = _Gallery(keep, wanted=pictures)
    blocks = [_block(part, gallery) for part in _parts(answer)]
    structured = answer.get("structuredContent")
    if structured is not None and not any("text" in block for block in blocks):
        blocks.append(_text(json.dumps(structured, ensure_ascii=False)))
    blocks = list(_capped(blocks))
    failed = answer.get("isError") is True
    if all("text" in block for block in blocks):
        words = "\n".join(str(block["text"]) for block in blocks)
        return ToolResult(words or "(nothing)", is_error=failed)
    return ToolResult(tuple(blocks), is_error=failed)


def _parts(answer: Raw) -> Iterator[Mapping[str, Any]]:
    content: Any = answer.get("content")
    for part in cast("list[Any]", content) if isinstance(content, list) else []:
        if isinstance(part, Mapping):
            yield cast("Mapping[str, Any]", part)


def _block(part: Mapping[str, Any], gallery: "_Gallery") -> Block:
    match part.get("type"):
        case "text":
            return _text(str(part.get("text", "")))
        case "image":
            return gallery.hang(part.get("mimeType"), part.get("data"))
        case "resource":
            return _resource(part.get("resource"), gallery)
        case "resource_link":
            return _text(f"[resource {part.get('uri')}]")
        case kind:
            return _text(f"[{kind} is left out]")


def _resource(given: object, gallery: "_Gallery") -> Block:
    resource = mapping(given)
    if "text" in resource:
        return _text(f"[resource {resource.get('uri')}]\n{resource['text']}")
    return gallery.hang(resource.get("mimeType"), resource.get("blob"))


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _capped(blocks: list[Block]) -> Iterator[Block]:
    left = MOST_CHARACTERS
    for block in blocks:
        text = block.get("text")
        if text is None:
            yield block
        elif len(text) <= left:
            left -= len(text)
            yield block
        else:
            yield _text(f"{text[:left]}\n[cut: {len(text)} characters]")
            return


class _Gallery:
    """The pictures of one answer."""

    def __init__(self, keep: Callable[[bytes], str], *, wanted: bool) -> None:
        self._keep = keep
        self._wanted = wanted
        self._left = MOST_PICTURES

    def hang(self, kind: object, data: object) -> Block:
        """A picture that lies in the blobs, as a block, or words in its place."""
        if kind not in MAGIC:
            return _text(f"[a file of type {str(kind)[:100]} is left out]")
        if not self._wanted:
            return _text("[a picture is left out: the model doesn't read pictures]")
        try:
            image = base64.b64decode(str(data), validate=True)
        except (ValueError, binascii.Error):
            image = b""
        if not image.startswith(MAGIC[str(kind)]) or len(image) > MOST_PICTURE_BYTES:
            return _text("[a picture is left out: it is broken or too large]")
        if not self._left:
            return _text(f"[a picture is left out: there are more than {MOST_PICTURES}]")
        self._left -= 1
        source = {"type": "blob", "media_type": str(kind), "sha256": self._keep(image)}
        return {"type": "image", "source": source}
