"""What a run says when it has ended: to webhooks, to Prefect's events, and once more by hand."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.notify.hooks import Receiver, receiver

from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job
from docmill.batch.state import State, open_state
from docmill.compile import compile_pipeline
from docmill.errors import PrerequisiteError
from docmill.flow.job import Published, RunEnd
from docmill.notify.payload import RunNotice
from docmill.records.deliveries import Delivery
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace
from docmill.store.deliveries import DeliveryLog

CASE = Path(__file__).parents[1] / "cases" / "ambiguous"
SETTINGS = load_settings({"HOOK_SECRET": "s3cr3t-of-the-hook"})


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """One document, whose value is ambiguous."""
    return Path(shutil.copytree(CASE, tmp_path / "workspace"))


def with_keys(workspace: Path, text: str) -> LoadedWorkspace:
    """The workspace, its pipeline with these keys more."""
    file = workspace / "pipelines" / "ambiguous.yaml"
    file.write_text(file.read_text() + text)
    return load_workspace(workspace)


def run(loaded: LoadedWorkspace, state: State) -> Published:
    """A run without Prefect, from its first document to its last notice."""
    compiled = compile_pipeline(loaded, "ambiguous")
    job = prepare_job(loaded, compiled, SETTINGS, state, observer=SilentObserver())

    async def work() -> Published:
        job.orchestrated("flow-run", "http://prefect.example/runs/1")
        for document in (await job.ingest()).pending:
            await job.process(document, attempt=1)
        await job.judge()
        return await job.report(RunEnd(status="finished", counts={"flagged": 1}))

    published = asyncio.run(work())
    job.tell()
    return published


def delivered(state: State) -> list[tuple[str, str, str]]:
    """What the store says of run 1."""
    found: tuple[Delivery, ...] = DeliveryLog(state.engine).of_run(1)
    return [(each.kind, each.state, each.detail) for each in found]


def notify(hook: Receiver, *more: str) -> str:
    """The key of a pipeline."""
    return "\n".join(
        [f"notify:\n  - webhook: {hook.address}", *(f"    {line}" for line in more), ""]
    )


def test_those_who_want_to_hear_of_it_are_told(workspace: Path) -> None:
    """Documents and fields by name; not what stands in them."""
    with receiver() as hook:
        keys = notify(hook, "on: flagged", "secret: {env: HOOK_SECRET}")
        loaded = with_keys(workspace, keys + "results: [{to: 'out/{run}'}]\n")
        with open_state(loaded) as state:
            published = run(loaded, state)
            assert delivered(state) == [
                ("results", "done", "3 rows"),
                ("notice", "done", "status 204"),
            ]
    (notice,) = hook.notices
    assert RunNotice.model_validate(notice)
    assert (notice["run"], notice["status"], notice["events"]) == (
        "run-0001",
        "finished",
        ["finished", "flagged"],
    )
    (document,) = notice["attention"]
    assert {each["text"] for each in document["reasons"]} == {""}
    assert "ambiguous" in {each["kind"] for each in document["reasons"]}
    assert Path(notice["report"]["files"]["html"]).is_file()
    (results,) = notice["results"]
    assert results["places"] == [str(workspace / "out/run-0001/values.csv")]
    assert notice["prefect_url"] == "http://prefect.example/runs/1"
    assert [event.name for event in published.events] == ["finished", "flagged"]
    assert published.events[0].payload["attention"] == notice["attention"]
    assert "s3cr3t" not in json.dumps(notice)


def test_a_notice_that_fails_changes_nothing_and_is_known(workspace: Path) -> None:
    """Others are told all the same; those who wait for another end hear nothing."""
    with receiver((404, {})) as deaf, receiver() as hook:
        keys = notify(deaf) + "\n".join(
            [
                f"  - webhook: {hook.address}",
                "    details: true",
                f"  - webhook: {hook.address}",
                "    on: cancelled",
                "",
            ]
        )
        loaded = with_keys(workspace, keys)
        with open_state(loaded) as state:
            run(loaded, state)
            assert state.runs.info(1).status == "finished"
            assert delivered(state) == [
                ("notice", "failed", "status 404 Not Found"),
                ("notice", "done", "status 204"),
            ]
    (notice,) = hook.notices
    texts: list[Any] = [reason["text"] for reason in notice["attention"][0]["reasons"]]
    assert any(texts)


def test_a_key_that_is_missing_is_said_before_anything_is_run(workspace: Path) -> None:
    """No run was claimed for it."""
    with receiver() as hook:
        loaded = with_keys(workspace, notify(hook, "secret: {env: NOT_SET}"))
    with open_state(loaded) as state:
        with pytest.raises(PrerequisiteError, match="NOT_SET"):
            run(loaded, state)
        assert state.runs.recent() == []
