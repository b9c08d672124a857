"""What is old is forgotten; what is still referred to, found or paid for is kept."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select, update

from docmill.events import StatusRunning
from docmill.records.checked import CheckedRecord
from docmill.records.results import DocumentInfo, RunInfo, Usage
from docmill.store.pruning import Age, Pruner
from docmill.store.runs import DocumentEnd, RunDocument, RunStore
from docmill.store.schema import charges, events, runs, sessions
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


def add_session(engine: Engine, document: str, picture: str) -> str:
    """A finished session with one event that cost something, begun long ago."""
    store = SessionStore(engine)
    session = store.create(key=document, run=1, document=document)
    charge = Charge(run=1, document=document, attempt=1, model="rules", usage=Usage())
    store.append(session, 0, StatusRunning(attempt=1), charge=charge)
    store.finish(session, Findings(record=CheckedRecord(values=()), pictures={1: picture}))
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
        connection.execute(update(runs).where(runs.c.number == 3).values(owner="somebody"))
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
