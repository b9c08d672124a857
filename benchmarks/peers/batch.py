"""The batch every row reads: documents, their text, and the record each of them is to give.

Neighbours: `benchmarks.batch` makes the workspace, `scripted` the server that answers from the
records here. docmill parses the files in its sandboxes; the peers get their text.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.batch import make_batch
from pypdf import PdfReader

SAMPLES = Path(__file__).parents[2] / "sample_data/spec-check"
DOCUMENTS = "sample_data/spec-check/documents"
FIELDS = ("report_number", "product", "serial_number", "test_date")
MODEL = "claude-sonnet-4-5"
ENDPOINT = "bench"
KEY_VARIABLE = "DOCMILL_BENCH_KEY"
CONCURRENCY = 20
SYSTEM = "You read test reports. Hand in what the report says, field by field."
AGENT = f"name: bench-reader\nmodel: {ENDPOINT}/{MODEL}\nsystem: {SYSTEM}\n"
PIPELINE = """\
name: {name}
documents: {{path: {path}, glob: "**/*.pdf"}}
agent: bench-reader
concurrency: {concurrency}
record:
  fields:
    report_number: {{type: id}}
    product: {{type: id}}
    serial_number: {{type: id}}
    test_date: {{type: date}}
checks:
  - {{type: expression, name: recent, expression: 'test_date >= date("2020-01-01")'}}
"""
SETTINGS = """\
endpoints:
  {name}:
    base_url: {address}
    api_key_env: {variable}
"""

Claims = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents on disk and what is known of them."""

    workspace: Path
    texts: tuple[str, ...]
    """Of the documents, in the order of their names."""
    claims: dict[str, Claims]
    """Report number → record with page and quote, as docmill asks for it."""

    @property
    def records(self) -> dict[str, dict[str, str]]:
        """Report number → record as plain values, as the others ask for it."""
        return {
            number: {name: claim["value"] for name, claim in record.items()}
            for number, record in self.claims.items()
        }


def prepare_batch(folder: Path, number: int) -> Batch:
    """A workspace with `number` distinct documents whose record is known to be provable."""
    truth = json.loads((SAMPLES / "truth.json").read_text())["documents"]
    names = [name for name in sorted(truth) if truth[name]["outcome"] == "ok"]
    texts = [_text(SAMPLES / "documents" / name) for name in names]
    workspace = make_batch(folder, number, keep=lambda name: name in names)
    (workspace / "agent_specs/bench-reader.yaml").write_text(AGENT)
    warm_up = workspace / "sample_data/warm-up"
    warm_up.mkdir()
    shutil.copy(SAMPLES / "documents" / names[0], warm_up)
    for name, path in (("bench", DOCUMENTS), ("warm-up", "sample_data/warm-up")):
        text = PIPELINE.format(name=name, path=path, concurrency=CONCURRENCY)
        (workspace / f"pipelines/{name}.yaml").write_text(text)
    return Batch(
        workspace,
        # Equal prompts would be answered from a cache by some, so each names its document.
        tuple(f"report-{index:05d}\n{texts[index % len(texts)]}" for index in range(number)),
        {_printed(truth[name], "report_number"): _claims(truth[name]) for name in names},
    )


def point_to(batch: Batch, address: str) -> None:
    """Let the workspace's endpoint be the server at this address."""
    text = SETTINGS.format(name=ENDPOINT, address=address, variable=KEY_VARIABLE)
    (batch.workspace / "docmill.yaml").write_text(text)


def _text(path: Path) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def _printed(entry: dict[str, Any], field: str) -> str:
    return entry["fields"][field]["printed"]


def _claims(entry: dict[str, Any]) -> Claims:
    return {
        name: {
            "value": entry["fields"][name]["value"],
            "page": entry["fields"][name]["page"],
            "quote": _printed(entry, name),
        }
        for name in FIELDS
    }
