"""A run belongs to one process at a time, and a dead one's is taken over."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, update

from docmill.errors import RunBusyError, RunError, RunNotFoundError
from docmill.records.results import DocumentInfo, DocumentStatus, RunInfo, RunStatus, Verdict
from docmill.store.lease import is_alive, own_lease
from docmill.store.reader import StoredRun
from docmill.store.runs import DocumentEnd, Judged, RunDocument, RunStore, run_number
from docmill.store.schema import runs
from docmill.store.sessions import Findings, SessionStore


def info(digest: str = "d1", pipeline: str = "spec-check") -> RunInfo:
    """A run that has just begun."""
    return RunInfo(
        id="",
        pipeline=pipeline,
        status="running",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        docmill_version="0",
        model="rules",
        agent="a",
        environment="e",
        sandbox="s",
        spec_digest=digest,
    )


def entry(name: str, key: str = "k") -> RunDocument:
    """A document of a batch."""
    return RunDocument(info=DocumentInfo(id=name, name=f"{name}.pdf", sha256="0", size=1), key=key)


def dead_lease() -> str:
    """The lease of a process that has ended."""
    code = "from docmill.store.lease import own_lease; print(own_lease())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return child.stdout.strip()


def abandon(engine: Engine, number: int) -> None:
    """Make a run look as after a SIGKILL."""
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.number == number).values(owner=dead_lease()))


def test_a_lease_is_alive_exactly_as_long_as_its_process() -> None:
    """A recycled process id, another boot or rubbish don't count as alive."""
    lease = own_lease()
    assert is_alive(lease)
    assert not is_alive(dead_lease())
    host, pid, start, boot, _ = lease.split(" ")
    assert not is_alive(f"{host} {pid} {int(start) + 1} {boot}")
    assert not is_alive(f"{host} {pid} {start} other-boot")
    assert is_alive(f"other-host {pid} {start} {boot}")
    assert not is_alive("")


def test_a_second_run_of_the_same_pipeline_is_told_so(engine: Engine) -> None:
    """Nothing is mixed up; another pipeline may run."""
    store = RunStore(engine)
    store.claim(info(), [entry("a")])
    with pytest.raises(RunBusyError, match="run-0001"):
        store.claim(info(), [entry("a")])
    assert store.claim(info(pipeline="invoices"), [entry("a")]) == (2, False)


def test_a_killed_run_goes_on_under_its_own_number(engine: Engine) -> None:
    """What had ended stays ended; new files are entered, vanished ones leave."""
    store = RunStore(engine)
    store.claim(info(), [entry("a"), entry("b"), entry("gone")])
    store.end_documents(1, [("a", DocumentEnd(status="ok"))])
    abandon(engine, 1)
    assert store.claim(info(), [entry("a"), entry("b", key="changed"), entry("c")]) == (1, True)
    assert store.ended(1) == {"a": "ok"}
    store.end_documents(1, [(name, DocumentEnd(status="ok")) for name in "abc"])
    reader = StoredRun(engine, 1, lambda _: b"")
    assert [result.document.id for result in reader.documents()] == ["a", "b", "c"]


def test_a_killed_run_of_other_specs_is_closed(engine: Engine) -> None:
    """The new specs get a run of their own; the old one says why it failed."""
    store = RunStore(engine)
    store.claim(info("d1"), [entry("a")])
    abandon(engine, 1)
    assert store.claim(info("d2"), [entry("a")]) == (2, False)
    assert store.info(1).status == "failed"
    assert not store.is_live(1)


def test_a_finished_run_is_released(engine: Engine) -> None:
    """The next run gets the next number."""
    store = RunStore(engine)
    number, _ = store.claim(info(), [])
    store.update(number, info().model_copy(update={"status": "finished"}))
    assert store.claim(info(), []) == (2, False)
    assert [run.id for run in store.recent()] == ["run-0002", "run-0001"]
    assert store.latest("spec-check") == 2


@pytest.mark.parametrize(("digest", "expected"), [("d1", (1, True)), ("d2", (2, False))])
def test_a_run_killed_over_its_report_goes_on(
    engine: Engine, digest: str, expected: tuple[int, bool]
) -> None:
    """It had ended, but nobody has its report; with other specs it is left as it ended."""
    store = RunStore(engine)
    number, _ = store.claim(info("d1"), [])
    ended = info("d1").model_copy(update={"status": "finished"})
    store.update(number, ended, release=False)
    abandon(engine, number)
    assert store.claim(info(digest), []) == expected
    assert store.info(1).status == ("running" if digest == "d1" else "finished")


@pytest.mark.parametrize("name", ["", "run-", "run-x", "latest", "run-٣"])
def test_names_that_are_no_runs_are_refused(name: str) -> None:
    """The message shows what a name looks like."""
    with pytest.raises(RunNotFoundError, match="run-0007"):
        run_number(name)


def test_unknown_runs_and_empty_stores_say_what_to_do(engine: Engine) -> None:
    """Each error ends with the next command."""
    store = RunStore(engine)
    with pytest.raises(RunNotFoundError, match="docmill runs list"):
        store.info(5)
    with pytest.raises(RunNotFoundError, match="docmill run"):
        store.latest("spec-check")


def test_more_documents_than_a_chunk_are_read_in_order(engine: Engine) -> None:
    """The reader pages through the table by name; the result carries session and verdicts."""
    store, sessions = RunStore(engine), SessionStore(engine)
    names = [f"d{number:03d}" for number in range(250)]
    number, _ = store.claim(info(), [entry(name) for name in reversed(names)])
    session = sessions.create(key="k", run=number, document="d007")
    sessions.finish(session, Findings(record=None, pages=4, notes=("repaired",)))
    verdict = Verdict(check="c", verdict="fail", message="too high")
    ends = [
        (name, DocumentEnd(status="ok", session=session if name == "d007" else ""))
        for name in names
    ]
    store.end_documents(number, ends)
    store.set_verdicts(number, [Judged("d007", "flagged", (verdict,))])
    reader = StoredRun(engine, number, lambda _: b"")
    results = list(reader.documents())
    assert [result.document.id for result in results] == names
    seventh = reader.document("d007.pdf")
    assert seventh is not None
    assert (seventh.document.pages, seventh.notes, seventh.verdicts) == (
        4,
        ("repaired",),
        (verdict,),
    )
    assert reader.document("nobody") is None
    assert [result.document.id for result in reader.documents()] == names


def test_documents_shown_alike_are_all_read(engine: Engine) -> None:
    """Hostile file names may be shown alike; none is lost between two chunks."""
    store = RunStore(engine)
    batch = [
        RunDocument(info=DocumentInfo(id=f"{i:03d}", name="same", sha256="0", size=1), key="k")
        for i in range(205)
    ]
    number, _ = store.claim(info(), batch)
    store.end_documents(number, [(row.info.id, DocumentEnd(status="ok")) for row in batch])
    reader = StoredRun(engine, number, lambda _: b"")
    assert len(list(reader.documents())) == 205
    assert len(list(reader.documents())) == 205


def ended(engine: Engine, number: int, status: RunStatus) -> None:
    """The run ends, with a document for each way to end without a record."""
    store = RunStore(engine)
    ways: tuple[DocumentStatus, ...] = ("failed", "limit", "cancelled", "invalid", "ok")
    store.end_documents(
        number, [(way, DocumentEnd(status=way, code=way, attempts=3)) for way in ways]
    )
    store.update(number, store.info(number).model_copy(update={"status": status}))


BATCH = [entry(way) for way in ("failed", "limit", "cancelled", "invalid", "ok")]


def test_a_run_that_met_a_limit_goes_on_under_its_number(engine: Engine) -> None:
    """What failed, met a limit or was cancelled is done again; the rest stays as it was."""
    store = RunStore(engine)
    number, _ = store.claim(info(), BATCH)
    ended(engine, number, "limit")
    raised = {"limits": {"usd_per_run": "12"}, "started": datetime.now(UTC)}
    later = info().model_copy(update=raised)
    assert store.claim(later, BATCH, resume=number) == (number, True)
    assert store.ended(number) == {"invalid": "invalid", "ok": "ok"}
    assert store.settled(number)["invalid"].attempts == 3
    resumed = store.info(number)
    assert (resumed.limits, resumed.started) == ({"usd_per_run": "12"}, info().started)
    with pytest.raises(RunBusyError):
        store.claim(info(), BATCH, resume=number)


def test_a_killed_run_keeps_what_had_failed_before(engine: Engine) -> None:
    """Only what was not done is done; a failed document isn't paid again unasked."""
    store = RunStore(engine)
    number, _ = store.claim(info(), BATCH)
    store.end_documents(number, [("failed", DocumentEnd(status="failed", code="model_refused"))])
    abandon(engine, number)
    assert store.claim(info(), BATCH) == (number, True)
    assert store.settled(number) == {"failed": DocumentEnd(status="failed", code="model_refused")}


@pytest.mark.parametrize(
    ("status", "digest", "words"),
    [("finished", "d1", "is finished"), ("limit", "d2", "not those of run-0001")],
)
def test_what_can_not_go_on_says_so(
    engine: Engine, status: RunStatus, digest: str, words: str
) -> None:
    """A finished run, and one of other specs; the remedy is a new run."""
    store = RunStore(engine)
    number, _ = store.claim(info(), BATCH)
    ended(engine, number, status)
    with pytest.raises(RunError, match=words) as caught:
        store.claim(info(digest), BATCH, resume=number)
    assert "docmill run spec-check" in caught.value.remedy
    with pytest.raises(RunNotFoundError):
        store.claim(info(), BATCH, resume=99)


def test_a_document_is_found_by_its_name_without_folder_and_ending(engine: Engine) -> None:
    """As long as no other document could be meant."""
    store = RunStore(engine)
    names = {"a": "north/report 7.pdf", "b": "south/bill.pdf", "c": "north/bill.pdf"}
    batch = [
        RunDocument(info=DocumentInfo(id=which, name=name, sha256="0", size=1), key=which)
        for which, name in names.items()
    ]
    number, _ = store.claim(info(), batch)
    store.end_documents(number, [(which, DocumentEnd(status="ok")) for which in names])
    reader = StoredRun(engine, number, lambda _: b"")
    for wanted in ("a", "north/report 7.pdf", "north/report 7", "report 7.pdf", "report 7"):
        found = reader.document(wanted)
        assert found is not None
        assert found.document.id == "a"
    assert reader.document("bill.pdf") is None
