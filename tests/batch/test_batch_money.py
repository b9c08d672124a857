"""Limits in dollars over a whole run: refused before it, kept during it, raised after it."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.batch.foresight import foresee
from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import make_plan, prepare_job, survey
from docmill.batch.state import State, open_state
from docmill.compile import compile_pipeline
from docmill.errors import LimitError, RunError, SessionError, SpecError
from docmill.flow.job import RunEnd
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.spec.overrides import override_pipeline
from docmill.testing import Answer, ScriptedServer, text, tool_use

KEY = "sk-test-0123456789"
RECORD = {"voltage": {"value": "3.30", "unit": "V", "page": 1, "quote": "3.30 V"}}
SUBMIT = tool_use("submit_record", RECORD, call="toolu_1")
RIGHT = Answer([text("word " * 800), SUBMIT])
"""Long enough to be seen in the sum."""
SETTINGS = load_settings({"SCRIPTED_KEY": KEY})
WORKSPACE = {
    "docmill.yaml": """
endpoints:
  scripted: {{base_url: "{url}", api_key_env: SCRIPTED_KEY, stall_seconds: 1}}
prices: prices.yaml
""",
    "prices.yaml": """
as_of: 2026-11-01
models:
  scripted/reader: {{input: 1, output: 5}}
""",
    "agent_specs/reader.yaml": "name: reader\nmodel: scripted/reader\n",
    "pipelines/reports.yaml": """
name: reports
documents: in
agent: reader
record:
  fields:
    voltage: {{type: quantity, unit: V}}
limits: {{output_tokens: 1000}}
""",
}


def make_workspace(root: Path, url: str, *, reports: int) -> LoadedWorkspace:
    """Specs, and so many reports that say 3.30 V."""
    for name, content in WORKSPACE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content.format(url=url))
    (root / "in").mkdir()
    for number in range(reports):
        canvas: Any = Canvas(str(root / "in" / f"report-{number}.pdf"), invariant=1)
        canvas.drawString(72, 760, f"Report {number}: output voltage 3.30 V")
        canvas.save()
    return load_workspace(root)


def with_limits(loaded: LoadedWorkspace, **limits: str) -> LoadedWorkspace:
    """The workspace with other limits, as `--limit` sets them."""
    settings = [f"limits.{key}={value}" for key, value in limits.items()]
    pipelines = {"reports": override_pipeline(loaded.workspace.pipelines["reports"], settings)}
    workspace = loaded.workspace.model_copy(update={"pipelines": pipelines})
    return replace(loaded, workspace=workspace)


def prepare(loaded: LoadedWorkspace, state: State, *, resume: int | None = None) -> BatchJob:
    """A run, claimed."""
    compiled = compile_pipeline(loaded, "reports")
    watching = SilentObserver()
    return prepare_job(loaded, compiled, SETTINGS, state, observer=watching, resume=resume)


async def drive(job: BatchJob) -> dict[str, str]:
    """What the flow does, one document after the other; the documents' statuses by name."""
    ingested = await job.ingest()
    counts = dict(ingested.settled)
    for document in ingested.finished:
        job.reuse(document)
    async with job.held:
        for document in ingested.pending:
            try:
                status = (await job.process(document, attempt=1))["status"]
            except SessionError as error:
                status = job.settle_failure(document, error, attempts=1)
            counts[status] = counts.get(status, 0) + 1
    await job.judge()
    job.release()
    job.close(RunEnd(status="finished", counts=counts))
    return {result.document.name: result.status for result in job.reader().documents()}


async def test_a_run_that_meets_its_limit_goes_on_with_a_higher_one(tmp_path: Path) -> None:
    """Under its number; what is finished isn't asked again, the report shows the new limit."""
    async with ScriptedServer([RIGHT] * 4, key=KEY) as server:
        loaded = make_workspace(tmp_path, server.base_url, reports=4)
        with open_state(loaded) as state:
            job = prepare(with_limits(loaded, usd_per_run="0.02"), state)
            first = await drive(job)
            assert set(first.values()) == {"ok", "limit"}
            assert job.info.status == "limit"
            assert state.sessions.spent(1).usd <= Decimal("0.02")
            asked = len([one for one in server.log if one.kind == "message"])
            assert asked == list(first.values()).count("ok")
            job = prepare(with_limits(loaded, usd_per_run="1"), state, resume=1)
            assert job.run_id == "run-0001"
            assert set((await drive(job)).values()) == {"ok"}
            assert (job.info.status, job.info.limits["usd_per_run"]) == ("finished", "1")
            with pytest.raises(RunError, match="finished"):
                prepare(loaded, state, resume=1)
        assert len([one for one in server.log if one.kind == "message"]) == 4


async def test_documents_not_begun_when_the_money_is_gone_start_no_session(tmp_path: Path) -> None:
    """They end `limit` with the same remedy, without a sandbox."""
    async with ScriptedServer([RIGHT] * 2, key=KEY) as server:
        loaded = make_workspace(tmp_path, server.base_url, reports=4)
        with open_state(loaded) as state:
            job = prepare(with_limits(loaded, usd_per_run="0.02"), state)
            await drive(job)
            last = list(job.reader().documents())[-1]
    assert (last.status, last.code, last.session_id) == ("limit", "limit_usd", "")
    assert "docmill resume run-0001 --limit usd=" in last.remedy


async def test_a_limit_too_small_for_one_call_is_refused_before_the_run(tmp_path: Path) -> None:
    """The amount that is needed is said, and it is enough."""
    async with ScriptedServer([RIGHT], key=KEY) as server:
        loaded = make_workspace(tmp_path, server.base_url, reports=1)
        with open_state(loaded) as state:
            with pytest.raises(SpecError) as caught:
                prepare(with_limits(loaded, usd_per_document="0.001"), state)
            (problem,) = caught.value.problems
            assert problem.key == "limits.usd_per_document"
            assert "too small for one call" in problem.message
            enough = problem.remedy.split("at least ")[1].split(",")[0]
            assert not server.log
            assert await drive(prepare(with_limits(loaded, usd_per_document=enough), state))


@pytest.mark.parametrize("own", [True, False])
def test_a_model_without_a_price_is_refused_where_a_limit_is_set(
    tmp_path: Path, *, own: bool
) -> None:
    """With the line to add; without a limit in dollars it may run."""
    loaded = make_workspace(tmp_path, "http://127.0.0.1:9", reports=1)
    (tmp_path / "prices.yaml").write_text("as_of: 2026-11-01\nmodels: {}\n")
    if not own:
        config = (tmp_path / "docmill.yaml").read_text().replace("prices: prices.yaml", "")
        (tmp_path / "docmill.yaml").write_text(config)
    loaded = load_workspace(tmp_path)
    with open_state(loaded) as state:
        with pytest.raises(SpecError) as caught:
            prepare(with_limits(loaded, usd_per_run="5"), state)
        (problem,) = caught.value.problems
        assert "`scripted/reader: {input: 0, output: 0}`" in problem.remedy
        job = prepare(loaded, state)
        job.release()
        assert job.info.forecast is not None
        assert job.info.forecast.usd is None


async def test_a_forecast_learns_from_the_runs_before(tmp_path: Path) -> None:
    """The second time it rests on the documents of the first, whose texts are known."""
    async with ScriptedServer([RIGHT] * 3, key=KEY) as server:
        loaded = make_workspace(tmp_path, server.base_url, reports=3)
        with open_state(loaded) as state:
            job = prepare(loaded, state)
            assert job.info.forecast is not None
            assert (job.info.forecast.documents, job.info.forecast.learnt_from) == (3, 0)
            await drive(job)
            spent = state.sessions.spent(1).usd
            agent = tmp_path / "agent_specs" / "reader.yaml"
            agent.write_text(agent.read_text() + "system: Read with care.\n")
            again = load_workspace(tmp_path)
            compiled = compile_pipeline(again, "reports")
            plan = make_plan(again, compiled, state)
            found = foresee(survey(again, compiled, SETTINGS, state), plan)
    assert (found.learnt_from, found.sized_by_text) == (3, 3)
    assert found.usd is not None
    assert found.usd.low <= spent <= found.usd.high
    stored = json.loads(job.info.model_dump_json())["forecast"]
    assert stored["documents"] == 3


async def test_a_run_whose_time_is_over_ends_with_the_limit(tmp_path: Path) -> None:
    """`limits.minutes_per_run` ends what is under way and lets nothing else begin."""
    async with ScriptedServer([], key=KEY) as server:
        loaded = make_workspace(tmp_path, server.base_url, reports=2)
        with open_state(loaded) as state:
            job = prepare(with_limits(loaded, minutes_per_run="0.00001"), state)
            (document, _) = (await job.ingest()).pending
            with pytest.raises(LimitError) as caught:
                await job.process(document, attempt=1)
            job.release()
            job.close(RunEnd(status="finished"))
    assert caught.value.code == "limit_minutes_per_run"
