"""Overlapping, missed and foreign runs, on a real server and without a worker: by its API."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.deploy.conftest import Site

from docmill.errors import PrerequisiteError
from docmill.flow.launch import prefect_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Wait = Callable[..., Any]


@pytest.fixture
def client(site: Site) -> Any:
    """This process as the server's client."""
    with ExitStack() as stack:
        stack.enter_context(prefect_client(site.address))
        yield


def scheduled(workspace: Path, name: str, overlap: str) -> None:
    """Give the pipeline a schedule with this policy."""
    spec = workspace / "pipelines" / f"{name}.yaml"
    lines = [line for line in spec.read_text().splitlines() if not line.startswith("schedule:")]
    text = "\n".join(line for line in lines if line[:7] not in ("  cron:", "  timez", "  overl"))
    spec.write_text(
        f"{text}\nschedule: {{cron: 0 2 * * *, timezone: Europe/Berlin, overlap: {overlap}}}\n"
    )


def begun(site: Site, run: str) -> dict[str, Any]:
    """What the server says to a worker that wants to start a run."""
    answer = site.set_state(run, type="PENDING")
    if answer["status"] == "ACCEPT":
        answer = site.set_state(run, type="RUNNING")
    return answer["state"] or answer


def cancelling(site: Site, run: str) -> dict[str, Any] | None:
    """The run's state once it is to stop."""
    state = site.run(run)["state"]
    return state if state["type"] == "CANCELLING" else None


@pytest.mark.parametrize(
    ("overlap", "name_of_state"), [("skip", "Cancelled"), ("queue", "AwaitingConcurrencySlot")]
)
def test_a_run_that_is_due_while_another_works(
    site: Site, workspace: Path, name: str, overlap: str, name_of_state: str
) -> None:
    """`skip` leaves it out, `queue` lets it wait until the first has ended."""
    scheduled(workspace, name, overlap)
    site.deployed(at=workspace)
    first, second = site.start(f"{name}/default"), site.start(f"{name}/default")
    assert begun(site, first)["type"] == "RUNNING"
    assert begun(site, second)["name"] == name_of_state
    if overlap == "queue":
        site.set_state(first, type="COMPLETED")
        assert begun(site, second)["type"] in ("PENDING", "RUNNING")


@pytest.mark.usefixtures("client")
async def test_overlap_cancel_ends_the_run_at_work_first(
    site: Site, workspace: Path, name: str, eventually: Wait
) -> None:
    """The next one asks it to stop, waits until it has, and begins."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import FlowRun

    from docmill.flow import superseding

    scheduled(workspace, name, "cancel")
    await asyncio.to_thread(site.deployed, at=workspace)
    ids = [site.start(f"{name}/default") for _ in range(2)]
    assert [begun(site, run)["type"] for run in ids] == ["RUNNING", "RUNNING"]
    due = FlowRun.model_validate(site.run(ids[1]))
    async with get_client() as prefect:
        waiting = asyncio.create_task(superseding.end_others(prefect, due))
        state = await asyncio.to_thread(eventually, lambda: cancelling(site, ids[0]))
        assert due.name in state["message"]
        assert not waiting.done()
        site.set_state(ids[0], type="CANCELLED")
        await waiting
        assert site.run(ids[1])["state"]["type"] == "RUNNING"
        dead = site.start(f"{name}/default")
        begun(site, dead)
        await superseding.end_others(prefect, due, wait_seconds=0)
    state = site.run(dead)["state"]
    assert state["type"] == "CANCELLED"
    assert "seems to be dead" in state["message"]


@pytest.fixture
def every_second(site: Site, workspace: Path, name: str) -> Iterator[str]:
    """A deployment due every second for an hour; others are spared its runs later."""
    site.deployed(at=workspace)
    deployment = str(site.ask(f"/deployments/name/{name}/default")["id"])
    begin = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    every = {"interval": 1, "anchor_date": begin}
    site.ask(f"/deployments/{deployment}/schedules", [{"active": True, "schedule": every}])
    site.ask(f"/deployments/{deployment}/schedule", {"min_runs": 5, "max_runs": 5})
    yield deployment
    site.ask(f"/deployments/{deployment}/pause_deployment", {})


@pytest.mark.usefixtures("client")
async def test_of_missed_runs_only_the_latest_takes_place(
    site: Site, every_second: str, eventually: Wait
) -> None:
    """Each of the others is cancelled by words that name the one that makes up for it."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import FlowRun

    from docmill.flow import superseding

    filters = {"deployments": {"id": {"any_": [every_second]}}, "sort": "EXPECTED_START_TIME_ASC"}

    def past() -> list[FlowRun]:
        found = map(FlowRun.model_validate, site.ask("/flow_runs/filter", filters))
        now = datetime.now(UTC)
        return [run for run in found if run.expected_start_time and run.expected_start_time < now]

    missed = await asyncio.to_thread(
        eventually, lambda: found if len(found := past()) >= 3 else None
    )
    async with get_client() as prefect:
        state = await superseding.by_another(prefect, missed[0])
        assert state is not None
        assert state.is_cancelled()
        assert (state.message or "").startswith("Missed; made up for by the run of ")
        last = FlowRun.model_validate(site.ask("/flow_runs/filter", filters)[-1])
        assert await superseding.by_another(prefect, last) is None


@pytest.mark.usefixtures("client")
async def test_a_run_somebody_started_is_never_superseded(
    site: Site, workspace: Path, name: str
) -> None:
    """Only the schedule's own runs make up for each other."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import FlowRun

    from docmill.flow import superseding

    await asyncio.to_thread(site.deployed, at=workspace)
    runs = [FlowRun.model_validate(site.run(site.start(f"{name}/default"))) for _ in range(2)]
    async with get_client() as prefect:
        assert await superseding.by_another(prefect, runs[0]) is None


@pytest.mark.usefixtures("client")
def test_another_docmill_is_refused_with_both_versions() -> None:
    """What has deployed and what would run it; the digest of the specs doesn't matter."""
    from prefect.client.schemas.objects import FlowRun

    from docmill.flow import deployed

    here = version("docmill")
    nothing: Any = "00000000-0000-0000-0000-000000000000"
    deployed.require_version(FlowRun(flow_id=nothing, deployment_version=f"{here}+abc"))
    with pytest.raises(PrerequisiteError, match=rf"docmill {here}; docmill 9\.9\.9 ") as caught:
        deployed.require_version(FlowRun(flow_id=nothing, deployment_version="9.9.9+abc"))
    assert "docmill deploy" in caught.value.remedy


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("day", "times"),
    [
        ("2027-03-27", ["27T02:30+01:00", "28T01:30+01:00", "29T02:30+02:00"]),
        ("2027-10-30", ["30T02:30+02:00", "31T02:30+02:00", "01T02:30+01:00"]),
    ],
)
async def test_a_schedule_follows_the_clock_on_the_wall(day: str, times: list[str]) -> None:
    """Once a day, also when the clock goes forward (an hour earlier) or back (the first time)."""
    from prefect.server.schemas.schedules import CronSchedule

    cron = CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin")
    due = await cron.get_dates(3, start=datetime.fromisoformat(f"{day}T00:00+00:00"))
    berlin = ZoneInfo("Europe/Berlin")
    assert [each.astimezone(berlin).isoformat(timespec="minutes")[8:] for each in due] == times
