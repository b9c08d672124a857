"""A cascade: the next model is asked only for what the ones before it left unproven."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docmill.errors import LimitError, ModelError
from docmill.events import (
    Event,
    ModelRequestStart,
    OutcomeEvaluationEnd,
    SessionErrorEvent,
    StageStarted,
    StatusIdle,
)
from docmill.models.base import Model
from docmill.models.rules import RulesModel
from docmill.session.run import SessionEnd, run_session
from docmill.testing import ScriptedModel, tool_use

if TYPE_CHECKING:
    from conftest import Bench  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

UNCLEAR = ("Test report", "Across its terminals we saw 3.30 V", "Serial number AB-12")
"""The embedded model finds the serial number only."""
VOLTAGE = {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"}
SERIAL = {"value": "AB-12", "page": 1, "quote": "AB-12"}
ONLY_VOLTAGE = {"voltage": VOLTAGE, "serial": None}
REFUSED = ModelError("The model refused.", code="model_refused")
FIRST, SECOND = "claude-haiku-4-5", "claude-sonnet-4-5"


def submit(record: dict[str, Any], call: str = "s1") -> list[dict[str, Any]]:
    """The step of a script that hands in a record."""
    return [tool_use("submit_record", record, call=call)]


@pytest.fixture
def unclear(bench: "Bench", write_pdf: Callable[[Sequence[str]], Path]) -> "Bench":
    """A workspace with a document that the embedded model reads in part."""
    write_pdf(UNCLEAR)
    return bench


async def run(bench: "Bench", **models: Model) -> SessionEnd:
    """One session of `first` and `second`, or of the embedded model and `second`."""
    first = {FIRST: models["first"]} if "first" in models else {"rules": RulesModel()}
    workbench = bench.for_models({**first, SECOND: models["second"]})
    return await run_session(workbench, bench.document(workbench), attempt=1)


def journal(bench: "Bench", end: SessionEnd) -> list[Event]:
    """All events of the session."""
    return [entry.event for entry in bench.store.journal(end.session)]


def stages(bench: "Bench", end: SessionEnd) -> list[int]:
    """The stages that were started, in order."""
    return [one.stage for one in journal(bench, end) if isinstance(one, StageStarted)]


def delivered(end: SessionEnd) -> dict[str, tuple[str, str]]:
    """Status of each value, and who delivered it."""
    assert end.findings.record is not None
    return {value.path: (value.status, value.by) for value in end.findings.record.values}


async def test_a_document_that_the_first_model_proves_never_reaches_the_second(
    bench: "Bench",
) -> None:
    """Nothing is spent on it."""
    with ScriptedModel([]) as model:
        end = await run(bench, second=model)
    assert delivered(end) == {"voltage": ("verified", "rules"), "serial": ("verified", "rules")}
    assert bench.store.spent(1).usd == 0


async def test_the_next_model_is_asked_for_the_unproven_fields_only(unclear: "Bench") -> None:
    """It is told which, and its value stands beside those of the first model."""
    with ScriptedModel([submit(ONLY_VOLTAGE)]) as model:
        end = await run(unclear, second=model)
    said = model.requests[0].messages[0]["content"][-1]["text"]
    assert said.endswith("null for all others: voltage")
    assert delivered(end) == {"voltage": ("verified", SECOND), "serial": ("verified", "rules")}
    starts = [one for one in journal(unclear, end) if isinstance(one, StageStarted)]
    assert [one.fields for one in starts] == [("voltage", "serial"), ("voltage",)]


async def test_what_nobody_asked_for_is_not_taken(unclear: "Bench") -> None:
    """The second model can't replace a value that the first one has proven."""
    other = {"voltage": VOLTAGE, "serial": SERIAL | {"value": "report", "quote": "report"}}
    with ScriptedModel([submit(other)]) as model:
        end = await run(unclear, second=model)
    assert delivered(end)["serial"] == ("verified", "rules")
    assert end.findings.record is not None
    reading = end.findings.record.values[1].reading
    assert reading is not None
    assert reading.value == "AB-12"


async def test_the_ledger_names_the_model_of_each_call(unclear: "Bench") -> None:
    """The embedded model's calls cost nothing, the second one's do."""
    with ScriptedModel([submit(ONLY_VOLTAGE)]) as model:
        end = await run(unclear, second=model)
    asked = [one.model for one in journal(unclear, end) if isinstance(one, ModelRequestStart)]
    assert asked[-1] == SECOND
    assert set(asked[:-1]) == {"rules"}
    assert unclear.store.spent(1).usd > 0


async def test_a_model_that_fails_passes_its_work_on(bench: "Bench") -> None:
    """The next one is asked for everything."""
    record = {"voltage": VOLTAGE, "serial": SERIAL}
    with ScriptedModel([REFUSED]) as first, ScriptedModel([submit(record)]) as second:
        end = await run(bench, first=first, second=second)
    assert delivered(end) == {"voltage": ("verified", SECOND), "serial": ("verified", SECOND)}
    errors = [one for one in journal(bench, end) if isinstance(one, SessionErrorEvent)]
    assert [(one.code, one.retry_status) for one in errors] == [("model_refused", "exhausted")]


async def test_the_last_model_may_fail_where_there_is_a_record(unclear: "Bench") -> None:
    """What was found before it stands; the document isn't lost."""
    with ScriptedModel([REFUSED]) as model:
        end = await run(unclear, second=model)
    assert delivered(end) == {"voltage": ("missing", ""), "serial": ("verified", "rules")}


async def test_a_cascade_of_failures_is_a_failure(bench: "Bench") -> None:
    """The last error is the document's."""
    with (
        ScriptedModel([REFUSED]) as first,
        ScriptedModel([REFUSED]) as second,
        pytest.raises(ModelError) as caught,
    ):
        await run(bench, first=first, second=second)
    assert caught.value.code == "model_refused"


async def test_a_limit_ends_the_cascade_not_the_session(unclear: "Bench") -> None:
    """With a higher limit the second model goes on from what the first one found."""
    unclear.limits = "{usd_per_document: 0.0001}"
    with ScriptedModel([]) as model, pytest.raises(LimitError):
        await run(unclear, second=model)
    unclear.limits = "{usd_per_document: 1}"
    with ScriptedModel([submit(ONLY_VOLTAGE)]) as model:
        end = await run(unclear, second=model)
    assert stages(unclear, end) == [0, 1]
    assert delivered(end)["voltage"] == ("verified", SECOND)


@pytest.mark.parametrize("kind", [StatusIdle, StageStarted])
async def test_a_crash_between_models_asks_nobody_twice(unclear: "Bench", kind: type[Any]) -> None:
    """The session goes on where it was: at the end of the first model, or at its beginning."""
    with ScriptedModel([]) as model, unclear.dying_after(kind):
        await run(unclear, second=model)
    with ScriptedModel([submit(ONLY_VOLTAGE)]) as model:
        end = await run(unclear, second=model)
    assert stages(unclear, end) == [0, 1]
    asked = [one.model for one in journal(unclear, end) if isinstance(one, ModelRequestStart)]
    assert asked.count(SECOND) == 1
    assert unclear.store.spent(1).model_calls == len(asked)
    assert delivered(end)["voltage"] == ("verified", SECOND)


async def test_a_model_that_failed_before_a_crash_is_not_asked_again(bench: "Bench") -> None:
    """Its work was passed on already."""
    with (
        ScriptedModel([REFUSED]) as first,
        ScriptedModel([]) as second,
        bench.dying_after(SessionErrorEvent),
    ):
        await run(bench, first=first, second=second)
    record = {"voltage": VOLTAGE, "serial": SERIAL}
    with ScriptedModel([]) as first, ScriptedModel([submit(record)]) as second:
        end = await run(bench, first=first, second=second)
    assert delivered(end)["voltage"] == ("verified", SECOND)


async def test_the_whole_record_is_graded_once_nobody_else_is_asked(unclear: "Bench") -> None:
    """A complaint about what another model has proven doesn't count."""
    unclear.outcome = "{description: All., rubric: All values.}"
    unmet = {"criterion": "c", "met": False, "path": "serial", "page": 1, "quote": "Test report"}
    graded = [tool_use("grade", {"criteria": [unmet]}, call="g")]
    with ScriptedModel([submit(ONLY_VOLTAGE), graded]) as model:
        end = await run(unclear, second=model)
    assert "AB-12" in str(model.requests[1].messages[0]["content"][-1])
    assert "null for all others" not in str(model.requests[1])
    (verdict,) = [one for one in journal(unclear, end) if isinstance(one, OutcomeEvaluationEnd)]
    assert verdict.result == "satisfied"
    assert "proven by another model" in verdict.criteria[0].reason


async def test_a_record_that_goes_on_to_the_next_model_is_not_graded_yet(bench: "Bench") -> None:
    """Only the whole is worth a grading."""
    bench.outcome = "{description: All., rubric: All values.}"
    fine = [tool_use("grade", {"criteria": [{"criterion": "c", "met": True}]}, call="g")]
    nothing = {"voltage": None, "serial": SERIAL}
    with (
        ScriptedModel([submit(nothing)]) as first,
        ScriptedModel([submit(ONLY_VOLTAGE), fine]) as second,
    ):
        end = await run(bench, first=first, second=second)
    assert delivered(end) == {"voltage": ("verified", SECOND), "serial": ("verified", FIRST)}
