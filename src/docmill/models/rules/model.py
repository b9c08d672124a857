"""`RulesModel`: reads the layout of every page, hands in a record, mends it once told why.

Stateless: each turn is worked out from the conversation alone, so a resumed session gets the same
answers. Reading a document again for a repair is avoided by a small cache.
"""

import hashlib
import json
import math
from functools import lru_cache
from typing import Any, cast

from docmill.documents.layout import Page
from docmill.errors import ModelError
from docmill.models.base import Block, ModelRequest, ModelResponse
from docmill.models.rules.conversation import (
    READ,
    SUBMIT,
    Answered,
    answered,
    page_count,
    pages_read,
    tool,
)
from docmill.models.rules.extract import Extraction, extract
from docmill.models.rules.repair import repaired
from docmill.models.rules.wanted import read_wanted
from docmill.records.results import Usage
from docmill.sandboxes.base import LAYOUT
from docmill.spec.agent import EMBEDDED

_CHARS_PER_TOKEN = 4


class RulesModel:
    """The embedded model; free, offline, and the same answer for the same request."""

    async def respond(self, request: ModelRequest) -> ModelResponse:
        """Read the pages, hand in the record, mend it, stop.

        Raises:
            ModelError: the request lacks a tool or a number of pages, or the layout is unreadable.
        """
        submit = tool(request, SUBMIT)
        if submit is None:
            raise ModelError(f"`rules` needs the tool `{SUBMIT}`", code="model_refused")
        calls = answered(request)
        submitted = [call for call in calls if call.name == SUBMIT]
        if not any(call.name == READ for call in calls):
            return _response(request, _reads(request))
        if submitted and not submitted[-1].is_error:
            return _response(request, [_text("The record was handed in.")])
        schema = cast("dict[str, Any]", submit.get("input_schema") or {})
        found = _extraction(json.dumps(schema), _pages(request, calls))
        record: dict[str, Any] | None = found.record
        if submitted:
            record = repaired(submitted, found)
        if record is None:
            return _response(request, [_text("Nothing better was found in the document.")])
        return _response(request, [_use(request, SUBMIT, record, len(submitted))])

    async def count_tokens(self, request: ModelRequest) -> int:
        """The same as the bound."""
        return self.bound_tokens(request)

    def bound_tokens(self, request: ModelRequest) -> int:
        """Characters of the request divided by four, rounded up."""
        size = len(request.system) + len(_dump(request.tools)) + len(_dump(request.messages))
        return math.ceil(size / _CHARS_PER_TOKEN)


def _reads(request: ModelRequest) -> list[Block]:
    definition = tool(request, READ)
    if definition is None:
        raise ModelError(
            "`rules` reads documents with the tool `read`, which this agent has disabled",
            code="model_refused",
            remedy="Enable `read` in the agent's tools, or choose another model.",
        )
    argument = _path_argument(definition)
    return [
        _use(request, READ, {argument: f"{LAYOUT}/page-{number:04d}.tsv"}, number)
        for number in range(1, page_count(request) + 1)
    ]


def _path_argument(definition: dict[str, Any]) -> str:
    schema = cast("dict[str, Any]", definition.get("input_schema") or {})
    properties = cast("dict[str, Any]", schema.get("properties") or {})
    return next((name for name in ("file_path", "path") if name in properties), "file_path")


def _pages(request: ModelRequest, calls: list[Answered]) -> tuple[Page, ...]:
    pages = pages_read(calls)
    expected = page_count(request)
    if len(pages) < expected:
        raise ModelError(
            f"only {len(pages)} of {expected} pages came back readable", code="model_request"
        )
    return pages


@lru_cache(maxsize=8)
def _extraction(schema: str, pages: tuple[Page, ...]) -> Extraction:
    return extract(read_wanted(json.loads(schema)), pages)


def _use(request: ModelRequest, name: str, arguments: dict[str, Any], number: int) -> Block:
    """A tool call whose id follows from the conversation, so that a replay asks the same."""
    seed = f"{len(request.messages)}:{number}:{name}:{_dump(arguments)}"
    ident = hashlib.sha256(seed.encode()).hexdigest()[:20]
    return {"type": "tool_use", "id": f"toolu_{ident}", "name": name, "input": arguments}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _response(request: ModelRequest, content: list[Block]) -> ModelResponse:
    dumped = _dump(content)
    asks = any(block["type"] == "tool_use" for block in content)
    size = len(request.system) + len(_dump(request.tools)) + len(_dump(request.messages))
    usage = Usage(
        model_calls=1,
        input_tokens=math.ceil(size / _CHARS_PER_TOKEN),
        output_tokens=math.ceil(len(dumped) / _CHARS_PER_TOKEN),
    )
    ident = hashlib.sha256(f"{len(request.messages)}:{dumped}".encode()).hexdigest()[:20]
    return ModelResponse(
        id=f"msg_{ident}",
        model=EMBEDDED,
        content=tuple(content),
        stop_reason="tool_use" if asks else "end_turn",
        usage=usage,
    )


def _dump(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
