"""What a run holds of each document while it judges the batch: what was planned, little more."""

import asyncio
import gc
import shutil
import tracemalloc
from decimal import Decimal
from pathlib import Path

from sqlalchemy import insert

from docmill.batch.observer import SilentObserver
from docmill.batch.start import make_plan, prepare_job
from docmill.batch.state import State, open_state
from docmill.compile import compile_pipeline
from docmill.flow.job import RunEnd
from docmill.plan import CompiledPipeline
from docmill.records.checked import CheckedRecord, CheckedValue, Evidence, Reading
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.store.schema import sessions
from docmill.store.sessions import REMEMBERED, Findings, read_findings

CASE = Path(__file__).parents[1] / "cases" / "ambiguous"
PIPELINE = """
name: ambiguous
documents: {path: documents, glob: "*.pdf"}
agent: reader
record:
  fields:
    serial_number: {type: id, aliases: [serial number]}
    mass: {type: quantity, unit: kg, aliases: [mass]}
checks:
  - {type: tolerance, name: mass, field: mass, max: 20 kg}
  - {type: unique, name: once, fields: [serial_number]}
"""
FLAT = 3_000
"""Bytes a document may take: its place in the plan, and what it is compared by. A record and its
verdicts take 10,000 here."""


def make_batch(folder: Path, number: int) -> LoadedWorkspace:
    """A workspace with so many files that begin as a PDF does; nobody will open them."""
    shutil.copytree(CASE, folder)
    (folder / "pipelines" / "ambiguous.yaml").write_text(PIPELINE)
    shutil.rmtree(folder / "documents")
    (folder / "documents").mkdir()
    for index in range(number):
        (folder / "documents" / f"{index:04}.pdf").write_bytes(b"%%PDF-1.4 %d" % index)
    return load_workspace(folder)


def value(field: str, found: str | Decimal, *, quote: str) -> CheckedValue:
    """A proven value."""
    evidence = Evidence(page=1, quote=quote, boxes=((10, 10, 90, 20),))
    return CheckedValue(
        path=field, status="verified", reading=Reading(value=found, evidence=evidence)
    )


def findings(index: int) -> str:
    """What a session has found; every tenth document has the same number."""
    values = (
        value("serial_number", f"SN-{index % 10}", quote=f"Serial number SN-{index % 10} " * 20),
        value("mass", Decimal(index), quote=f"Mass {index} kg " * 20),
    )
    return Findings(record=CheckedRecord(values=values), pages=1).model_dump_json()


def finish_all(loaded: LoadedWorkspace, compiled: CompiledPipeline, state: State) -> None:
    """As if earlier runs had read every document."""
    rows = [
        {
            "session": f"sesn_{index}",
            "key": document.key,
            "run": 0,
            "document": document.info.id,
            "state": "finished",
            "started": "2026-01-01T00:00:00+00:00",
            "findings": findings(index),
        }
        for index, document in enumerate(make_plan(loaded, compiled, state).documents)
    ]
    with state.engine.begin() as connection:
        connection.execute(insert(sessions), rows)


def most_memory(folder: Path, number: int) -> int:
    """The most bytes that Python held while so many documents were judged, their plan included."""
    loaded = make_batch(folder, number)
    compiled = compile_pipeline(loaded, "ambiguous")
    with open_state(loaded) as state:
        finish_all(loaded, compiled, state)
        read_findings.cache_clear()
        tracemalloc.start()
        job = prepare_job(loaded, compiled, load_settings({}), state, observer=SilentObserver())
        for document in asyncio.run(job.ingest()).finished:
            job.reuse(document)
        gc.collect()
        tracemalloc.reset_peak()
        asyncio.run(job.judge())
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        job.close(RunEnd(status="finished"))
        return most


def test_more_documents_take_hardly_more_memory(tmp_path: Path) -> None:
    """Beyond what a small run keeps, records and verdicts are in memory for a few documents."""
    small, large = REMEMBERED + 20, 2 * REMEMBERED + 40
    most_memory(tmp_path / "caches", 4)
    least = most_memory(tmp_path / "small", small)
    more = most_memory(tmp_path / "large", large) - least
    assert more < FLAT * (large - small), f"{more / (large - small):.0f} bytes a document"
