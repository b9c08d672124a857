"""A run that has ended is sealed: whatever is changed afterwards gives another head."""

import hashlib

from sqlalchemy import Engine, delete, update

from docmill.events import StatusRunning
from docmill.records.checked import CheckedRecord
from docmill.records.growth import FieldsKept
from docmill.records.results import DocumentInfo, RunInfo, Usage
from docmill.store.runs import DocumentEnd, RunDocument, RunStore
from docmill.store.schema import charges, documents, events, sessions
from docmill.store.seals import Chain, Seals
from docmill.store.sessions import Charge, Findings, SessionStore

INFO = RunInfo.model_validate(
    {
        "id": "",
        "pipeline": "p",
        "status": "running",
        "started": "2026-06-01T00:00:00Z",
        "docmill_version": "1",
        "model": "rules",
        "agent": "a",
        "environment": "e",
        "sandbox": "s",
        "spec_digest": "d",
    }
)


def add_session(engine: Engine, *, run: int = 1, source: str = "", finish: bool = True) -> str:
    """A session of three events, one of which cost something."""
    store = SessionStore(engine)
    session = store.create(key="k", run=run, document="a")
    if source:
        store.append(session, 0, FieldsKept(source=source, kept=("a",), asked=()))
    charge = Charge(run=run, document="a", attempt=1, model="rules", usage=Usage())
    for position in range(1, 4):
        paid = charge if position == 2 else None
        store.append(session, position, StatusRunning(attempt=position), charge=paid)
    if finish:
        store.finish(session, Findings(record=CheckedRecord(values=())))
    return session


def add_run(engine: Engine, session: str) -> int:
    """A run of one document that has ended."""
    runs = RunStore(engine)
    info = DocumentInfo(id="a", name="a", sha256="0" * 64, size=1)
    number, _ = runs.claim(INFO, [RunDocument(info=info, key="k")])
    runs.end_documents(number, [("a", DocumentEnd(status="ok", session=session))])
    runs.update(number, INFO.model_copy(update={"status": "finished"}))
    return number


def test_a_chain_is_what_the_manual_says() -> None:
    """sha256 over the head before, a line break, and the link's JSON."""
    chain = Chain("sesn_1")
    first = hashlib.sha256(b"docmill.seal/1\nsesn_1").hexdigest()
    assert chain.head == first
    chain.add(0, "type", "µ", None)
    text = f'{first}\n[0,"type","µ",null]'
    assert chain.head == hashlib.sha256(text.encode()).hexdigest()


def test_whatever_is_changed_gives_another_head(engine: Engine) -> None:
    """A charge, a document's end, a session's findings, an event; each for itself."""
    number = add_run(engine, session := add_session(engine))
    seals = Seals(engine)
    head = seals.seal(number)
    assert seals.check(number).head == head
    for table, column, value in (
        (charges, "usage", '{"usd":"1"}'),
        (documents, "status", "flagged"),
        (sessions, "findings", None),
        (events, "at", "2020"),
    ):
        with engine.connect() as connection:
            connection.execute(update(table).values({column: value}))
            connection.commit()
        changed = seals.check(number)
        assert changed.head != head
        head = seals.seal(number) if table is not events else head
    assert changed.changed == (session,)


def test_a_session_that_is_open_counts_as_it_was_then(engine: Engine) -> None:
    """When it goes on later, the run's seal still holds."""
    session = add_session(engine, finish=False)
    seals = Seals(engine)
    head = seals.seal(number := add_run(engine, session))
    store = SessionStore(engine)
    store.append(session, 4, StatusRunning(attempt=4))
    store.finish(session, Findings(record=CheckedRecord(values=())))
    assert seals.check(number).head == head
    assert seals.of_session(session) is None


def test_a_journal_that_was_pruned_has_its_seal_in_its_place(engine: Engine) -> None:
    """The run's head stays provable."""
    session = add_session(engine)
    seals = Seals(engine)
    head = seals.seal(number := add_run(engine, session))
    with engine.begin() as connection:
        connection.execute(delete(events))
    found = seals.check(number)
    assert (found.head, found.pruned) == (head, (session,))
    assert seals.of_session(session) is not None


def test_sessions_that_fields_were_taken_from_belong_to_the_run(engine: Engine) -> None:
    """However many there are in a row."""
    first = add_session(engine)
    second = add_session(engine, source=first)
    third = add_session(engine, source=second, run=9)
    number = add_run(engine, third)
    seals = Seals(engine)
    seals.seal(number)
    assert all(seals.of_session(each) for each in (first, second, third))


def test_journals_that_were_sealed_are_not_read_again(engine: Engine) -> None:
    """A second run over the same document believes the seal; a check doesn't."""
    session = add_session(engine)
    seals = Seals(engine)
    seals.seal(add_run(engine, session))
    with engine.begin() as connection:
        connection.execute(update(events).values(body="{}"))
    number = add_run(engine, session)
    seals.seal(number)
    assert seals.check(number).changed == (session,)
