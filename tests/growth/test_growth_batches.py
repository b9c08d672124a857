"""A batch that grows: runs read what is new or changed, verdicts are made anew for nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from growing import SERIAL, VOLTAGE, write_pdf

from docmill.batch.foresight import foresee, foresee_kinds
from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import make_plan, prepare_job, survey
from docmill.batch.state import State, open_state
from docmill.cli.planned import Kinds, fate, sorted_out, tally
from docmill.compile import compile_pipeline
from docmill.flow.job import RunEnd
from docmill.plan import BatchPlan
from docmill.records.results import DocumentResult
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace

SETTINGS = load_settings({})
CHECK = {"type": "tolerance", "field": "voltage", "max": "3.2 V"}


class Batch:
    """A folder of reports and the pipeline over it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.specs: dict[str, Any] = {
            "name": "demo",
            "documents": "in",
            "agent": "reader",
            "record": {"fields": {"voltage": VOLTAGE}},
        }
        self.model = "rules"

    def report(self, name: str, volts: str) -> Path:
        """One report in the folder."""
        return write_pdf(self.root, name, (f"Output voltage {volts} V", f"Serial number {name}"))

    def plan(self, state: State) -> tuple[BatchPlan, Kinds]:
        """What a run would do."""
        loaded = self.loaded()
        planned = make_plan(loaded, compile_pipeline(loaded, "demo"), state)
        return planned, sorted_out(planned, state.growth)

    def run(self, state: State) -> dict[str, DocumentResult]:
        """A run, without Prefect; its results by name."""
        loaded = self.loaded()
        compiled = compile_pipeline(loaded, "demo")
        job = prepare_job(loaded, compiled, SETTINGS, state, observer=SilentObserver())
        asyncio.run(self._drive(job))
        return {result.document.name: result for result in job.reader().documents()}

    def loaded(self) -> LoadedWorkspace:
        """The workspace with the specs as they are now."""
        for folder in ("agent_specs", "pipelines"):
            (self.root / folder).mkdir(exist_ok=True)
        agent = {"name": "reader", "model": self.model}
        (self.root / "agent_specs" / "reader.yaml").write_text(json.dumps(agent))
        (self.root / "pipelines" / "demo.yaml").write_text(json.dumps(self.specs))
        return load_workspace(self.root)

    @staticmethod
    async def _drive(job: BatchJob) -> None:
        ingested = await job.ingest()
        for document in ingested.finished:
            job.reuse(document)
        for document in ingested.pending:
            await job.process(document, attempt=1)
        await job.judge()
        job.release()
        job.close(RunEnd(status="finished"))


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Two reports."""
    batch = Batch(tmp_path)
    batch.report("a", "3.30")
    batch.report("b", "3.10")
    return batch


def spent(results: dict[str, DocumentResult]) -> dict[str, int]:
    """Model calls by document."""
    return {name: result.usage.model_calls for name, result in results.items()}


def test_only_new_and_changed_documents_are_read(batch: Batch) -> None:
    """A renamed one is known by its content; one that is gone is gone from the run, too."""
    with open_state(batch.loaded()) as state:
        assert all(spent(batch.run(state)).values())
        (batch.root / "in" / "a.pdf").rename(batch.root / "in" / "renamed.pdf")
        batch.report("b", "3.15")
        batch.report("c", "3.20")
        planned, kinds = batch.plan(state)
        assert kinds.of == {"b": "changed", "c": "new", "renamed": "cached"}
        assert tally(planned, kinds).startswith("3 documents: 1 new, 1 changed, 1 cached")
        second = batch.run(state)
        assert [name for name, calls in spent(second).items() if not calls] == ["renamed.pdf"]
        (batch.root / "in" / "renamed.pdf").unlink()
        _, kinds = batch.plan(state)
        assert kinds.gone == ("renamed.pdf",)
        third = batch.run(state)
    assert sorted(third) == ["b.pdf", "c.pdf"]
    assert set(spent(third).values()) == {0}


def test_a_run_over_a_part_forgets_nothing(batch: Batch) -> None:
    """What an earlier run had is changed, not new, also if the newest run left it out."""
    with open_state(batch.loaded()) as state:
        batch.run(state)
        batch.specs["documents"] = {"path": "in", "glob": "a*"}
        batch.run(state)
        batch.specs["documents"] = "in"
        batch.report("b", "3.15")
        planned, kinds = batch.plan(state)
    assert kinds.of == {"a": "cached", "b": "changed"}
    assert tally(planned, kinds).startswith("2 documents: 0 new, 1 changed, 1 cached")


def test_what_judges_asks_nothing_anew(batch: Batch) -> None:
    """Tolerance, reference standard, report settings and limits: every document is taken over,
    and its verdicts are made anew from the stored value."""
    (batch.root / "r.csv").write_text("volts,parameter,max,unit\n3.30,voltage,3.4,V\n")
    batch.specs["checks"] = [CHECK]
    changes: list[dict[str, Any]] = [
        {"checks": [CHECK | {"max": "3.4 V"}]},
        {"reference": {"path": "r.csv", "key": {"voltage": "volts"}}},
        {"report": {"title": "Other", "formats": ["json"]}},
        {"concurrency": 1, "limits": {"turns": 7}},
    ]
    with open_state(batch.loaded()) as state:
        results = batch.run(state)
        assert [one.verdict for one in results["a.pdf"].verdicts] == ["fail"]
        for change in changes:
            batch.specs |= change
            results = batch.run(state)
            assert set(spent(results).values()) == {0}, change
            assert all(result.cached for result in results.values())
    assert [one.verdict for one in results["a.pdf"].verdicts] == ["pass"]


def test_a_field_more_is_planned_before_it_is_asked(batch: Batch) -> None:
    """The plan names it; what the run takes over, it didn't spend."""
    with open_state(batch.loaded()) as state:
        batch.run(state)
        batch.specs["record"] = {"fields": {"voltage": VOLTAGE, "serial": SERIAL}}
        planned, kinds = batch.plan(state)
        (a, _) = planned.documents
        assert fate(a, kinds.of["a"]) == "asks for serial; 1 field known"
        second = batch.run(state)
        _, kinds = batch.plan(state)
    assert set(kinds.of.values()) == {"cached"}
    record = second["a.pdf"].record
    assert record is not None
    assert [(value.path, bool(value.session)) for value in record.values] == [
        ("voltage", True),
        ("serial", False),
    ]


def test_a_field_less_is_no_work_for_a_run(batch: Batch) -> None:
    """Nobody is asked, and no session is opened where the embedded model has no part in it."""
    batch.specs["record"] = {"fields": {"voltage": VOLTAGE, "serial": SERIAL}}
    with open_state(batch.loaded()) as state:
        batch.run(state)
        batch.specs["record"] = {"fields": {"serial": SERIAL}}
        planned, kinds = batch.plan(state)
        assert fate(planned.documents[0], kinds.of["a"]) == "1 field known; nothing to ask"
        second = batch.run(state)
    assert set(spent(second).values()) == {0}


def test_a_part_of_the_record_is_forecast_to_cost_less(batch: Batch) -> None:
    """The shorter prompt and the shorter answer count; each kind has its own forecast."""
    fields = {f"f{number}": {"description": "words " * 40} for number in range(20)}
    batch.specs["record"] = {"fields": {"voltage": VOLTAGE}}
    with open_state(batch.loaded()) as state:
        batch.run(state)
        batch.specs["record"] = {"fields": fields | {"voltage": VOLTAGE}}
        batch.report("c", "3.20")
        planned, kinds = batch.plan(state)
        loaded = batch.loaded()
        ground = survey(loaded, planned.compiled, SETTINGS, state)
        found = foresee_kinds(ground, planned, kinds.documents)
        whole = foresee(ground, planned)
    assert {kind: one.documents for kind, one in found.items()} == {"new": 1, "partly": 2}
    assert whole.documents == 3


def test_a_record_by_json_schema_is_asked_as_a_whole(batch: Batch) -> None:
    """What such a schema says of the record can't be told from one field."""
    schema = {"type": "object", "properties": {"voltage": {"type": "string"}}}
    (batch.root / "r.json").write_text(json.dumps(schema))
    batch.specs["record"] = {"json_schema": "r.json"}
    with open_state(batch.loaded()) as state:
        batch.run(state)
        schema["properties"] = {"voltage": {"type": "string"}, "serial": {"type": "string"}}
        (batch.root / "r.json").write_text(json.dumps(schema))
        planned, kinds = batch.plan(state)
    assert {document.reuse for document in planned.documents} == {None}
    assert set(kinds.of.values()) == {"again"}
