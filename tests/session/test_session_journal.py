"""The journal stores what has to outlive the next step before it, and the rest along with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from docmill.blobs import BlobStore
from docmill.events import (
    BudgetReserved,
    CustomToolUse,
    Event,
    ModelRequestStart,
    StatusRunning,
    ToolUse,
    UserMessage,
)
from docmill.records.results import Usage
from docmill.session.journal import Journal
from docmill.store.database import open_database
from docmill.store.sessions import SessionStore

STARTED = ModelRequestStart(model="m", fingerprint="f")
MESSAGE = UserMessage(content=({"type": "text", "text": "Read."},))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    """An empty store."""
    engine = open_database(tmp_path / ".docmill")
    yield SessionStore(engine)
    engine.dispose()


def open_journal(store: SessionStore, folder: Path) -> Journal:
    """The journal of session `s`."""
    return Journal(store, BlobStore(folder / "blobs"), session="s", run=1, document="d")


def stored(store: SessionStore) -> list[Event]:
    """What a process that starts now would find."""
    return [entry.event for entry in store.journal("s")]


def test_a_call_is_stored_with_what_led_to_it(store: SessionStore, tmp_path: Path) -> None:
    """One transaction, before the call is made; order and positions are those of the events."""
    journal = open_journal(store, tmp_path)
    said = (StatusRunning(), MESSAGE, BudgetReserved(usd="0.1"), STARTED)
    journal.add(said[0])
    assert stored(store) == [*said[:1]]
    journal.add(said[1])
    journal.add(said[2])
    assert stored(store) == [*said[:1]]
    journal.add(said[3])
    assert stored(store) == [*said]
    assert [entry.position for entry in store.journal("s")] == [0, 1, 2, 3]


def test_a_tool_that_may_act_is_stored_before_it_does(store: SessionStore, tmp_path: Path) -> None:
    """A call into the sandbox isn't free to repeat; one that code answers is."""
    journal = open_journal(store, tmp_path)
    journal.add(CustomToolUse(tool_use_id="c1", name="submit_record", input={}))
    assert not stored(store)
    journal.add(ToolUse(tool_use_id="t1", name="bash", input={"command": "ls"}))
    assert [event.type for event in stored(store)] == ["agent.custom_tool_use", "agent.tool_use"]


def test_what_costs_money_never_waits(store: SessionStore, tmp_path: Path) -> None:
    """A charge is in the store when `add` returns, whatever it is for."""
    journal = open_journal(store, tmp_path)
    journal.add(MESSAGE, usage=Usage(model_calls=1))
    assert stored(store) == [MESSAGE]
    assert store.spent(1, "d").model_calls == 1


def test_an_event_has_the_time_it_happened_at(store: SessionStore, tmp_path: Path) -> None:
    """Waiting to be stored doesn't make it later."""
    journal = open_journal(store, tmp_path)
    journal.add(MESSAGE)
    between = open_journal(store, tmp_path)  # takes some time
    assert between.history == []
    journal.add(STARTED)
    first, second = store.journal("s")
    assert first.at < second.at


def test_a_journal_goes_on_after_the_last_event(store: SessionStore, tmp_path: Path) -> None:
    """What was not stored when the process died isn't there, and leaves no gap."""
    before = open_journal(store, tmp_path)
    before.add(STARTED)
    before.add(MESSAGE)
    after = open_journal(store, tmp_path)
    assert after.history == [STARTED]
    after.add(StatusRunning(attempt=2))
    assert [entry.position for entry in store.journal("s")] == [0, 1]
