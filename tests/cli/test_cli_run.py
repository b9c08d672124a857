"""`docmill run` and what can be read back afterwards; all on one workspace with one server."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Answer, Docmill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TABLE = """\
document                          status   checks  needs attention
Pruefbericht_2023-0442.pdf        ok       7/7
Pruefbericht_2023-0442_Kopie.pdf  ok       7/7
TMI-57-0231.pdf                   ok       8/8
ate_log_000322.pdf                flagged  6/7     output_voltage 5.014 V or 5.087 V?
kps-2405-0118.pdf                 flagged  6/7     output_voltage 25.61 V, allowed 23.52 … 24.48 V
kps-2405-0119-protected.pdf       failed           The PDF needs a password.
norrvik-7790.pdf                  flagged  7/8     torque is missing
upload-0.pdf                      failed           The file is empty (0 bytes).
"""


def test_a_run_ends_with_the_table_of_its_documents(first_run: "Answer") -> None:
    """Each document once, with status, checks and what a person has to look at."""
    assert TABLE in first_run.out.replace("\N{NO-BREAK SPACE}", " ")


def test_a_run_says_where_its_reports_lie(first_run: "Answer", workspace: Path) -> None:
    """The paths are absolute, and the files are there."""
    paths = [Path(line.split()[-1]) for line in first_run.out.splitlines() if "report." in line]
    assert [path.name for path in paths] == [f"report.{x}" for x in ("html", "xlsx", "json", "md")]
    assert {path.parent for path in paths} == {workspace / "reports" / "spec-check" / "run-0001"}
    assert all(path.is_file() for path in paths)


def test_documents_that_do_not_finish_give_exit_code_1(first_run: "Answer") -> None:
    """And the last line says where to read what to do about them."""
    assert first_run.code == 1
    assert first_run.err.splitlines()[-1].endswith("docmill runs show run-0001")


def test_on_a_pipe_everything_is_plain(first_run: "Answer") -> None:
    """No colour, no moving line; the talk is a line per document, on stderr."""
    assert "\x1b" not in first_run.out + first_run.err
    assert "\r" not in first_run.out + first_run.err
    assert "  ⚑ kps-2405-0118.pdf                 flagged" in first_run.err
    assert "⚑ kps-2405-0118.pdf" not in first_run.out


@pytest.mark.usefixtures("first_run")
def test_a_second_run_does_only_what_is_left(docmill: "Docmill", workspace: Path) -> None:
    """Finished documents are taken over and counted; no model is asked again."""
    answer = docmill("run", "spec-check", "--json", at=workspace)
    assert answer.code == 1
    assert "= 6 documents finished by earlier runs" in answer.err
    told = answer.json
    assert told["summary"]["usage"]["model_calls"] == 0
    assert {row["name"]: row["cached"] for row in told["documents"]}["kps-2405-0118.pdf"]
    assert Path(told["report"]["json"]).is_file()
    assert told["status"] == "finished"


@pytest.mark.usefixtures("first_run")
def test_settings_on_the_command_line_hold_for_this_run(
    docmill: "Docmill", workspace: Path
) -> None:
    """One good document alone gives exit code 0 and the formats asked for."""
    answer = docmill(
        "run", "spec-check", "-j", "1", "-c", "documents.glob=TMI*", "-c", "report.formats=[md]",
        "-c", "expectations=[]", at=workspace,
    )  # fmt: skip
    assert answer.code == 0
    assert "The document is ok: every value is proven and no check failed." in answer.out
    assert "report.md" in answer.out
    assert "report.html" not in answer.out


@pytest.mark.usefixtures("first_run")
def test_a_run_that_crosses_its_failure_threshold_says_so(
    docmill: "Docmill", workspace: Path
) -> None:
    """The table and the report come all the same; the error is the last word."""
    answer = docmill(
        "run", "spec-check", "-c", "failure_threshold=0", "-c", "documents.glob=*-0119*",
        "-c", "expectations=[]", at=workspace,
    )  # fmt: skip
    assert answer.code == 1
    assert "kps-2405-0119-protected.pdf  failed" in answer.out
    assert "report.html" in answer.out
    assert "failure" in answer.err.splitlines()[-2]


@pytest.mark.usefixtures("first_run")
def test_runs_are_listed_newest_first(docmill: "Docmill", workspace: Path) -> None:
    """With how their documents ended; `--json` has all that is known of each."""
    table = docmill("runs", "list", at=workspace).out.splitlines()
    assert table[0].split() == [
        "run",
        "pipeline",
        "status",
        "started",
        "(UTC)",
        "took",
        "documents",
    ]
    assert table[-1].startswith("run-0001  spec-check  finished")
    assert table[-1].endswith("✓ 3  ⚑ 3  ✗ 2")
    listed = docmill("runs", "list", "spec-check", "--limit", "1", "--json", at=workspace).json
    assert len(listed) == 1
    assert listed[0]["documents"]["flagged"] >= 0


@pytest.mark.usefixtures("first_run")
def test_a_run_is_shown_with_what_to_do_next(docmill: "Docmill", workspace: Path) -> None:
    """The table again, and a remedy for each document that has no usable record."""
    answer = docmill("runs", "show", "run-0001", at=workspace)
    assert answer.out.startswith("run-0001  spec-check  finished  ")
    assert TABLE in answer.out.replace("\N{NO-BREAK SPACE}", " ")
    assert "  upload-0.pdf: Copy it again from its source.\n" in answer.out
    told = docmill("runs", "show", "1", "--json", at=workspace).json
    assert [row["status"] for row in told["documents"]].count("flagged") == 3
    assert told["run"]["id"] == "run-0001"


@pytest.mark.usefixtures("first_run")
def test_a_trace_tells_a_session_from_start_to_record(docmill: "Docmill", workspace: Path) -> None:
    """Events in order, then values with their pages, then verdicts with their limits."""
    lines = docmill("show", "1", "kps-2405-0118.pdf", at=workspace).out.splitlines()
    assert lines[0].startswith("kps-2405-0118.pdf  flagged  sesn_")
    events = [line.split()[1] for line in lines if re.match(r" +\d+\.\d\d  ", line)]
    assert events[:3] == [
        "session.status_running",
        "docmill.sandbox_started",
        "docmill.document_prepared",
    ]
    assert any("submit_record(" in line for line in lines)
    assert any(line.split()[:3] == ["output_voltage", "verified", "1"] for line in lines)
    assert any("5.1.1" in line and "1.13 V above the upper limit." in line for line in lines)
    assert max(map(len, lines)) < 300


@pytest.mark.usefixtures("first_run")
@pytest.mark.parametrize("document", ["upload-0.pdf", "kps-2405-0119-protected.pdf"])
def test_a_document_without_record_has_a_page_too(
    docmill: "Docmill", workspace: Path, document: str
) -> None:
    """What happened and what to do; with events where there was a session."""
    answer = docmill("show", "run-0001", document, at=workspace)
    assert answer.code == 0
    assert answer.out.startswith(f"{document}  failed  ")
    assert ("session.error" in answer.out) == ("protected" in document)
    told = docmill("show", "run-0001", document, "--json", at=workspace).json
    assert told["document"]["remedy"] in answer.out


@pytest.mark.usefixtures("first_run")
def test_a_report_is_written_anew_from_the_store(docmill: "Docmill", workspace: Path) -> None:
    """Without asking a model; the folder is the answer."""
    report = workspace / "reports" / "spec-check" / "run-0001" / "report.json"
    before = json.loads(report.read_text())
    report.unlink()
    answer = docmill("report", "run-0001", at=workspace)
    assert answer.out == f"{report.parent}\n"
    assert json.loads(report.read_text()) == before
    assert docmill("report", "1", "--json", at=workspace).json["json"] == str(report)


@pytest.mark.usefixtures("first_run")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("runs", "show", "run-0099"), "There is no run-0099 in this workspace."),
        (("runs", "show", "nine"), "`nine` is no name of a run; they look like run-0007."),
        (("show", "1", "nine.pdf"), "run-0001 has no finished document `nine.pdf`."),
    ],
)
def test_what_is_not_there_is_said_with_where_to_look(
    docmill: "Docmill", workspace: Path, command: tuple[str, ...], said: str
) -> None:
    """The last line is the next command."""
    answer = docmill(*command, at=workspace)
    assert answer.code == 1
    assert answer.out == ""
    message, remedy = answer.err.splitlines()
    assert message == said
    assert "docmill runs" in remedy


@pytest.mark.usefixtures("first_run")
def test_the_plan_knows_what_is_finished(docmill: "Docmill", workspace: Path) -> None:
    """Finished, to be tried again, copies and what can't be run are told apart; nothing starts."""
    before = docmill("runs", "list", "--json", at=workspace).json
    answer = docmill("plan", "spec-check", at=workspace)
    assert answer.code == 0
    assert answer.out.endswith(
        "8 documents: 0 new, 1 again, 5 cached, 1 duplicate, 1 skipped. Nothing was run.\n"
    )
    told = docmill("plan", "spec-check", "--json", at=workspace).json
    kinds = {entry["name"]: entry["kind"] for entry in told["documents"]}
    assert kinds["kps-2405-0119-protected.pdf"] == "again"
    assert kinds["upload-0.pdf"] == "skipped"
    assert docmill("runs", "list", "--json", at=workspace).json == before


def test_the_server_can_be_asked_for(docmill: "Docmill", workspace: Path) -> None:
    """Where it is, and how to log in; starting it again is no mistake."""
    answer = docmill("prefect", "status", at=workspace)
    assert "http://127.0.0.1:" in answer.out
    assert answer.out.endswith(f"{workspace / '.docmill' / 'prefect' / 'auth'}\n")
    again = docmill("prefect", "start", "--json", at=workspace).json
    assert again["started"] is False
    assert again["ui_url"] in answer.out
    assert docmill("prefect", "status", "--json", at=workspace).json["running"] is True
