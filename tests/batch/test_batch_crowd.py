"""How many sessions a run has at once depends on what they do most of the time."""

import os
import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docmill.batch.crowd import (
    MOST_ASKING,
    MOST_WAITING,
    free_megabytes,
    places_at_once,
    sessions_at_once,
    waiting_seconds,
)
from docmill.settings import Settings
from docmill.spec.pipeline import Pipeline

SPEC = {"name": "p", "documents": "in", "agent": "a", "record": {"fields": {"x": {"type": "text"}}}}
LIVE = Pipeline.model_validate(SPEC)
BATCH = LIVE.model_copy(update={"mode": "batch"})
FEW = 2 * (os.cpu_count() or 1)


@pytest.mark.parametrize("pipeline", [LIVE, BATCH])
def test_what_somebody_says_holds(pipeline: Pipeline) -> None:
    """The pipeline before the machine."""
    told = pipeline.model_copy(update={"concurrency": 3})
    assert sessions_at_once(told, Settings(concurrency=7)) == 3
    assert sessions_at_once(pipeline, Settings(concurrency=7)) == 7


def test_sessions_that_wait_are_many() -> None:
    """Live, the processors are the measure; waiting for a batch takes none."""
    assert sessions_at_once(LIVE, Settings()) == FEW
    assert FEW <= sessions_at_once(BATCH, Settings()) <= MOST_WAITING


def test_more_documents_are_under_way_where_people_are_waited_for() -> None:
    """Those that wait for an answer do no work."""
    for asks in (False, True):
        compiled: Any = SimpleNamespace(pipeline=LIVE, agent=SimpleNamespace(asks=asks))
        more = places_at_once(compiled, Settings()) - FEW
        assert more == 0 if not asks else 0 < more <= MOST_ASKING


def test_open_files_are_a_limit() -> None:
    """Each sandbox has some; the usual limit of 1,024 is enough for more than a hundred."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        assert sessions_at_once(BATCH, Settings()) <= 52
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_session_may_wait_a_day_for_each_turn() -> None:
    """In batches; live, only as long as an endpoint may be down."""
    assert waiting_seconds(BATCH) == BATCH.limits.turns * 86_400
    assert waiting_seconds(LIVE) == 3600


def test_free_memory_is_read_from_the_machine(tmp_path: Path) -> None:
    """In whole megabytes; a machine that doesn't say has none to spare."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  8000000 kB\nMemAvailable:   2048000 kB\n")
    assert free_megabytes(meminfo) == 2000
    assert free_megabytes(tmp_path / "missing") == 0
