"""The trace: what `docmill show` says of an event."""

import pytest

from docmill.cli.trace import gist
from docmill.events import (
    AttemptFailed,
    BudgetReserved,
    CallLost,
    ContextCompacted,
    CriterionVerdict,
    Event,
    ModelRequestEnd,
    OutcomeEvaluationEnd,
    OutcomeEvaluationStart,
    StageStarted,
    StatusRescheduled,
)
from docmill.records.results import Usage

USAGE = Usage(model_calls=1, input_tokens=200, cache_read_tokens=1000, output_tokens=30)
COMPLAINT = CriterionVerdict(
    criterion="complete",
    met=False,
    complaint="It is missing.",
    path="serial",
    upheld=True,
    reason="page 1 says so",
)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (BudgetReserved(usd="0.012"), "at most $0.012"),
        (BudgetReserved(usd="unpriced"), "at most unpriced"),
        (
            AttemptFailed(model="m", code="model_overloaded", message="Busy.", http_status=529),
            "m: HTTP 529, model_overloaded: Busy.",
        ),
        (AttemptFailed(model="m", code="model_unreachable", message="No."), "m: model_unreachable"),
        (StatusRescheduled(reason="Busy.", seconds=2.04), "Busy. Again in 2.0 s"),
        (CallLost(model="m", usd="0.5"), "m, at most $0.500; nobody knows its answer"),
        (ContextCompacted(dropped=3), "3 tool results left out"),
        (StageStarted(stage=1, model="m", fields=("a", "b")), "model 2, m: a, b"),
        (OutcomeEvaluationStart(iteration=0, model="m"), "by m, grading 1"),
        (
            ModelRequestEnd(
                model="m",
                response_id="r",
                content=(),
                stop_reason="end_turn",
                model_usage=USAGE,
                seconds=1.5,
                waited=3,
            ),
            "end_turn, 1,200 tokens in, 30 out, 1.50 s after 3.0 s of waiting",
        ),
        (
            OutcomeEvaluationEnd(
                iteration=0,
                result="needs_revision",
                explanation="0 of 1 criteria met",
                criteria=(COMPLAINT,),
                model_usage=USAGE,
                seconds=0.5,
            ),
            "needs revision; 1,200 tokens in, 30 out, 0.50 s; 0 of 1 criteria met; upheld: serial",
        ),
        (
            OutcomeEvaluationEnd(iteration=0, result="failed", explanation="Nobody there."),
            "failed; Nobody there.",
        ),
    ],
)
def test_every_event_of_a_model_reads_as_a_sentence(event: Event, said: str) -> None:
    """Amounts, models and reasons stand in the trace, not only the names of events."""
    assert gist(event).startswith(said)
