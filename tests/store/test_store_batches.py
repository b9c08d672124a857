"""What was to be sent in a batch is known before it is sent, and found again by who asks what."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from docmill.store.batches import BatchCall, BatchLog

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ASKED = ("claude", "sesn_1/0/2", "f1")


@pytest.fixture
def log(engine: Engine) -> BatchLog:
    """Of a fresh store."""
    return BatchLog(engine)


def call(attempt: int = 1, *, identity: str = "sesn_1/0/2") -> BatchCall:
    """A call by the name of its identity and attempt."""
    return BatchCall(f"{identity}-{attempt}", identity, "f1", attempt)


def test_an_intent_is_found_before_the_batch_has_an_id(log: BatchLog) -> None:
    """A process that died after storing it left behind which calls it was about."""
    batch = log.intend("claude", [call(), call(identity="sesn_2/0/0")], NOW)
    found = log.call(*ASKED)
    assert found is not None
    assert (found.custom_id, found.batch, found.result) == ("sesn_1/0/2-1", batch, None)
    assert found.batch.id == ""
    assert log.calls(batch.number) == {"sesn_1/0/2-1", "sesn_2/0/0-1"}


def test_a_call_is_known_by_who_asks_what_and_where(log: BatchLog) -> None:
    """Another turn, another request, another endpoint: another call."""
    log.intend("claude", [call()], NOW)
    assert log.call("claude", "sesn_1/0/3", "f1") is None
    assert log.call("claude", "sesn_1/0/2", "f2") is None
    assert log.call("other", "sesn_1/0/2", "f1") is None


def test_a_result_is_kept_with_its_call(log: BatchLog) -> None:
    """It can be had again without asking the endpoint."""
    batch = log.intend("claude", [call(), call(identity="sesn_2/0/0")], NOW)
    log.sent(batch.number, "msgbatch_1")
    log.answered(batch.number, {"sesn_1/0/2-1": {"type": "succeeded", "text": "µ \ud800"}})
    found = log.call(*ASKED)
    assert found is not None
    assert found.result == {"type": "succeeded", "text": "µ \ud800"}
    assert found.batch.id == "msgbatch_1"
    assert log.ids("claude") == {"msgbatch_1"}
    other = log.call("claude", "sesn_2/0/0", "f1")
    assert other is not None
    assert other.result is None
    assert log.unanswered(batch.number) == {"sesn_2/0/0-1"}


def test_the_newest_attempt_counts(log: BatchLog) -> None:
    """One that gave no answer is followed by another entry of another batch."""
    log.intend("claude", [call()], NOW)
    log.fail("sesn_1/0/2-1")
    failed = log.call(*ASKED)
    assert failed is not None
    assert failed.failed
    log.intend("claude", [call(2)], NOW)
    again = log.call(*ASKED)
    assert again is not None
    assert (again.attempt, again.failed) == (2, False)


def test_a_batch_never_sent_is_forgotten(log: BatchLog) -> None:
    """Its calls can be part of another batch, under the same names."""
    batch = log.intend("claude", [call()], NOW)
    log.withdraw(batch.number)
    assert log.call(*ASKED) is None
    log.intend("claude", [call()], NOW)
    assert log.call(*ASKED) is not None


def test_what_the_endpoint_threw_away_is_swept(log: BatchLog) -> None:
    """Old batches go, younger ones stay."""
    log.intend("claude", [call()], NOW - timedelta(days=40))
    log.intend("claude", [call(identity="sesn_2/0/0")], NOW)
    log.sweep(NOW - timedelta(days=30))
    assert log.call(*ASKED) is None
    assert log.call("claude", "sesn_2/0/0", "f1") is not None
