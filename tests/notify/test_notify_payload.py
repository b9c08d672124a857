"""What is told of a run: its schema is published, its words are few, its size is bounded."""

import json
from pathlib import Path

import pytest
from tests.handover.conftest import StoredInMemory, batch, document, verified

from docmill.flow.errands import Reply
from docmill.notify.message import SHOWN, body, subject
from docmill.notify.payload import (
    MOST_DOCUMENTS,
    MOST_REASONS,
    ReportPlaces,
    RunNotice,
    Surroundings,
    make_notice,
    outcomes,
    schema_text,
)
from docmill.records.deliveries import Delivery
from docmill.records.results import DocumentResult, DocumentStatus, RunStatus, Verdict
from docmill.report.summary import summarise
from docmill.spec.notify import Notice

PAGES = Path(__file__).parents[2] / "docs"


def told(documents: list[DocumentResult], *, details: bool = False) -> RunNotice:
    """What is told of a run over these."""
    around = Surroundings(
        report=ReportPlaces(folder="/reports/run-0007"),
        results=(
            Delivery(
                kind="results", position=0, target="t", state="done", places=("t/values.csv",)
            ),
            Delivery(
                kind="results", position=1, target="u", state="failed", detail="OSError: full"
            ),
        ),
        prefect_url="http://prefect.example/1",
    )
    return make_notice(StoredInMemory(documents), around, details=details)


def test_its_schema_is_published_and_its_page_shows_one() -> None:
    """`docmill.notify.payload.schema_text()` writes it; nobody edits it by hand."""
    assert (PAGES / "notice.schema.json").read_text(encoding="utf-8") == schema_text()
    page = (PAGES / "notifications.md").read_text(encoding="utf-8")
    shown = json.loads(page.partition("```json\n")[2].partition("```")[0])
    assert set(shown) <= set(RunNotice.model_fields)
    assert shown["documents"].keys() == told([]).documents.keys()


def test_documents_and_fields_are_named_and_not_quoted() -> None:
    """Unless that is asked for; documents that are ok aren't named."""
    notice = told(batch())
    assert [each.name for each in notice.attention] == ["doubtful.pdf", "failed.pdf"]
    reasons = {(each.kind, each.field, each.check) for each in notice.attention[0].reasons}
    assert {("fail", "serial", "supply"), ("ambiguous", "voltage", "")} <= reasons
    assert notice.attention[1].reasons[0].code == "document_empty"
    quiet = notice.model_dump_json()
    assert not any(words in quiet for words in ("3.1", "K7", "Unknown."))
    assert "3.1" in told(batch(), details=True).model_dump_json()
    assert (notice.cost.usd, notice.documents["failed"]) == (notice.cost.usd, 1)


def test_a_large_batch_is_a_small_notice() -> None:
    """Of many documents and many reasons the first are told, and how many more there are."""
    fails = [Verdict(check=f"c{number}", verdict="fail") for number in range(9)]
    many = [
        document(f"d{number:03}.pdf", verified("a", value=True), verdicts=tuple(fails))
        for number in range(MOST_DOCUMENTS + 7)
    ]
    notice = told(many)
    assert (len(notice.attention), notice.more_documents) == (MOST_DOCUMENTS, 7)
    assert {len(each.reasons) for each in notice.attention} == {MOST_REASONS}
    assert {each.more_reasons for each in notice.attention} == {4}
    lines = body(notice).splitlines()
    assert f"and {MOST_DOCUMENTS + 7 - SHOWN} more documents" in lines
    assert len(body(notice)) < 4000


def test_a_message_says_it_in_words() -> None:
    """What happened, what it cost, who needs a look, where everything is."""
    notice = told(batch())
    assert subject(notice) == "docmill: spec-check run-0007 failed"
    lines = body(notice).splitlines()
    assert lines[0] == notice.headline
    assert "Documents: 1 ok, 1 flagged, 1 failed" in lines
    assert "- failed.pdf (failed): document_empty unfinished" in lines
    assert "Report: /reports/run-0007" in lines
    assert "Results: t/values.csv" in lines
    assert "Results were not handed over to u: OSError: full" in lines
    assert lines[-1] == "Prefect: http://prefect.example/1"


@pytest.mark.parametrize(
    ("status", "ends", "expected"),
    [
        ("finished", ["ok"], ("finished",)),
        ("finished", ["flagged", "failed"], ("finished", "flagged", "failed")),
        ("finished", ["invalid"], ("finished", "failed")),
        ("limit", ["limit", "ok"], ("finished", "limit")),
        ("failed", ["ok", "cancelled"], ("failed",)),
        ("cancelled", ["flagged"], ("flagged", "cancelled")),
    ],
)
def test_several_things_may_be_so_of_an_end(
    status: RunStatus, ends: list[DocumentStatus], expected: tuple[str, ...]
) -> None:
    """Each entry of `notify` waits for some of them."""
    documents = [
        document(f"{number}.pdf").model_copy(update={"status": end})
        for number, end in enumerate(ends)
    ]
    stored = StoredInMemory(documents)
    info = stored.info.model_copy(update={"status": status})
    assert outcomes(info, summarise(stored)) == expected


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "give one of"),
        ({"webhook": "https://x.example/", "block": "a/b"}, "give one of"),
        ({"webhook": "ftp://x.example/"}, "is an address such as"),
        ({"webhook": "https:///path"}, "is an address such as"),
        ({"webhook": "https://me:word@x.example/"}, "must hold no password"),
        ({"webhook": "http://x.example/"}, "plain_http: true"),
        ({"webhook": "http://127.0.0.1.x.example/"}, "plain_http: true"),
        ({"webhook": "https://x.example/", "secret": {}}, "needs one source"),
        ({"webhook": "https://x.example/", "to": "a@b.example"}, "`to` is for a block"),
        ({"block": "slack-webhook/x", "secret": {"env": "A"}}, "a block keeps its own"),
        ({"block": "slack-webhook"}, "pattern"),
        ({"webhook": "https://x.example/", "on": []}, "at least 1"),
    ],
)
def test_a_notice_that_could_reach_nobody_is_a_mistake(
    keys: dict[str, object], message: str
) -> None:
    """Said by `docmill validate`, before any run."""
    with pytest.raises(ValueError, match=message):
        Notice.model_validate(keys)


def test_what_may_be_a_key_is_not_shown() -> None:
    """Of an address only what stands before its query; of a secret nothing."""
    allowed = Notice.model_validate(
        {"webhook": "http://x.example/a?key=s3cret", "plain_http": True, "on": "finished"}
    )
    assert allowed.target == "webhook http://x.example/a"
    mail = Notice.model_validate({"block": "email-server-credentials/x", "to": "a@b.example"})
    assert mail.target == "block email-server-credentials/x a@b.example"
    assert "s3cret" not in repr(Reply("found", secret="s3cret"))
