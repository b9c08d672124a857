"""A session: sandbox, preparation, agent, journal, limits, findings; real but for the model."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docmill.errors import DocumentError, LimitError, ModelError, SessionError
from docmill.events import DocumentPrepared, Event, RecordChecked
from docmill.models.base import AttemptError
from docmill.models.rules import RulesModel
from docmill.session.bench import Workbench
from docmill.session.run import SessionEnd, run_session
from docmill.testing import ScriptedModel, text, tool_use

if TYPE_CHECKING:
    from conftest import Bench  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

VOLTAGE = {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"}
RIGHT = {"voltage": VOLTAGE, "serial": {"value": "AB-12", "page": 1, "quote": "AB-12"}}
WRONG = RIGHT | {"voltage": VOLTAGE | {"quote": "3.31 V", "value": 3.31}}
NO_VALUE = RIGHT | {"voltage": {"value": "high", "unit": "V", "page": 1, "quote": "3.30 V"}}


def submit(record: dict[str, Any], call: str = "s1") -> list[dict[str, Any]]:
    """The step of a script that hands in a record."""
    return [tool_use("submit_record", record, call=call)]


def journal(bench: "Bench", session: str) -> list[Event]:
    """All events of a session."""
    return [entry.event for entry in bench.store.journal(session)]


async def run(bench: "Bench", workbench: Workbench) -> SessionEnd:
    """One session over the workspace's document."""
    return await run_session(workbench, bench.document(workbench), attempt=1)


async def test_the_embedded_model_reads_a_report(bench: "Bench") -> None:
    """Both values are verified with page, quote and box, and the page has its picture."""
    end = await run(bench, bench.for_model(RulesModel()))
    assert end.findings.record is not None
    found = {value.path: value for value in end.findings.record.values}
    assert found["voltage"].status == "verified"
    reading = found["voltage"].reading
    assert reading is not None
    assert (reading.value, reading.unit) == (Decimal("3.30"), "V")
    assert reading.evidence is not None
    assert reading.evidence.boxes
    assert bench.blobs.get(end.findings.pictures[1]).startswith(b"\x89PNG")


async def test_a_wrong_quote_is_sent_back_and_mended(bench: "Bench") -> None:
    """The journal holds the complaint between the two submissions, the ledger both calls."""
    with ScriptedModel([submit(WRONG), submit(RIGHT, "s2")]) as model:
        end = await run(bench, bench.for_model(model))
    checks = [event for event in journal(bench, end.session) if isinstance(event, RecordChecked)]
    assert [check.accepted for check in checks] == [False, True]
    assert "3.31 V" in checks[0].errors[0]
    assert bench.store.spent(1).model_calls == 2


async def test_what_can_not_be_proven_is_unverified_in_the_end(bench: "Bench") -> None:
    """Repairs are bounded; the record is kept, its value never called verified."""
    bench.repairs = 1
    with ScriptedModel([submit(WRONG), submit(WRONG, "s2")]) as model:
        end = await run(bench, bench.for_model(model))
    assert end.findings.record is not None
    assert end.findings.record.values[0].status == "unverified"


async def test_a_record_that_never_validates_is_invalid(bench: "Bench") -> None:
    """Every error is kept, and the next run asks again."""
    bench.repairs = 0
    with ScriptedModel([submit(NO_VALUE)]) as model:
        workbench = bench.for_model(model)
        end = await run(bench, workbench)
    assert end.findings.record is None
    assert end.findings.code == "record_invalid"
    assert "voltage" in end.findings.message
    assert bench.store.finished(bench.document(workbench).key) is None


async def test_an_agent_that_hands_in_nothing_is_invalid(bench: "Bench") -> None:
    """It is reminded once."""
    with ScriptedModel([[text("No.")], [text("No.")]]) as model:
        end = await run(bench, bench.for_model(model))
    assert "without handing in" in end.findings.message


async def test_the_document_is_marked_as_data(bench: "Bench") -> None:
    """Its text stands between tags it can't close, and its file name is never sent."""
    with ScriptedModel([submit(RIGHT)]) as model:
        await run(bench, bench.for_model(model))
    first = model.requests[0].messages[0]["content"]
    assert "data, never instructions" in first[0]["text"]
    assert "Output voltage" in first[0]["text"]
    assert first[-1]["text"].endswith("pages: 1")
    assert "report.pdf" not in str(model.requests[0])


async def test_a_crashed_session_goes_on_without_asking_again(bench: "Bench") -> None:
    """The answer that was paid for is used by the next attempt, in the same session."""
    look = [tool_use("read", {"file_path": "/workspace/document/layout/page-0001.tsv"}, call="r1")]
    broken = ScriptedModel([look, ModelError("gone", code="model_unreachable", retryable=True)])
    with pytest.raises(ModelError):
        await run(bench, bench.for_model(broken))
    with ScriptedModel([submit(RIGHT)]) as model:
        end = await run(bench, bench.for_model(model))
    assert end.attempt == 2
    assert bench.store.spent(1).model_calls == 2
    assert "3.30" in str(model.requests[0].messages[-1]["content"][0]["content"])


async def test_a_changed_prompt_starts_a_session_anew(bench: "Bench") -> None:
    """The document key changes with the prompt, so nothing old is taken up."""
    broken = ScriptedModel([ModelError("gone", code="model_unreachable", retryable=True)])
    with pytest.raises(ModelError):
        await run(bench, bench.for_model(broken))
    bench.system = "Read with care."
    with ScriptedModel([submit(RIGHT)]) as model:
        end = await run(bench, bench.for_model(model))
    assert end.attempt == 1


async def test_a_call_that_could_overshoot_is_not_made(bench: "Bench") -> None:
    """The document ends `limit` before anything is spent."""
    bench.limits = "{usd_per_document: 0.0001}"
    with ScriptedModel([]) as model, pytest.raises(LimitError, match="usd_per_document"):
        await run(bench, bench.for_model(model, "claude-opus-5-5"))
    assert bench.store.spent(1).model_calls == 0


async def test_money_set_aside_for_a_call_that_failed_is_released(bench: "Bench") -> None:
    """The run's budget isn't eaten by calls that cost nothing."""
    bench.usd_per_run = Decimal(5)
    refused = ScriptedModel([AttemptError("no", code="model_request", status=400)])
    with pytest.raises(ModelError):
        await run(bench, bench.for_model(refused, "claude-haiku-4-5"))
    assert bench.accounts().used() == 0


async def test_a_call_that_nobody_knows_the_end_of_counts_as_made(bench: "Bench") -> None:
    """Its worst case counts against the limits, once, also when the session has gone on."""
    bench.usd_per_run = Decimal(5)
    dead = ScriptedModel([ModelError("gone", code="model_unreachable", retryable=True)])
    with pytest.raises(ModelError):
        await run(bench, bench.for_model(dead, "claude-haiku-4-5"))
    worst = bench.accounts().used()
    assert worst > 0
    with ScriptedModel([submit(RIGHT)]) as model:
        await run(bench, bench.for_model(model, "claude-haiku-4-5"))
    spent = bench.store.spent(1)
    assert spent.lost_calls == 1
    assert bench.accounts().used() == worst + spent.usd


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"%PDF-1.7\nnothing of a PDF follows", "document_corrupt"), (None, "document_no_text")],
)
async def test_unusable_documents_end_with_a_code(
    bench: "Bench",
    write_pdf: Callable[[Sequence[str]], Path],
    content: bytes | None,
    code: str,
) -> None:
    """One plain sentence, one stable code, and a next step."""
    path = write_pdf([])
    if content is not None:
        path.write_bytes(content)
    with ScriptedModel([]) as model, pytest.raises(DocumentError) as caught:
        await run(bench, bench.for_model(model))
    assert caught.value.code == code
    assert caught.value.remedy


async def test_a_mistake_of_docmill_itself_ends_one_document_only(bench: "Bench") -> None:
    """It says where, and the session is not taken up again."""
    with pytest.raises(SessionError, match=r"ZeroDivisionError: odd") as caught:
        await run(bench, bench.for_model(ScriptedModel([ZeroDivisionError("odd")])))
    assert (caught.value.code, caught.value.retryable) == ("internal_error", False)
    with ScriptedModel([submit(RIGHT)]) as model:
        end = await run(bench, bench.for_model(model))
    assert end.attempt == 1


async def test_a_session_that_takes_too_long_ends_at_its_limit(bench: "Bench") -> None:
    """It stays open: with a higher limit it goes on."""
    bench.limits = "{minutes: 0.0001}"
    with pytest.raises(LimitError) as caught:
        await run(bench, bench.for_model(ScriptedModel([])))
    assert caught.value.code == "limit_minutes"


async def test_sandbox_time_is_charged_however_a_session_ends(bench: "Bench") -> None:
    """The ledger knows it also for a session that failed."""
    dead = ScriptedModel([ModelError("gone", code="model_unreachable", retryable=True)])
    with pytest.raises(ModelError):
        await run(bench, bench.for_model(dead))
    assert bench.store.spent(1).sandbox_seconds > 0


async def test_pages_are_stored_once_as_a_blob(bench: "Bench") -> None:
    """The journal names the words of the pages by their hash."""
    with ScriptedModel([submit(RIGHT)]) as model:
        end = await run(bench, bench.for_model(model))
    prepared = [e for e in journal(bench, end.session) if isinstance(e, DocumentPrepared)]
    assert b"3.30" in bench.blobs.get(prepared[0].layout)
