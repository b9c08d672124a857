"""What an endpoint can do to a document: how it ends, what the ledger shows, what was asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from docmill.batch.job import BatchJob
from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import open_state
from docmill.compile import compile_pipeline
from docmill.errors import RunError, SessionError
from docmill.flow.job import RunEnd
from docmill.records.results import DocumentResult
from docmill.settings import load_settings
from docmill.spec.load import load_workspace
from docmill.testing import Answer, Cut, Failure, Reset, ScriptedServer, Step, text, tool_use

KEY = "sk-test-0123456789"
RECORD = {"voltage": {"value": "3.30", "unit": "V", "page": 1, "quote": "3.30 V"}}
SUBMIT = tool_use("submit_record", RECORD, call="toolu_right")
RIGHT = Answer([SUBMIT])
LONG = Answer([text("word " * 20_000), SUBMIT])
WORKSPACE = {
    "docmill.yaml": """
endpoints:
  scripted: {{base_url: "{url}", api_key_env: SCRIPTED_KEY, stall_seconds: 1}}
prices: prices.yaml
""",
    "prices.yaml": """
as_of: 2026-11-01
models:
  scripted/reader: {{input: 1, output: 5, cache_write: 1.25, cache_read: 0.10}}
""",
    "agent_specs/reader.yaml": "name: reader\nmodel: scripted/reader\n",
    "pipelines/reports.yaml": """
name: reports
documents: in
agent: reader
record:
  repairs: 1
  fields:
    voltage: {{type: quantity, unit: V}}
limits: {{turns: 4, usd_per_run: 5, output_tokens: 4000}}
retries: {{delay_seconds: 0, calls: 3}}
""",
}


class Outcome(NamedTuple):
    """What came of the run's only document."""

    result: DocumentResult
    asked: int
    """Requests the server saw."""
    error: RunError | None = None
    """What stopped the whole run."""


def make_workspace(root: Path, url: str) -> None:
    """Specs, and one report that says 3.30 V."""
    for name, content in WORKSPACE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content.format(url=url))
    (root / "in").mkdir()
    canvas: Any = Canvas(str(root / "in" / "report.pdf"), invariant=1)
    canvas.drawString(72, 760, "Output voltage 3.30 V")
    canvas.save()


async def drive(job: BatchJob) -> RunError | None:
    """What the flow does with a document: process it, and settle a failure."""
    try:
        async with job.held:
            for document in (await job.ingest()).pending:
                try:
                    await job.process(document, attempt=1)
                except SessionError as error:
                    job.settle_failure(document, error, attempts=1)
    except RunError as error:
        job.settle_cancelled(job.plan.documents[0])
        return error
    finally:
        await job.judge()
        job.release()
        job.close(RunEnd(status="finished"))
    return None


async def run(root: Path, *steps: Step | Sequence[dict[str, Any]], key: str = KEY) -> Outcome:
    """Run the document against a server with this script."""
    async with ScriptedServer(list(steps), key=KEY) as server:
        make_workspace(root, server.base_url)
        loaded = load_workspace(root)
        settings = load_settings({"SCRIPTED_KEY": key})
        with open_state(loaded) as state:
            compiled = compile_pipeline(loaded, "reports")
            job = prepare_job(loaded, compiled, settings, state, observer=SilentObserver())
            error = await drive(job)
            (result,) = job.reader().documents()
        asked = sum(entry.kind == "message" for entry in server.log)
    return Outcome(result, asked, error)


def written_below(folder: Path) -> bytes:
    """All that was written, one file after the other."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "store.db" for path in files)
    return b"\n".join(path.read_bytes() for path in files)


PASSING = {
    "429 with retry-after": Failure(429, retry_after=0),
    "429 without": Failure(429),
    "529": Failure(529),
    "500": Failure(500),
    "connection reset": Reset(),
    "reset in mid-stream": Answer([SUBMIT], cut=Cut("reset")),
    "stream cut in a tool call": Answer([SUBMIT], cut=Cut("eof")),
    "stream without an end": Answer([SUBMIT], cut=Cut("end", where="end")),
    "stalled stream": Answer([SUBMIT], cut=Cut("stall")),
    "overloaded in mid-stream": Answer([SUBMIT], cut=Cut("error")),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_a_fault_that_passes_is_asked_again(tmp_path: Path, fault: Step) -> None:
    """The document is ok; the ledger has one call, and the failed attempt beside it."""
    result, asked, _ = await run(tmp_path, fault, RIGHT)
    assert (result.status, asked) == ("ok", 2)
    assert (result.usage.model_calls, result.usage.failed_calls) == (1, 1)


async def test_an_answer_that_was_cut_is_paid_as_far_as_it_came(tmp_path: Path) -> None:
    """The endpoint bills what it read; the ledger says so."""
    whole = await run(tmp_path / "a", RIGHT)
    cut = await run(tmp_path / "b", Answer([SUBMIT], cut=Cut("eof")), RIGHT)
    assert cut.result.usage.prompt_tokens == 2 * whole.result.usage.prompt_tokens
    assert cut.result.usage.usd > whole.result.usage.usd


@pytest.mark.parametrize("fault", [Failure(500), Answer([SUBMIT], cut=Cut("eof"))])
async def test_a_fault_that_stays_ends_the_document(tmp_path: Path, fault: Step) -> None:
    """After `retries.calls` attempts it failed, with a next step, and may be gone on with."""
    result, asked, _ = await run(tmp_path, fault, fault, fault)
    assert (result.status, asked) == ("failed", 3)
    assert result.code in ("model_server_error", "model_stream_cut")
    assert (result.usage.model_calls, result.usage.failed_calls) == (0, 3)
    assert result.remedy


MENDED = {
    "invalid JSON": tool_use("submit_record", '{"voltage": ', call="toolu_1"),
    "no object": tool_use("submit_record", "[1]", call="toolu_1"),
    "unknown tool": tool_use("fly", {"to": "moon"}, call="toolu_1"),
    "unknown field": tool_use("submit_record", {"volts": 3}, call="toolu_1"),
    "wrong type": tool_use("submit_record", {"voltage": ["3.30"]}, call="toolu_1"),
    "wrong input of a tool": tool_use("read", {"file_path": 7}, call="toolu_1"),
    "giant number": tool_use("submit_record", {"voltage": 10**400}, call="toolu_1"),
}


@pytest.mark.parametrize("call", MENDED.values(), ids=MENDED)
async def test_a_mistake_of_the_model_goes_back_to_it(tmp_path: Path, call: dict[str, Any]) -> None:
    """It is told what is wrong and mends it: two paid calls, none failed."""
    result, asked, _ = await run(tmp_path, [call], RIGHT)
    assert (result.status, asked) == ("ok", 2)
    assert (result.usage.model_calls, result.usage.failed_calls) == (2, 0)


async def test_a_record_that_never_validates_is_invalid_and_paid(tmp_path: Path) -> None:
    """Every error is kept, the cost is shown."""
    wrong = {"voltage": {"value": "high", "page": 1, "quote": "3.30 V"}}
    steps = [[tool_use("submit_record", wrong, call=f"toolu_{turn}")] for turn in range(2)]
    result, _, _ = await run(tmp_path, *steps)
    assert (result.status, result.code) == ("invalid", "record_invalid")
    assert "voltage" in result.message
    assert result.usage.usd > 0


async def test_an_endless_tool_loop_ends_at_the_limit_of_turns(tmp_path: Path) -> None:
    """The fifth call isn't made."""
    loop = [[tool_use("glob", {"pattern": "*"}, call=f"toolu_{turn}")] for turn in range(4)]
    result, asked, _ = await run(tmp_path, *loop)
    assert (result.status, result.code, asked) == ("limit", "limit_turns", 4)


async def test_a_giant_answer_is_read_to_its_end(tmp_path: Path) -> None:
    """It costs what it costs, and its call counts."""
    result, _, _ = await run(tmp_path, LONG)
    assert result.status == "ok"
    assert result.usage.output_tokens > 20_000


async def test_a_refusal_ends_the_document_with_its_category(tmp_path: Path) -> None:
    """It isn't asked again."""
    refusal = Answer([], stop_reason="refusal", stop_details={"category": "bio"})
    result, asked, _ = await run(tmp_path, refusal)
    assert (result.status, result.code, asked) == ("failed", "model_refused", 1)
    assert "(bio)" in result.message


async def test_an_answer_cut_at_its_limit_is_asked_for_shorter(tmp_path: Path) -> None:
    """The lost tool call is never sent back half."""
    cut = Answer([SUBMIT], stop_reason="max_tokens")
    result, asked, _ = await run(tmp_path, cut, RIGHT)
    assert (result.status, asked) == ("ok", 2)


async def test_an_answer_cut_again_and_again_fails_with_advice(tmp_path: Path) -> None:
    """The limit that would have to be raised is named."""
    cut = Answer([text("Well, …")], stop_reason="max_tokens")
    result, asked, _ = await run(tmp_path, cut, cut, cut)
    assert (result.status, result.code, asked) == ("failed", "model_output_cut", 3)
    assert "limits.output_tokens" in result.remedy


async def test_a_pause_goes_on_by_itself(tmp_path: Path) -> None:
    """The model's own words are given back to it, nothing is added."""
    pause = Answer([text("One moment.")], stop_reason="pause_turn")
    result, asked, _ = await run(tmp_path, pause, RIGHT)
    assert (result.status, asked) == ("ok", 2)


async def test_a_full_context_is_compacted_if_there_is_something_to_leave_out(
    tmp_path: Path,
) -> None:
    """Old tool results go; without any the document fails with advice."""
    full = Answer([], stop_reason="model_context_window_exceeded")
    looks = [tool_use("glob", {"pattern": "*"}, call=f"toolu_{turn}") for turn in range(3)]
    mended = await run(tmp_path / "a", looks, full, RIGHT)
    assert (mended.result.status, mended.asked) == ("ok", 3)
    failed = await run(tmp_path / "b", full)
    assert (failed.result.status, failed.result.code) == ("failed", "model_context_full")
    assert failed.result.remedy


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refused_key_or_model_stops_the_run(tmp_path: Path, status: int) -> None:
    """At once, before anything is spent elsewhere; the ledger is empty."""
    result, asked, error = await run(tmp_path, Failure(status))
    assert error is not None
    assert error.remedy
    assert (result.status, asked) == ("cancelled", 1)
    assert (result.usage.usd, result.usage.failed_calls, result.usage.lost_calls) == (0, 1, 0)


async def test_a_request_the_endpoint_calls_invalid_is_not_repeated(tmp_path: Path) -> None:
    """It would be refused again."""
    result, asked, _ = await run(tmp_path, Failure(400))
    assert (result.status, result.code, asked) == ("failed", "model_request_invalid", 1)


async def test_the_key_is_in_nothing_that_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in journal, database, blobs, errors or logs, even if the endpoint says it aloud."""
    caplog.set_level("DEBUG")
    outcome = await run(tmp_path, Failure(401, message=f"no such key: {KEY}"))
    assert KEY.encode() not in written_below(tmp_path)
    assert KEY not in repr(outcome)
    assert KEY not in caplog.text
