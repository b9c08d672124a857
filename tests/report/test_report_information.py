"""What is only worth knowing stands apart and doesn't count as a failed check."""

from datetime import UTC, datetime

from docmill.records.results import DocumentInfo, DocumentResult, RunInfo, Verdict
from docmill.report.findings import Attention
from docmill.report.rows import verdict_row
from docmill.report.summary import Counter

NOTE = Verdict(check="same content", verdict="fail", severity="info", message="A copy.")
RESULT = DocumentResult(
    document=DocumentInfo(id="a", name="a.pdf", sha256="0", size=1), status="ok", verdicts=(NOTE,)
)
INFO = RunInfo(
    id="run-0001",
    pipeline="p",
    status="finished",
    started=datetime(2026, 1, 1, tzinfo=UTC),
    docmill_version="0",
    model="rules",
    agent="a",
    environment="e",
    sandbox="s",
    spec_digest="d",
)


def test_information_is_a_group_of_its_own() -> None:
    """It comes last in what needs attention, never under `Failed`."""
    attention = Attention(keep=5)
    attention.add(RESULT)
    assert [group.kind for group in attention.groups] == ["info"]


def test_information_is_no_failed_check() -> None:
    """The totals of verdicts leave it out."""
    counter = Counter()
    counter.add(RESULT)
    summary = counter.summary(INFO)
    assert summary.verdicts["fail"] == 0


def test_information_is_not_shown_as_a_failure() -> None:
    """The table of verdicts counts what the summary counts."""
    assert verdict_row(NOTE)["verdict"] == "info"
    failed = NOTE.model_copy(update={"severity": "warning"})
    assert verdict_row(failed)["verdict"] == "fail"
