"""Each folder here is a tiny workspace with what its run has to come to, in `expected.json`."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import open_state
from docmill.compile import compile_pipeline
from docmill.errors import SessionError
from docmill.flow.job import RunEnd
from docmill.records.checked import CheckedValue, Reading
from docmill.records.results import DocumentResult
from docmill.settings import load_settings
from docmill.spec.load import load_workspace

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/expected.json"))


async def carry_out(job: BatchJob) -> None:
    """What the flow does, without Prefect: every document once, then judge and report."""
    ingested = await job.ingest()
    for document in ingested.pending:
        try:
            await job.process(document, attempt=1)
        except SessionError as error:
            job.settle_failure(document, error, attempts=1)
    await job.judge()
    await job.report(RunEnd(status="finished"))


def run_case(folder: Path, pipeline: str) -> dict[str, DocumentResult]:
    """Results of a case's documents by name."""
    loaded = load_workspace(folder)
    compiled = compile_pipeline(loaded, pipeline, verify_expectations=False)
    with open_state(loaded) as state:
        job = prepare_job(loaded, compiled, load_settings({}), state, observer=SilentObserver())
        asyncio.run(carry_out(job))
        return {result.document.name: result for result in job.reader().documents()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_ends_as_expected(case: Path, tmp_path: Path) -> None:
    """Statuses, codes, values and verdicts that `expected.json` names are those of the run."""
    expected = json.loads((case / "expected.json").read_text())
    folder = tmp_path / case.name
    shutil.copytree(case, folder)
    results = run_case(folder, expected["pipeline"])
    assert set(results) == set(expected["documents"])
    for name, wanted in expected["documents"].items():
        check_document(results, name, wanted)
    latest = folder / "reports" / expected["pipeline"] / "latest"
    assert {path.name for path in latest.iterdir()} >= {"report.html", "report.xlsx"}


def check_document(
    results: Mapping[str, DocumentResult], name: str, wanted: Mapping[str, Any]
) -> None:
    """Compare one document with what is wanted of it."""
    result = results[name]
    if "status" in wanted:
        assert result.status == wanted["status"], (name, result.message, result.verdicts)
        assert result.code == wanted.get("code", ""), name
    if "duplicate_of" in wanted:
        assert result.document.duplicate_of == results[wanted["duplicate_of"]].document.id
    found = {value.path: value for value in result.record.values} if result.record else {}
    for path, value in wanted.get("values", {}).items():
        check_value(found[path], value)
    for path in wanted.get("not_verified", []):
        assert found[path].status != "verified", (name, path)
    for path, rows in wanted.get("rows", {}).items():
        assert result.record is not None
        assert result.record.rows[path] == rows
    verdicts = [entry.model_dump() for entry in result.verdicts]
    for verdict in wanted.get("verdicts", []):
        assert any(verdict.items() <= entry.items() for entry in verdicts), (name, verdict)


def check_value(value: CheckedValue, wanted: Mapping[str, Any]) -> None:
    """Compare one value; numbers by what they are worth."""
    assert value.status == wanted["status"], (value.path, value.reason)
    if "value" in wanted:
        assert value.reading is not None
        assert shown(value.reading) == normal(wanted)
    if "candidates" in wanted:
        candidates = {shown(reading) for reading in value.candidates}
        assert candidates == {normal(candidate) for candidate in wanted["candidates"]}


def shown(reading: Reading) -> tuple[str, str]:
    """Value and unit in one form."""
    value = reading.value
    text = format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
    return text, reading.unit or ""


def normal(wanted: Mapping[str, Any]) -> tuple[str, str]:
    """The same form of what a case wants."""
    text = str(wanted["value"])
    with contextlib.suppress(ArithmeticError):
        text = format(Decimal(text).normalize(), "f")
    return text, wanted.get("unit", "")
