"""A run ends when its time is over, in the middle of a session or before one begins."""

import asyncio

import pytest

from docmill.batch.runtime import RunTime
from docmill.errors import LimitError


async def test_what_is_under_way_when_the_time_is_over_ends_with_the_limit() -> None:
    """The remedy is to go on with twice the time."""
    time = RunTime(0.0001, run="run-0007")
    time.start()
    with pytest.raises(LimitError) as caught:
        async with time.within():
            await asyncio.Event().wait()
    assert caught.value.code == "limit_minutes_per_run"
    assert "docmill resume run-0007 --limit minutes_per_run=0.0002" in caught.value.remedy


async def test_nothing_begins_after_the_time_is_over() -> None:
    """Not even up to its first pause."""
    time = RunTime(1e-9, run="run-0007")
    time.start()
    await asyncio.sleep(0)
    with pytest.raises(LimitError):
        async with time.within():
            pytest.fail("it began")


@pytest.mark.parametrize("minutes", [None, 60.0])
async def test_work_within_the_time_ends_as_it_does(minutes: float | None) -> None:
    """Its own time limits stay its own."""
    time = RunTime(minutes, run="run-0007")
    time.start()
    with pytest.raises(TimeoutError):
        async with time.within(), asyncio.timeout(0):
            await asyncio.Event().wait()
