"""Journals keep every event in order, with what it cost."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from docmill.errors import PrerequisiteError
from docmill.events import (
    CustomToolUse,
    Event,
    ModelRequestEnd,
    RecordChecked,
    StatusIdle,
    StatusRunning,
    UserMessage,
)
from docmill.records.checked import CheckedRecord, CheckedValue, Evidence, Reading
from docmill.records.results import Usage
from docmill.records.values import Range
from docmill.store.database import generation, open_database
from docmill.store.sessions import Charge, Findings, SessionStore

if TYPE_CHECKING:
    from tests.store.conftest import Place


RECORD = CheckedRecord(
    values=(
        CheckedValue(
            path="voltage",
            status="verified",
            reading=Reading(
                value=Decimal("3.30"),
                unit="V",
                evidence=Evidence(page=1, quote="3.30 V", boxes=((1, 2, 3, 4),)),
            ),
        ),
        CheckedValue(path="issued", status="unverified", reading=Reading(value=date(2024, 2, 29))),
        CheckedValue(
            path="rows[0].range", status="verified", reading=Reading(value=Range(min=Decimal(-40)))
        ),
        CheckedValue(path="name", status="missing"),
    ),
    rows={"rows": 1},
)
EVENTS: tuple[Event, ...] = (
    StatusRunning(attempt=2),
    UserMessage(content=({"type": "text", "text": "µ − \u0000 \u2028 𝄞"},)),
    ModelRequestEnd(
        model="rules", response_id="m1", content=(), stop_reason="end_turn", model_usage=Usage()
    ),
    CustomToolUse(tool_use_id="t1", name="submit_record", input={"a": [1, None, "x"]}),
    RecordChecked(submission=1, accepted=True, record=RECORD),
    StatusIdle(stop_reason="end_turn"),
)


def test_a_journal_comes_back_as_it_was_written(engine: Engine) -> None:
    """Types, order, decimals, dates and odd characters survive the store."""
    store = SessionStore(engine)
    session = store.create(key="k", run=1, document="d")
    for position, event in enumerate(EVENTS):
        store.append(session, position, event)
    stored = list(store.journal(session))
    assert [entry.position for entry in stored] == list(range(len(EVENTS)))
    assert tuple(entry.event for entry in stored) == EVENTS


def test_two_writers_on_one_session_are_refused(engine: Engine) -> None:
    """A position is taken once; nothing is overwritten."""
    store = SessionStore(engine)
    session = store.create(key="k", run=1, document="d")
    store.append(session, 0, StatusRunning())
    with pytest.raises(IntegrityError):
        store.append(session, 0, StatusIdle(stop_reason="end_turn"))


def test_charges_are_summed_by_document_and_run(engine: Engine) -> None:
    """The ledger's totals are folded from what each event cost."""
    store = SessionStore(engine)
    for document, usd in (("a", "0.10"), ("b", "0.20")):
        session = store.create(key=document, run=7, document=document)
        usage = Usage(model_calls=1, usd=Decimal(usd))
        charge = Charge(run=7, document=document, attempt=1, model="m", usage=usage)
        store.append(session, 0, StatusRunning(), charge=charge)
    assert store.spent(7) == Usage(model_calls=2, usd=Decimal("0.30"))
    assert store.spent(7, "a").usd == Decimal("0.10")
    assert store.spent(8) == Usage()


def test_an_open_session_is_resumable_until_it_is_finished(engine: Engine) -> None:
    """Finished ones are found by key with their findings; closed ones by nobody."""
    store = SessionStore(engine)
    session = store.create(key="k", run=1, document="d")
    assert store.resumable("k") == session
    store.finish(session, Findings(record=RECORD, pages=3, page_sizes={1: (595.0, 842.0)}))
    assert store.resumable("k") is None
    found = store.finished("k")
    assert found is not None
    assert found.findings == Findings(record=RECORD, pages=3, page_sizes={1: (595.0, 842.0)})
    assert store.finished_keys(["k", "other"]) == {"k"}


def test_a_store_made_again_has_another_generation(place: "Place", tmp_path: Path) -> None:
    """Caches elsewhere can tell that what they point to is gone."""
    first, other = place.open(), open_database(tmp_path / "other")
    assert generation(first) == generation(place.open())
    assert generation(first) != generation(other)
    other.dispose()


def test_a_full_disk_is_said_in_plain_words(engine: Engine) -> None:
    """SQLite's page limit stands in for the disk's; what was stored stays, and it goes on later."""
    if engine.dialect.name != "sqlite":
        return
    store = SessionStore(engine)
    session = store.create(key="k", run=1, document="d")
    message = UserMessage(content=({"type": "text", "text": "x" * 100_000},))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=40")

    def fill() -> None:
        for position in range(50):
            store.append(session, position, message)

    with pytest.raises(PrerequisiteError, match="full"):
        fill()
    assert store.resumable("k") == session
    end = len(list(store.journal(session)))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=4000")
    store.append(session, end, message)
    assert len(list(store.journal(session))) == end + 1


def test_a_session_without_a_valid_record_is_not_cached(engine: Engine) -> None:
    """The next run asks again; what was found stays readable."""
    store = SessionStore(engine)
    session = store.create(key="k", run=1, document="d")
    store.finish(session, Findings(record=None, code="record_invalid"))
    assert store.finished("k") is None
    assert store.resumable("k") is None


def test_a_key_was_tried_however_its_session_went(engine: Engine) -> None:
    """Open, closed and finished sessions count; thousands of keys are asked about at once."""
    store = SessionStore(engine)
    for key, end in (("open", None), ("closed", store.close)):
        session = store.create(key=key, run=1, document="d")
        if end:
            end(session)
    store.finish(store.create(key="done", run=1, document="d"), Findings(record=RECORD))
    keys = ["open", "closed", "done", *map(str, range(1200))]
    assert store.tried_keys(keys) == {"open", "closed", "done"}
    assert store.finished_keys(keys) == {"done"}
