"""The outcome: a record is graded once code has nothing to say, and complaints need proof."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docmill.errors import LimitError
from docmill.events import (
    AttemptFailed,
    CallLost,
    Event,
    OutcomeEvaluationEnd,
    OutcomeEvaluationStart,
    RecordChecked,
)
from docmill.models.base import AttemptError
from docmill.session.run import SessionEnd, run_session
from docmill.testing import ScriptedModel, text, tool_use

if TYPE_CHECKING:
    from conftest import Bench  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

VOLTAGE = {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"}
RIGHT = {"voltage": VOLTAGE, "serial": {"value": "AB-12", "page": 1, "quote": "AB-12"}}
NO_SERIAL = RIGHT | {"serial": None}
WRONG = RIGHT | {"voltage": VOLTAGE | {"value": 5, "quote": "5 V"}}
UNPROVEN = RIGHT | {"voltage": VOLTAGE | {"value": 4, "quote": "4 V"}}
LINES = ("Test report", "Output voltage 3.30 V", "Limit 5 V", "Serial number AB-12")
GOOD = {"criterion": "measured values only", "met": True}
MISSING = {"path": "serial", "page": 1, "quote": "AB-12", "complaint": "The serial is missing."}
NOT_LIMIT = {"path": "voltage", "page": 1, "quote": "3.30 V", "complaint": "5 V is the limit."}


def submit(record: dict[str, Any], call: str = "s1") -> list[dict[str, Any]]:
    """The step of a script that hands in a record."""
    return [tool_use("submit_record", record, call=call)]


def grade(*complaints: dict[str, Any]) -> list[dict[str, Any]]:
    """The step of a script that grades: all is met but for these complaints."""
    unmet = [{"criterion": "complete", "met": False, **complaint} for complaint in complaints]
    return [tool_use("grade", {"criteria": [GOOD, *unmet]}, call="g")]


@pytest.fixture
def graded(bench: "Bench", write_pdf: Callable[[Sequence[str]], Path]) -> "Bench":
    """A workspace with a rubric, and a document with a value and its limit."""
    write_pdf(LINES)
    bench.outcome = "{description: All values., rubric: A limit is no value., max_iterations: 3}"
    return bench


async def run(bench: "Bench", model: ScriptedModel, name: str = "claude-haiku-4-5") -> SessionEnd:
    """One session of this model, which also grades."""
    workbench = bench.for_model(model, name)
    return await run_session(workbench, bench.document(workbench), attempt=1)


def journal(bench: "Bench", end: SessionEnd) -> list[Event]:
    """All events of the session."""
    return [entry.event for entry in bench.store.journal(end.session)]


def verdicts(bench: "Bench", end: SessionEnd) -> list[OutcomeEvaluationEnd]:
    """The grader's verdicts in order."""
    return [one for one in journal(bench, end) if isinstance(one, OutcomeEvaluationEnd)]


def statuses(end: SessionEnd) -> dict[str, str]:
    """Status of each value."""
    assert end.findings.record is not None
    return {value.path: value.status for value in end.findings.record.values}


async def test_a_correct_record_costs_one_grading_and_no_iteration(graded: "Bench") -> None:
    """Two calls in all, both in the ledger; the grader has a prompt of its own."""
    with ScriptedModel([submit(RIGHT), grade()]) as model:
        end = await run(graded, model)
    assert [one.result for one in verdicts(graded, end)] == ["satisfied"]
    assert graded.store.spent(1).model_calls == 2
    asked = model.requests[1]
    assert asked.system != model.requests[0].system
    assert [tool["name"] for tool in asked.tools] == ["grade"]
    said = str(asked.messages)
    assert "Output voltage" in said
    assert "A limit is no value." in said
    assert '"path": "voltage"' in said
    assert "layout/page-0001" not in said


async def test_without_a_rubric_nothing_is_graded(graded: "Bench") -> None:
    """A description alone is a word to the agent."""
    graded.outcome = "{description: All values.}"
    with ScriptedModel([submit(RIGHT)]) as model:
        assert verdicts(graded, await run(graded, model)) == []


async def test_what_code_refuses_is_not_graded(graded: "Bench") -> None:
    """Only the repaired record is; the repair is no iteration."""
    with ScriptedModel([submit(UNPROVEN), submit(RIGHT, "s2"), grade()]) as model:
        end = await run(graded, model)
    checked = [one.accepted for one in journal(graded, end) if isinstance(one, RecordChecked)]
    assert checked == [False, True]
    assert [one.iteration for one in verdicts(graded, end)] == [0]


async def test_a_proven_complaint_is_sent_back_with_page_and_quote(graded: "Bench") -> None:
    """The model hands in again, and the better record is graded again."""
    steps = [submit(NO_SERIAL), grade(MISSING), submit(RIGHT, "s2"), grade()]
    with ScriptedModel(steps) as model:
        end = await run(graded, model)
    assert [one.result for one in verdicts(graded, end)] == ["needs_revision", "satisfied"]
    assert statuses(end)["serial"] == "verified"
    result = model.requests[2].messages[-1]["content"][0]
    assert result["is_error"]
    assert "serial: The serial is missing. Page 1 says 'AB-12'." in result["content"]


async def test_a_value_that_differs_from_the_quote_is_a_complaint_that_counts(
    graded: "Bench",
) -> None:
    """The limit was proven too: only the rubric tells it from the value."""
    steps = [submit(WRONG), grade(NOT_LIMIT), submit(RIGHT, "s2"), grade()]
    with ScriptedModel(steps) as model:
        end = await run(graded, model)
    assert verdicts(graded, end)[0].criteria[1].upheld
    assert statuses(end) == {"voltage": "verified", "serial": "verified"}


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [
        (NOT_LIMIT, "says what the record says"),
        (MISSING | {"quote": ""}, "quotes nothing"),
        (MISSING | {"quote": "CD-34"}, "not on page 1"),
        (MISSING | {"page": 2}, "not on page 2"),
        (MISSING | {"path": "colour"}, "no value of the record"),
        ({"complaint": "I don't like it.", "page": 1, "quote": "Test report"}, "names no value"),
    ],
)
async def test_a_complaint_that_code_refutes_changes_nothing(
    graded: "Bench", complaint: dict[str, Any], reason: str
) -> None:
    """The record is accepted; the verdict says why the complaint didn't count."""
    with ScriptedModel([submit(RIGHT), grade(complaint)]) as model:
        end = await run(graded, model)
    (verdict,) = verdicts(graded, end)
    assert verdict.result == "satisfied"
    assert reason in verdict.criteria[1].reason


async def test_the_same_values_again_are_accepted_without_a_grading(graded: "Bench") -> None:
    """The model stands by its record; asking the grader again would change nothing."""
    with ScriptedModel([submit(NO_SERIAL), grade(MISSING), submit(NO_SERIAL, "s2")]) as model:
        end = await run(graded, model)
    assert len(verdicts(graded, end)) == 1
    assert statuses(end)["serial"] == "missing"


async def test_gradings_are_bounded(graded: "Bench") -> None:
    """The last one can't send the record back."""
    graded.outcome = "{description: All., rubric: A limit is no value., max_iterations: 2}"
    both = NO_SERIAL | {"voltage": VOLTAGE | {"value": 5, "quote": "5 V"}}
    steps = [submit(both), grade(NOT_LIMIT), submit(NO_SERIAL, "s2"), grade(MISSING)]
    with ScriptedModel(steps) as model:
        end = await run(graded, model)
    results = [one.result for one in verdicts(graded, end)]
    assert results == ["needs_revision", "max_iterations_reached"]
    assert statuses(end) == {"voltage": "verified", "serial": "missing"}


async def test_repairs_after_a_revision_are_counted_apart(graded: "Bench") -> None:
    """With one repair allowed, a revision doesn't use it up."""
    graded.repairs = 1
    steps = [
        submit(NO_SERIAL),
        grade(MISSING),
        submit(UNPROVEN, "s2"),
        submit(RIGHT, "s3"),
        grade(),
    ]
    with ScriptedModel(steps) as model:
        end = await run(graded, model)
    assert statuses(end) == {"voltage": "verified", "serial": "verified"}


async def test_a_whole_record_is_not_given_up_for_one_without_form(graded: "Bench") -> None:
    """What was proven before the revision stands."""
    graded.repairs = 0
    steps = [submit(NO_SERIAL), grade(MISSING), submit({"colour": None}, "s2")]
    with ScriptedModel(steps) as model:
        end = await run(graded, model)
    assert statuses(end)["voltage"] == "verified"


async def test_a_grader_that_answers_in_words_is_understood(graded: "Bench") -> None:
    """JSON in plain text is as good as the tool."""
    said = '```json\n{"criteria": [{"criterion": "all", "met": true}]}\n```'
    with ScriptedModel([submit(RIGHT), [text(said)]]) as model:
        end = await run(graded, model)
    assert verdicts(graded, end)[0].result == "satisfied"


@pytest.mark.parametrize(
    "nonsense",
    [[text("Looks fine!")], [text('{"criteria": []}')], [tool_use("grade", "{", call="g")]],
)
async def test_a_grader_that_talks_nonsense_is_paid_and_not_heard(
    graded: "Bench", nonsense: list[dict[str, Any]]
) -> None:
    """The record stands, the trace says why."""
    with ScriptedModel([submit(RIGHT), nonsense]) as model:
        end = await run(graded, model)
    (verdict,) = verdicts(graded, end)
    assert verdict.result == "failed"
    assert "can't be understood" in verdict.explanation
    assert graded.store.spent(1).model_calls == 2
    assert end.findings.record is not None


async def test_a_failed_attempt_at_grading_is_made_again(graded: "Bench") -> None:
    """Each attempt is announced, and the failed one is in the ledger."""
    busy = AttemptError("Too busy.", code="model_overloaded", retryable=True, retry_after=0)
    with ScriptedModel([submit(RIGHT), busy, grade()]) as model:
        end = await run(graded, model)
    events = journal(graded, end)
    assert sum(isinstance(one, OutcomeEvaluationStart) for one in events) == 2
    assert sum(isinstance(one, AttemptFailed) for one in events) == 1
    assert graded.store.spent(1).failed_calls == 1
    assert verdicts(graded, end)[0].result == "satisfied"


async def test_a_grader_that_can_not_be_had_lets_the_record_stand(graded: "Bench") -> None:
    """The work on the document isn't lost for a second opinion."""
    gone = AttemptError("No such model.", code="model_not_found")
    with ScriptedModel([submit(RIGHT), gone]) as model:
        end = await run(graded, model)
    assert verdicts(graded, end)[0].result == "failed"
    assert "No such model" in verdicts(graded, end)[0].explanation
    assert statuses(end)["voltage"] == "verified"


async def test_a_grading_that_could_overshoot_is_not_made(graded: "Bench") -> None:
    """The document ends `limit`; with a higher one the session goes on with the grading."""
    graded.limits = "{usd_per_document: 0.0055, output_tokens: 1000}"
    with ScriptedModel([submit(RIGHT)]) as model, pytest.raises(LimitError):
        await run(graded, model)
    graded.limits = "{usd_per_document: 1, output_tokens: 1000}"
    with ScriptedModel([grade()]) as model:
        end = await run(graded, model)
    assert end.attempt == 2
    assert graded.store.spent(1).model_calls == 2


@pytest.mark.parametrize(
    ("kind", "steps", "rest", "lost"),
    [
        (RecordChecked, [submit(RIGHT)], [grade()], 0),
        (OutcomeEvaluationStart, [submit(RIGHT)], [grade()], 1),
        (OutcomeEvaluationEnd, [submit(RIGHT), grade()], [], 0),
    ],
)
async def test_a_crash_while_grading_pays_nothing_twice(
    graded: "Bench",
    kind: type[Any],
    steps: list[list[dict[str, Any]]],
    rest: list[list[dict[str, Any]]],
    lost: int,
) -> None:
    """Whichever event was the last to be stored, the session goes on behind it."""
    with ScriptedModel(steps) as model, graded.dying_after(kind):
        await run(graded, model)
    with ScriptedModel(rest) as model:
        end = await run(graded, model)
    events = journal(graded, end)
    assert sum(isinstance(one, RecordChecked) for one in events) == 1
    assert [one.result for one in verdicts(graded, end)] == ["satisfied"]
    assert sum(isinstance(one, CallLost) for one in events) == lost
    assert graded.store.spent(1).model_calls == 2


async def test_a_crash_after_a_revision_was_asked_for_sends_it_back(graded: "Bench") -> None:
    """The stored verdict is used: the model hears the complaint, the grader isn't asked again."""
    steps = [submit(NO_SERIAL), grade(MISSING)]
    with ScriptedModel(steps) as model, graded.dying_after(OutcomeEvaluationEnd):
        await run(graded, model)
    with ScriptedModel([submit(RIGHT, "s2"), grade()]) as model:
        end = await run(graded, model)
    assert "The serial is missing." in str(model.requests[0].messages[-1])
    assert [one.iteration for one in verdicts(graded, end)] == [0, 1]
