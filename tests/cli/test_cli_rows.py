"""How documents and progress read: many of them, odd ones, hostile names."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from docmill.cli.outcome import document_row, put_documents, status_marks
from docmill.cli.progress import Progressing
from docmill.cli.running import exit_code
from docmill.cli.tables import put_table, shortened
from docmill.errors import TooManyFailuresError
from docmill.plan import BatchPlan, CompiledPipeline, PlannedDocument
from docmill.records.checked import CheckedRecord, CheckedValue
from docmill.records.results import (
    DocumentInfo,
    DocumentResult,
    DocumentStatus,
    RunInfo,
    Usage,
    Verdict,
)
from docmill.report.brief import gist
from docmill.report.findings import Finding, FindingKind
from docmill.report.summary import DOCUMENT_STATUSES
from docmill.store.runs import DocumentEnd


def info(name: str) -> DocumentInfo:
    """A document of this name."""
    return DocumentInfo(id=name.lower(), name=name, sha256="0" * 64, size=1)


def result(name: str, status: DocumentStatus = "ok", **more: Any) -> DocumentResult:
    """How a document ended."""
    return DocumentResult(document=info(name), status=status, **more)


def test_of_many_documents_only_those_are_listed_that_are_not_ok(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The rest is a number; so the end of a large run fits a screen."""
    results = [result(f"{n:03d}.pdf") for n in range(60)]
    results[7] = result("007.pdf", "failed", message="The file is empty.")
    put_documents(results, len(results))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["007.pdf", "failed", "The", "file", "is", "empty."]
    assert lines[-1] == "59 documents ok."
    assert len(lines) == 4


def test_a_batch_that_failed_as_a_whole_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    """A thousand failures don't scroll the report's place off the screen."""
    results = [result(f"{n:04d}.pdf", "failed", message="Gone.") for n in range(1000)]
    put_documents(results, len(results))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 203
    assert lines[-1] == "800 more documents like these: see the report."


@pytest.mark.parametrize(
    ("kind", "finding", "said"),
    [
        ("fail", {"limit": "≤ 2 mA"}, "i 3 mA, allowed ≤ 2 mA"),
        (
            "fail",
            {"path": "", "found": "", "message": "Lines don't add up."},
            "Lines don't add up.",
        ),
        ("marginal", {"limit": "≤ 3.1 mA"}, "i 3 mA, close to ≤ 3.1 mA"),
        ("ambiguous", {"found": "3 mA or 4 mA"}, "i 3 mA or 4 mA?"),
        ("unverified", {}, "i 3 mA, not proven"),
        ("missing", {"found": ""}, "i is missing"),
        ("missing", {"path": "", "message": "No rows."}, "No rows."),
        ("not_comparable", {"limit": "≤ 5 V"}, "i 3 mA, not comparable with ≤ 5 V"),
        ("unfinished", {"code": "document_empty"}, "document_empty"),
    ],
)
def test_a_finding_in_a_few_words(kind: FindingKind, finding: dict[str, str], said: str) -> None:
    """What was found, and what would have been right."""
    assert gist(Finding(**{"kind": kind, "path": "i", "found": "3 mA", **finding})) == said  # type: ignore[arg-type]


def test_remarks_count_neither_as_checks_nor_as_findings() -> None:
    """`info` flags nothing; the other findings come gravest first, with a count of the rest."""
    values = (CheckedValue(path="u", status="missing"), CheckedValue(path="v", status="missing"))
    verdicts = (
        Verdict(check="same content", verdict="fail", severity="info", message="A copy."),
        Verdict(check="climate", path="t", verdict="pass"),
    )
    row = document_row(
        result("a.pdf", "flagged", record=CheckedRecord(values=values), verdicts=verdicts)
    )
    assert (row.checks_passed, row.checks) == (1, 1)
    assert row.attention == ("u is missing", "v is missing")


def test_marks_of_a_run_take_little_room() -> None:
    """Failed and invalid share their mark."""
    counts: dict[DocumentStatus, int] = {"ok": 11, "failed": 2, "invalid": 1, "limit": 3}
    assert status_marks(counts) == "✓ 11  ✗ 3  ■ 3"


def test_names_of_documents_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Escape sequences and marks that turn the direction of writing are shown as �."""
    put_table(["document"], [["\x1b[2J\u202egpj.pdf"]])
    assert capsys.readouterr().out == "document\n�[2J�gpj.pdf\n"
    assert shortened("x" * 60 + ".pdf").endswith("xxx.pdf")
    assert len(shortened("x" * 60 + ".pdf")) == 44


def run_info(status: str = "running") -> RunInfo:
    """A run of a pipeline."""
    return RunInfo(
        id="run-0001", pipeline="p", status=cast("Any", status), started=datetime.now(UTC),
        docmill_version="0", model="rules", agent="a@0", environment="default",
        sandbox="bubblewrap 0 (cgroup v2)", spec_digest="0", limits={"usd_per_run": "5"},
    )  # fmt: skip


def test_progress_tells_what_is_worth_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Second attempts, ends with their cost; what was only taken over or left is counted."""
    entries = [PlannedDocument(info(f"{n}.pdf"), "", str(n)) for n in range(5)]
    entries[1] = PlannedDocument(
        entries[1].info.model_copy(update={"duplicate_of": "0.pdf"}), "", "1"
    )
    shown = Progressing()
    plan = BatchPlan(cast("CompiledPipeline", None), tuple(entries))
    shown.planned(run_info(), plan, resumed=True)
    shown.published("id", "http://127.0.0.1:1/runs/1")
    shown.began(entries[0], attempt=1)
    shown.began(entries[0], attempt=2)
    usage = Usage(model_calls=2, usd=Decimal("0.031"))
    checks = (Verdict(check="c", verdict="fail"), Verdict(check="d", verdict="marginal"))
    shown.ended(entries[0], DocumentEnd(status="flagged", attempts=2, verdicts=checks), usage)
    shown.ended(entries[1], DocumentEnd(status="ok"), Usage())
    shown.ended(entries[2], DocumentEnd(status="limit", message="Over."), Usage(unpriced_calls=1))
    shown.ended(entries[3], DocumentEnd(status="ok", cached=True), Usage())
    shown.ended(entries[4], DocumentEnd(status="cancelled"), Usage())
    shown.close()
    shown.close()
    told = capsys.readouterr()
    assert told.out == ""
    head, *rest = told.err.splitlines()
    assert head == "run-0001  p  5 documents"
    assert rest[0] == "  model rules  agent a@0  sandbox bubblewrap 0  limit $5"
    assert rest[1] == "  ↻ goes on where it was interrupted"
    assert rest[3] == "  ↪ 0.pdf  attempt 2"
    assert rest[4].startswith("  ⚑ 0.pdf  flagged  ")
    assert rest[4].endswith("s  2 attempts  2 checks not passed  $0.031")
    assert rest[5:] == [
        "  ✓ 1.pdf  ok       same content as 0.pdf",
        "  ■ 2.pdf  limit    Over.",
        "  = 1 document finished by earlier runs",
        "  – 1 document not done",
    ]


@pytest.mark.parametrize(
    ("status", "counts", "error", "code"),
    [
        ("finished", {"ok": 3, "flagged": 2}, False, 0),
        ("finished", {"ok": 3, "invalid": 1}, False, 1),
        ("limit", {"ok": 3, "failed": 1, "limit": 1}, False, 4),
        ("failed", {"ok": 1, "failed": 3}, True, 1),
        ("failed", {"ok": 1}, True, 1),
        ("cancelled", {"ok": 3}, False, 130),
    ],
)
def test_the_exit_code_tells_how_a_run_ended(
    status: str, counts: dict[DocumentStatus, int], error: bool, code: int
) -> None:
    """0 all is usable, 1 something did not finish, 4 a limit, 130 Ctrl-C."""
    whole = dict.fromkeys(DOCUMENT_STATUSES, 0) | counts
    stopped = TooManyFailuresError("Too many.") if error else None
    assert exit_code(run_info(status), whole, stopped) == code


def test_documents_read_before_a_kill_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that goes on shows no time for what it didn't read again."""
    shown = Progressing()
    plan = BatchPlan(cast("CompiledPipeline", None), (PlannedDocument(info("0.pdf"), "", "0"),))
    shown.planned(run_info(), plan, resumed=True)
    shown.ended(plan.documents[0], DocumentEnd(status="ok"), Usage())
    shown.close()
    assert "0.pdf  ok       read before the interruption" in capsys.readouterr().err
