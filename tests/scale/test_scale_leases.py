"""Who lives, who is dead, and what a process may still write that others think dead."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from docmill.batch.shardlife import LONGEST_LOOK, Lives
from docmill.events import StatusRunning
from docmill.records.results import RunInfo
from docmill.store.database import open_database
from docmill.store.fences import LeaseLostError, RunFence, ShardFence
from docmill.store.heartbeats import Heartbeats, beating, is_alive
from docmill.store.lease import own_lease
from docmill.store.runs import DocumentEnd, RunStore
from docmill.store.schema import leases, runs
from docmill.store.sessions import SessionStore
from docmill.store.shards import Deal, Shard, ShardStore

ELSEWHERE = "other-host 77 1000 other-boot pid:[1]"


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A fresh store."""
    url = request.getfixturevalue("database_url") if request.param == "postgresql" else None
    opened = open_database(tmp_path, url)
    yield opened
    opened.dispose()


def alive(engine: Engine, lease: str, *, seconds: float = 30) -> bool:
    """What a process that wants to take over is told."""
    with engine.connect() as connection:
        return is_alive(connection, lease, seconds=seconds)


def test_a_process_elsewhere_lives_as_long_as_it_is_heard_of(engine: Engine) -> None:
    """By the database's clock, whatever this machine's says; one never heard of is dead."""
    assert not alive(engine, ELSEWHERE)
    heartbeats = Heartbeats(engine)
    heartbeats.beat(ELSEWHERE)
    heartbeats.beat(ELSEWHERE)
    assert alive(engine, ELSEWHERE)
    assert heartbeats.beats([ELSEWHERE, "nobody"]) == {ELSEWHERE: 2}
    with engine.begin() as connection:
        connection.execute(update(leases).values(seen=leases.c.seen - 31))
    assert not alive(engine, ELSEWHERE)
    heartbeats.beat(ELSEWHERE)
    heartbeats.end(ELSEWHERE)
    assert not alive(engine, ELSEWHERE)


def test_a_process_of_this_machine_is_looked_up_at_once(engine: Engine) -> None:
    """Nobody waits for its lease to run out; without a sign of life it lives all the same."""
    assert alive(engine, own_lease())
    host, _, start, *rest = own_lease().split(" ")
    with beating(engine):
        assert Heartbeats(engine).beats([own_lease()]) == {own_lease(): 1}
        assert not alive(engine, " ".join([host, "4194305", start, *rest]))
    assert Heartbeats(engine).beats([own_lease()]) == {}


def test_a_shard_shut_out_can_write_nothing_more(engine: Engine) -> None:
    """Neither to a journal nor an answer, though it doesn't know yet."""
    coordinator = ShardStore(engine, 1)
    name = coordinator.want("a")
    shard = ShardStore(engine, 1, owner=ELSEWHERE)
    assert shard.join(name, places=2)
    assert shard.join(name, places=2)
    assert not ShardStore(engine, 1, owner="another").join(name, places=2)
    sessions = SessionStore(engine, fence=ShardFence(engine, 1, name, owner=ELSEWHERE))
    session = sessions.create(key="k", run=1, document="d")
    coordinator.deal([Deal("d", name, "dealt", 1, "{}")])
    shard.begin(name, ["d"])
    sessions.append(session, 0, StatusRunning(attempt=1))
    coordinator.lose(name)
    with pytest.raises(LeaseLostError):
        sessions.append(session, 1, StatusRunning(attempt=2))
    with pytest.raises(LeaseLostError):
        sessions.close(session)
    with pytest.raises(LeaseLostError):
        sessions.create(key="k2", run=1, document="d2")
    shard.answer(name, "d", state="done", text="late")
    assert coordinator.deals() == []
    assert len(list(SessionStore(engine).journal(session))) == 1
    assert SessionStore(engine).resumable("k") == session
    assert shard.state(name) == "lost"


def test_a_run_taken_over_is_no_longer_this_process_s(engine: Engine) -> None:
    """Neither its journals nor its documents, nor its end, are written by the one thought dead."""
    store = RunStore(engine)
    info = RunInfo(
        id="",
        pipeline="reports",
        status="running",
        started=datetime(2026, 11, 23, tzinfo=UTC),
        docmill_version="0.1.0",
        model="rules",
        agent="reader@0",
        environment="default",
        sandbox="bubblewrap",
        spec_digest="d",
    )
    number, _ = store.claim(info, [])
    sessions = SessionStore(engine, fence=RunFence(engine, number))
    session = sessions.create(key="k", run=number, document="d")
    store.end_documents(number, [("d", DocumentEnd(status="ok"))])
    with engine.begin() as connection:
        connection.execute(update(runs).values(owner=ELSEWHERE))
    with pytest.raises(LeaseLostError):
        sessions.append(session, 0, StatusRunning(attempt=1))
    with pytest.raises(LeaseLostError):
        store.end_documents(number, [("d", DocumentEnd(status="cancelled"))])
    with pytest.raises(LeaseLostError):
        store.update(number, info.model_copy(update={"status": "cancelled"}))
    assert store.info(number).status == "running"


def test_silence_counts_only_while_somebody_listens() -> None:
    """A store that was away for a minute kills no shard; one that stays silent dies."""
    now = [0.0]
    lives = Lives(10, now=lambda: now[0])

    def after(seconds: float, beats: int) -> list[str]:
        now[0] += seconds
        shard = Shard("1-a", ELSEWHERE, "live", 4, "", beats)
        return [one.name for one in lives.ended([shard])]

    assert after(0, 1) == []
    assert after(600, 1) == []
    for _ in range(int(8 / LONGEST_LOOK)):
        assert after(LONGEST_LOOK, 1) == []
    assert lives.live
    assert after(LONGEST_LOOK, 2) == []
    for _ in range(int(10 / LONGEST_LOOK)):
        assert after(LONGEST_LOOK, 2) == []
    assert after(LONGEST_LOOK, 2) == ["1-a"]
    assert not lives.live
