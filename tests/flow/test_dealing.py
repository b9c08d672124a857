"""Dealing out documents: how many at once, in which order, and what is left when it stops."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from scripted_job import ScriptedJob, documents

from docmill.errors import RunError
from docmill.flow.dealing import Control, Place, Tally, deal
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus
from docmill.spec.pipeline import FailureThreshold


def unlimited(control: Control, total: int) -> Tally:
    """A tally without a threshold."""
    return Tally(FailureThreshold(), control, total=total)


async def test_no_more_documents_are_under_way_than_allowed() -> None:
    """`concurrency` sessions at once, and as many once there is enough to do."""
    job, control = ScriptedJob(documents(10)), Control()
    tally = unlimited(control, 10)
    running: list[int] = []
    now = 0

    async def handle(document: PlannedDocument, place: Place) -> DocumentStatus:
        del document, place
        nonlocal now
        now += 1
        running.append(now)
        await asyncio.sleep(0)
        now -= 1
        return "ok"

    await deal(job.batch, handle, job=job, control=control, tally=tally)
    assert max(running) == job.concurrency
    assert tally.counts == {"ok": 10}


async def test_documents_are_pulled_as_workers_get_free() -> None:
    """Ten thousand documents are not ten thousand coroutines: they are taken one by one."""
    job, control = ScriptedJob([]), Control()
    tally = unlimited(control, 100)
    pulled = 0
    ahead: list[int] = []

    def supply() -> Iterator[PlannedDocument]:
        nonlocal pulled
        for document in documents(100):
            pulled += 1
            yield document

    async def handle(document: PlannedDocument, place: Place) -> DocumentStatus:
        del document, place
        await asyncio.sleep(0)
        ahead.append(pulled - tally.counts.get("ok", 0))
        return "ok"

    await deal(supply(), handle, job=job, control=control, tally=tally)
    assert max(ahead) <= job.concurrency
    assert tally.counts == {"ok": 100}


async def test_work_that_is_cancelled_with_the_stop_is_part_of_it() -> None:
    """The stop and the end of a document's work may come in the same turn of the loop."""
    job, control = ScriptedJob(documents(6)), Control()
    tally = unlimited(control, 6)

    async def handle(document: PlannedDocument, place: Place) -> DocumentStatus:
        del document, place
        control.stop("Stopped.")
        raise asyncio.CancelledError

    await deal(job.batch, handle, job=job, control=control, tally=tally)
    assert tally.counts == {"cancelled": 6}


async def test_stopping_cancels_what_is_under_way_and_what_was_never_begun() -> None:
    """Every document ends exactly once, whenever the stop comes."""
    job, control = ScriptedJob(documents(6)), Control()
    tally = unlimited(control, 6)

    async def handle(document: PlannedDocument, place: Place) -> DocumentStatus:
        del place
        if document.info.id == "d2":
            control.stop("Enough.")
        if document.info.id != "d0":
            await asyncio.sleep(60)
        job.ends[document.info.id] = "ok"
        return "ok"

    await deal(job.batch, handle, job=job, control=control, tally=tally)
    assert Counter(job.ends.values()) == {"ok": 1, "cancelled": 5}
    assert tally.counts == {"ok": 1, "cancelled": 5}
    assert control.reason == "Enough."


async def test_the_first_reason_to_stop_holds() -> None:
    """Ctrl-C after a threshold was crossed does not hide the threshold."""
    control = Control()
    control.stop("first", error=RunError("first"))
    control.stop("second")
    assert (control.reason, str(control.error)) == ("first", "first")


async def test_a_mistake_in_a_handler_ends_the_run_and_loses_no_document() -> None:
    """What nobody expected is raised; the documents around it are settled all the same."""
    job, control = ScriptedJob(documents(5)), Control()

    async def handle(document: PlannedDocument, place: Place) -> DocumentStatus:
        del place
        if document.info.id == "d1":
            raise KeyError("surprise")
        await asyncio.sleep(60)
        return "ok"

    with pytest.raises(KeyError):
        await deal(job.batch, handle, job=job, control=control, tally=unlimited(control, 5))
    assert set(job.ends) == {"d0", "d2", "d3", "d4"}


@pytest.mark.parametrize(
    ("threshold", "failures", "stopped"),
    [
        (FailureThreshold(), 100, False),
        (FailureThreshold(count=0), 1, True),
        (FailureThreshold(count=2), 2, False),
        (FailureThreshold(count=2), 3, True),
        (FailureThreshold(share=0.25), 25, False),
        (FailureThreshold(share=0.25), 26, True),
        (FailureThreshold(count=50, share=0.01), 2, True),
        (FailureThreshold(share=1), 100, False),
    ],
)
async def test_a_threshold_is_crossed_by_more_than_it_allows(
    threshold: FailureThreshold, failures: int, stopped: bool
) -> None:
    """Failed and invalid documents count, against the count and the share of all documents."""
    control = Control()
    tally = Tally(threshold, control, total=100)
    tally.add("ok", 40)
    tally.add("limit", 40)
    tally.add("failed", failures // 2)
    tally.add("invalid", failures - failures // 2)
    assert control.stopped is stopped
