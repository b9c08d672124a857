"""What is old is forgotten; what is still referred to, found or paid for is kept."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, insert, select, update

from docmill.events import StatusRunning
from docmill.records.checked import CheckedRecord
from docmill.records.growth import FieldsKept
from docmill.records.results import DocumentInfo, RunInfo, Usage
from docmill.store.keeps import Keeps
from docmill.store.lease import own_lease
from docmill.store.pruning import Age, Pruner
from docmill.store.runs import DocumentEnd, RunDocument, RunStore
from docmill.store.schema import (
    batch_entries,
    batches,
    charges,
    documents,
    events,
    origins,
    runs,
    sessions,
)
from docmill.store.seals import Seals
from docmill.store.sessions import Charge, Findings, SessionStore

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD_PICTURE, NEW_PICTURE = "a" * 64, "b" * 64


def add_run(engine: Engine, days_ago: float, sessions_of: dict[str, str]) -> int:
    """A finished run that ended so many days before NOW; document → session that it shows."""
    store = RunStore(engine)
    ended = NOW - timedelta(days=days_ago)
    info = RunInfo(
        id="",
        pipeline="p",
        status="running",
        started=ended,
        docmill_version="1",
        model="rules",
        agent="a",
        environment="e",
        sandbox="s",
        spec_digest="d",
        prices_as_of="2026-01-01",
    )
    batch = [
        RunDocument(info=DocumentInfo(id=name, name=name, sha256="0" * 64, size=1), key=name)
        for name in sessions_of
    ]
    number, _ = store.claim(info, batch)
    store.end_documents(
        number,
        [
            (name, DocumentEnd(status="ok", session=session))
            for name, session in sessions_of.items()
        ],
    )
    store.update(number, info.model_copy(update={"status": "finished", "ended": ended}))
    return number


def add_session(
    engine: Engine, document: str, picture: str, *, source: str = "", finish: bool = True
) -> str:
    """A session with one event that cost something, begun long ago by a run that is forgotten."""
    store = SessionStore(engine)
    session = store.create(key=document, run=0, document=document)
    if source:
        store.append(session, 1, FieldsKept(source=source, kept=("a",), asked=()))
    charge = Charge(run=0, document=document, attempt=1, model="rules", usage=Usage())
    store.append(session, 0, StatusRunning(attempt=1), charge=charge)
    if finish:
        findings = Findings(record=CheckedRecord(values=()), pictures={1: picture})
        store.finish(session, findings)
    with engine.begin() as connection:
        long_ago = (NOW - timedelta(days=300)).isoformat()
        connection.execute(update(sessions).values(started=long_ago))
    return session


def days(number: float) -> datetime:
    """So many days before NOW."""
    return NOW - timedelta(days=number)


def rows(engine: Engine, table: object) -> int:
    """Rows of a table."""
    with engine.connect() as connection:
        query = select(func.count()).select_from(table)  # pyright: ignore[reportArgumentType]
        return int(connection.execute(query).scalar() or 0)


def test_the_newest_runs_stay_however_old_they_are(engine: Engine) -> None:
    """Of five runs that are all too old, the two newest stay."""
    for age in (50, 40, 30, 20, 10):
        add_run(engine, age, {})
    pruner = Pruner(engine, Age(runs=days(5), newest=2))
    assert [info.id for info in pruner.old_runs()] == ["run-0001", "run-0002", "run-0003"]
    pruner.forget([1, 2, 3])
    pruner.shrink()
    assert [info.id for info in RunStore(engine).recent()] == ["run-0005", "run-0004"]


def test_a_young_run_and_one_at_work_stay(engine: Engine) -> None:
    """Only what ended before the day goes; a run without an end is somebody's."""
    add_run(engine, 100, {})
    add_run(engine, 3, {})
    add_run(engine, 90, {})
    add_run(engine, 1, {})
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.number == 3).values(owner=own_lease()))
    found = Pruner(engine, Age(runs=days(30), newest=1)).old_runs()
    assert [info.id for info in found] == ["run-0001"]


def test_another_pipelines_runs_are_left_alone(engine: Engine) -> None:
    """Naming a pipeline spares the others."""
    add_run(engine, 100, {})
    add_run(engine, 1, {})
    assert Pruner(engine, Age(runs=days(30), newest=1)).old_runs("other") == ()


def test_journals_go_and_what_was_found_and_paid_stays(engine: Engine) -> None:
    """A session that a young run still shows keeps its journal; the other only its findings."""
    first, second = (add_session(engine, name, OLD_PICTURE) for name in ("one", "two"))
    add_run(engine, 100, {"one": first})
    add_run(engine, 1, {"two": second})
    pruner = Pruner(engine, Age(journals=days(30)))
    assert pruner.old_journals() == (first,)
    assert pruner.drop_journals([first]) == 1
    assert rows(engine, events) == 1
    assert rows(engine, charges) == 2
    assert SessionStore(engine).finished("one") is not None


def test_pictures_of_old_runs_are_no_longer_referred_to(engine: Engine) -> None:
    """A picture that a young run shows stays, and so does everything without an age limit."""
    first = add_session(engine, "one", OLD_PICTURE)
    second = add_session(engine, "two", NEW_PICTURE)
    add_run(engine, 100, {"one": first})
    add_run(engine, 1, {"two": second})
    assert Pruner(engine, Age(pictures=days(30))).blobs() == {NEW_PICTURE}
    assert Pruner(engine, Age()).blobs() == {OLD_PICTURE, NEW_PICTURE}


def test_a_run_that_is_kept_stays_with_all_it_shows(engine: Engine) -> None:
    """Its journal and its pictures, too; once it is released it goes like any other."""
    session = add_session(engine, "one", OLD_PICTURE)
    add_run(engine, 100, {"one": session})
    add_run(engine, 1, {})
    everything = Age(runs=days(30), journals=days(30), pictures=days(30), newest=1)
    pruner, keeps = Pruner(engine, everything), Keeps(engine)
    keeps.keep(1, "audit")
    keeps.keep(1, "audit of 2026")
    assert [(each.run, each.reason) for each in keeps.all()] == [("run-0001", "audit of 2026")]
    assert (pruner.old_runs(), pruner.old_journals(), pruner.old_reports()) == ((), (), ())
    pruner.forget([1])
    assert (rows(engine, runs), pruner.blobs()) == (2, {OLD_PICTURE})
    assert keeps.release(1)
    assert not keeps.release(1)
    assert [info.id for info in pruner.old_runs()] == ["run-0001"]
    assert (pruner.old_journals(), pruner.blobs()) == ((session,), frozenset())


def test_a_run_that_somebody_goes_on_with_is_not_forgotten(engine: Engine) -> None:
    """It was old when it was found, and is at work when it is to go."""
    for age in (90, 80, 1):
        add_run(engine, age, {"one": ""})
    pruner = Pruner(engine, Age(runs=days(30), newest=1))
    assert len(pruner.old_runs()) == 2
    with engine.begin() as connection:
        connection.execute(update(runs).where(runs.c.number == 1).values(owner=own_lease()))
    pruner.forget([1, 2])
    assert [info.id for info in RunStore(engine).recent()] == ["run-0003", "run-0001"]
    assert rows(engine, documents) == 2


def test_a_run_whose_process_died_is_as_old_as_its_beginning(engine: Engine) -> None:
    """Nobody will ever end it, so it would hold its journals for ever."""
    session = add_session(engine, "one", OLD_PICTURE)
    add_run(engine, 100, {"one": session})
    add_run(engine, 1, {})
    with engine.begin() as connection:
        this = update(runs).where(runs.c.number == 1)
        unended = RunStore(engine).info(1).model_copy(update={"ended": None, "status": "running"})
        connection.execute(this.values(owner="gone", info=unended.model_dump_json()))
    pruner = Pruner(engine, Age(runs=days(30), journals=days(30), newest=1))
    assert [info.id for info in pruner.old_runs()] == ["run-0001"]
    assert pruner.old_journals() == (session,)


def test_a_session_nobody_ended_is_dropped_while_no_run_is_at_work(engine: Engine) -> None:
    """It is closed with it: the next run begins the document anew, under another name."""
    session = add_session(engine, "one", OLD_PICTURE, finish=False)
    add_run(engine, 1, {})
    pruner = Pruner(engine, Age(journals=days(30)))
    with engine.begin() as connection:
        connection.execute(update(runs).values(owner=own_lease()))
    assert pruner.old_journals() == ()
    assert pruner.drop_journals([session]) == 0
    with engine.begin() as connection:
        connection.execute(update(runs).values(owner=""))
    assert pruner.old_journals() == (session,)
    assert pruner.journal_bytes([session]) == len("{}")
    assert pruner.drop_journals([session]) == 1
    assert SessionStore(engine).resumable("one") is None


def test_seals_are_proven_without_the_journals(engine: Engine) -> None:
    """Of sessions that took fields from others, that no run had sealed, or that were open then."""
    first = add_session(engine, "one", OLD_PICTURE)
    second = add_session(engine, "one", OLD_PICTURE, source=first)
    unended = add_session(engine, "two", OLD_PICTURE, finish=False)
    number = add_run(engine, 100, {"one": second, "two": unended})
    seals = Seals(engine)
    head = seals.seal(number)
    SessionStore(engine).append(unended, 4, StatusRunning(attempt=2))
    pruner = Pruner(engine, Age(journals=days(30)))
    assert seals.check(number).head == head
    assert set(pruner.old_journals()) == {first, second, unended}
    pruner.drop_journals(pruner.old_journals())
    found = seals.check(number)
    assert (found.head, set(found.pruned)) == (head, {first, second, unended})
    assert found.open == {unended: 1}


def test_answers_of_message_batches_go_with_the_journal(engine: Engine) -> None:
    """They hold what stood in it; one that is still waited for stays."""
    session = add_session(engine, "one", OLD_PICTURE)
    with engine.begin() as connection:
        for number, result in ((1, "{}"), (2, None)):
            connection.execute(
                insert(batches).values(number=number, endpoint="e", intended="2026", id="b")
            )
            connection.execute(
                insert(batch_entries).values(
                    custom_id=f"c{number}", batch=number, session=session, identity="i",
                    fingerprint="f", attempt=1, result=result,
                )
            )  # fmt: skip
    Pruner(engine, Age(journals=days(30))).drop_journals([session])
    assert (rows(engine, batches), rows(engine, batch_entries)) == (1, 1)


def test_what_only_goes_later_is_reckoned_with(engine: Engine) -> None:
    """A dry run tells blobs as they will be, not as they are."""
    first = add_session(engine, "one", OLD_PICTURE)
    add_run(engine, 100, {"one": first})
    with engine.begin() as connection:
        connection.execute(insert(origins).values(run=1, part="specs.json", blob=NEW_PICTURE))
    pruner = Pruner(engine, Age(pictures=days(30)))
    assert pruner.blobs() == {NEW_PICTURE}
    assert pruner.blobs(runs=[1]) == frozenset()
    assert pruner.pictures() == {OLD_PICTURE}
