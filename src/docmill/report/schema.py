"""report.json: the whole run as data, and the JSON Schema it is published with.

The documents are the very classes the store keeps; `Report` only joins them with the summary.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from docmill.base import Frozen
from docmill.records.reader import RunReader
from docmill.records.results import DocumentResult, RunInfo
from docmill.report.summary import Summary

FORMAT = "docmill.report/1"
_HEAD_LINES = 5
"""Lines of report.json before its documents, which follow one per line."""
_SCALARS = ("string", "boolean", "null")


class Report(Frozen):
    """A run with all of its documents, values, verdicts and costs."""

    format: Literal["docmill.report/1"]
    """Changes when a reader of this file would have to change."""
    title: str
    run: RunInfo
    summary: Summary
    documents: tuple[DocumentResult, ...]


def write_json(reader: RunReader, *, title: str, summary: Summary, path: Path) -> None:
    """Write report.json, one document per line."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"format":{json.dumps(FORMAT)},\n"title":{json.dumps(title)},\n')
        file.write(f'"run":{reader.info.model_dump_json()},\n')
        file.write(f'"summary":{summary.model_dump_json()},\n"documents":[')
        for position, result in enumerate(reader.documents()):
            file.write(",\n" if position else "\n")
            file.write(result.model_dump_json())
        file.write("\n]}\n")


class JsonRun:
    """A run as its report.json tells it: a `RunReader` without pictures, one document at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open(encoding="utf-8") as file:
            head = "".join(islice(file, _HEAD_LINES))
        found = Report.model_validate_json(f"{head}]}}")
        self.title, self.info, self.summary = found.title, found.run, found.summary

    def documents(self) -> Iterator[DocumentResult]:
        """Every document in order of name."""
        with self._path.open(encoding="utf-8") as file:
            for line in islice(file, _HEAD_LINES, None):
                if line.startswith("{"):
                    yield DocumentResult.model_validate_json(line.rstrip(",\n"))

    def picture(self, blob: str) -> bytes:
        """There are none in report.json."""
        raise KeyError(blob)

    def output(self, blob: str) -> bytes:
        """They lie beside report.json."""
        raise KeyError(blob)


def schema_text() -> str:
    """JSON Schema of report.json, as published in docs/report.schema.json."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(mode="serialization"),
    }
    value = schema["$defs"]["Reading"]["properties"]["value"]
    decimal: dict[str, object] = {"type": "string", "description": "All digits as stored."}
    bounds: dict[str, object] = dict.fromkeys(("min", "typ", "max"), decimal)
    value["anyOf"] = [
        *({"type": name} for name in _SCALARS),
        _tagged("number", decimal),
        _tagged("date", {"type": "string", "format": "date"}),
        _tagged("range", {"type": "object", "properties": bounds, "additionalProperties": False}),
    ]
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _tagged(kind: str, content: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {kind: content},
        "required": [kind],
        "additionalProperties": False,
    }
