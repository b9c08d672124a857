"""Three processes share one run; what one of them leaves behind the others finish."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from tests.scale.conftest import KEY, SETTINGS, Crew, drive, make_workspace, prepare, record, script

from docmill.batch.state import open_state
from docmill.settings import load_settings
from docmill.store.shards import ShardStore
from docmill.testing.process import ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
REPORTS, TURNS = 12, 3


async def test_a_killed_shard_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, database_url: str
) -> None:
    """The others take its documents over at their last turn; only calls in flight are repeated."""
    environ = {**SETTINGS, "DOCMILL_DATABASE_URL": database_url}
    with ServerProcess(script(REPORTS, turns=TURNS), key=KEY, latency=0.4) as server:
        loaded = make_workspace(tmp_path, server.base_url, reports=REPORTS)
        with open_state(loaded, load_settings(environ)) as state:
            job = prepare(loaded, state)
            store = ShardStore(state.engine, 1)
            crew = Crew(job, tmp_path, environ)

            async def kill_one() -> None:
                """Once all three are at work, and one of them in the middle of a document."""
                while True:
                    await asyncio.sleep(0.02)
                    busy = {deal.shard for deal in store.deals() if deal.state == "begun"}
                    if len(busy) == 3 and state.sessions.spent(1).model_calls > REPORTS:
                        crew.processes[min(busy)].kill()
                        return

            statuses = await drive(job, crew, kill_one)
            spent = state.sessions.spent(1)
            found = {
                result.document.name: result.record.values[0].reading
                for result in job.reader().documents()
                if result.record
            }
            states = Counter(shard.state for shard in store.shards())
        requests = server.log()["requests"]
    # Records and verdicts are those of a run nothing happened to.
    assert list(statuses.values()) == ["ok"] * (REPORTS - 1) + ["flagged"]
    for number, reading in enumerate(found.values()):
        assert reading is not None
        assert reading.evidence is not None
        assert reading.evidence.quote == record(number)["voltage"]["quote"]
    # So are the costs: each call is charged once, and was made once but for those in flight.
    assert spent.model_calls == REPORTS * TURNS
    assert len({request["sha256"] for request in requests}) == REPORTS * TURNS
    assert 0 <= len(requests) - REPORTS * TURNS <= spent.lost_calls <= 2
    assert states["lost"] >= 1  # or two, if the one in its place was no longer needed
    assert states["live"] == states["ending"] == states["wanted"] == 0
