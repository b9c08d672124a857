"""One document read by the embedded model in the sandbox, as a session does it, without a store."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from docmill.documents.layout import Page, load_pages
from docmill.errors import ToolError
from docmill.models.base import Block, ModelRequest
from docmill.models.rules import RulesModel
from docmill.output.check import check_record
from docmill.output.shape import RecordShape
from docmill.records.checked import CheckedRecord, CheckedValue, Reading
from docmill.records.values import Box, Range
from docmill.sandboxes.base import (
    DOCUMENT,
    LAYOUT,
    Sandbox,
    SandboxBackend,
    SandboxLimits,
    SandboxSpec,
)

from .grading import Found

LIMITS = SandboxLimits(
    memory=1 << 30, cpus=1.0, pids=128, disk=512 << 20, seconds=300, output=64 << 20
)
READ: dict[str, Any] = {
    "name": "read",
    "description": "",
    "input_schema": {"properties": {"file_path": {}}},
}
MAX_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one document."""

    record: CheckedRecord | None
    failure: str = ""
    """Code, if the document couldn't be prepared."""
    submissions: int = 0
    pages: int = 0


async def read_document(data: bytes, shape: RecordShape, backend: SandboxBackend) -> Outcome:
    """Prepare a document and talk to the model until it stops or the repairs are used up."""
    async with backend.open(SandboxSpec(limits=LIMITS)) as sandbox:
        await sandbox.put(DOCUMENT, data)
        try:
            told = await sandbox.call("prepare", {"max_pages": 500}, timeout=120)
        except ToolError as error:
            return Outcome(None, failure=error.message.partition(":")[0])
        count = int(told["pages"])
        texts = [await _layout(sandbox, number) for number in range(1, count + 1)]
        pages = [page for text in texts for page in load_pages(text)]
        return await _talk(shape, pages, texts, sandbox)


async def _layout(sandbox: Sandbox, number: int) -> str:
    data = await sandbox.get(f"{LAYOUT}/page-{number:04d}.tsv", max_bytes=MAX_BYTES)
    return data.decode()


async def _talk(
    shape: RecordShape, pages: Sequence[Page], texts: Sequence[str], sandbox: Sandbox
) -> Outcome:
    async def ink(page: int, boxes: Sequence[Box]) -> Sequence[float]:
        arguments = {"page": page, "boxes": [list(box) for box in boxes]}
        return await sandbox.call("ink", arguments, timeout=60)

    submit: dict[str, Any] = {
        "name": "submit_record",
        "description": "",
        "input_schema": shape.json_schema,
    }
    first: dict[str, Any] = {
        "role": "user",
        "content": [{"type": "text", "text": f"pages: {len(pages)}"}],
    }
    request = ModelRequest("rules", "", (READ, submit), (first,), 100_000)
    record: CheckedRecord | None = None
    submissions = 0
    for _ in range(6):
        response = await RulesModel().respond(request)
        if response.stop_reason != "tool_use":
            break
        results: list[Block] = []
        for call in response.content:
            if call["name"] == "read":
                number = int(call["input"]["file_path"][-8:-4])
                results.append(_result(call, texts[number - 1]))
                continue
            outcome = await check_record(call["input"], shape, pages, ink)
            submissions += 1
            record = outcome.record
            text = "\n".join(error.message for error in outcome.errors)
            results.append(_result(call, text, error=bool(outcome.errors)))
        answer = {"role": "assistant", "content": list(response.content)}
        messages = (*request.messages, answer, {"role": "user", "content": results})
        request = dataclasses.replace(request, messages=messages)
    return Outcome(record, submissions=submissions, pages=len(pages))


def _result(call: Block, text: str, *, error: bool = False) -> Block:
    return {
        "type": "tool_result",
        "tool_use_id": call["id"],
        "content": text,
        "is_error": error,
    }


def found_values(record: CheckedRecord) -> dict[str, Found]:
    """Leaves of a checked record by path."""
    return {value.path: _found(value) for value in record.values}


def _found(value: CheckedValue) -> Found:
    if value.status == "ambiguous":
        rivals = tuple(_plain(reading) for reading in value.candidates)
        return Found(candidates=rivals)
    if value.reading is None:
        return Found()
    plain = _plain(value.reading)
    verified = value.status == "verified"
    return Found(plain["value"], plain["unit"], verified=verified, code=value.code)


def _plain(reading: Reading) -> dict[str, Any]:
    return {"value": _value(reading.value), "unit": reading.unit}


def _value(value: Any) -> Any:
    if isinstance(value, Range):
        return {name: _value(end) for name, end in value if end is not None}
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else value
