"""What `docmill deploy` registers, changes, leaves alone and refuses, on a real server."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.conftest import Site, configure

from docmill.flow.differences import differences

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_difference_is_told_field_by_field() -> None:
    """Down into variables and steps; what is empty isn't there."""
    before: dict[str, Any] = {"version": "1", "job_variables": {"env": {"A": "1", "B": "2"}}}
    after: dict[str, Any] = {
        "version": "1",
        "tags": ["a", "b"],
        "job_variables": {"env": {"A": "3"}},
    }
    assert [str(each) for each in differences(before, after | {"description": ""})] == [
        "job_variables.env.A: 1 → 3",
        "job_variables.env.B: 2 → none",
        "tags: a, b",
    ]


def test_parameters_are_a_form_that_the_server_enforces(
    site: Site, workspace: Path, name: str
) -> None:
    """Each field shows at once, with what holds if it is left out."""
    site.deployed(at=workspace)
    there = site.ask(f"/deployments/name/{name}/default")
    form = there["parameter_openapi_schema"]["properties"]
    assert there["enforce_parameter_schema"]
    assert form["concurrency"]["type"] == "integer"
    assert form["concurrency"]["maximum"] == 1000
    assert form["usd_per_run"]["title"] == "US dollars per run"
    assert form["documents"]["description"].endswith("Left out: sample_data/spec-check/documents.")


def test_another_workspace_s_deployment_is_not_touched(
    site: Site, workspace: Path, name: str, tmp_path: Path
) -> None:
    """Neither overwritten nor retired; both names are told, and what to do."""
    site.deployed(at=workspace)
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    configure(other, name=f"other-{name}", work_pool=f"pool-{name}")
    refused = site.docmill("deploy", at=other)
    assert refused.code == 3
    assert f"was deployed by the workspace {name}, not by this one (other-{name})" in refused.err
    spec = other / "pipelines" / f"{name}.yaml"
    spec.rename(spec.with_name(f"{name}-b.yaml"))
    text = spec.with_name(f"{name}-b.yaml").read_text()
    spec.with_name(f"{name}-b.yaml").write_text(text.replace(f"name: {name}", f"name: {name}-b"))
    assert {change["action"] for change in site.deployed(at=other).values()} == {"create"}
    assert site.deployed(at=workspace)[f"{name}/default"]["action"] == "unchanged"


def test_naming_a_pipeline_retires_no_other(site: Site, workspace: Path, name: str) -> None:
    """A removed pipeline is taken away by `docmill deploy` without names; a dry run says so."""
    spec = workspace / "pipelines" / f"{name}.yaml"
    second = spec.with_name(f"{name}-2.yaml")
    second.write_text(spec.read_text().replace(f"name: {name}", f"name: {name}-2"))
    assert len(site.deployed(at=workspace)) == 2
    second.unlink()
    assert set(site.deployed(name, at=workspace)) == {f"{name}/default"}
    told = site.deployed("--dry-run", at=workspace)
    assert {key: change["action"] for key, change in told.items()} == {
        f"{name}/default": "unchanged",
        f"{name}-2/default": "retire",
    }
    site.deployed(at=workspace)
    assert set(site.deployed(at=workspace)) == {f"{name}/default"}


def test_a_schedule_somebody_paused_stays_paused(site: Site, workspace: Path, name: str) -> None:
    """Deploying a change doesn't start it again."""
    site.deployed(at=workspace)
    there = site.ask(f"/deployments/name/{name}/default")
    schedule = there["schedules"][0]["id"]
    path = f"/deployments/{there['id']}/schedules/{schedule}"
    site.ask(path, {"active": False}, method="PATCH")
    spec = workspace / "pipelines" / f"{name}.yaml"
    spec.write_text(spec.read_text().replace("0 2 * * 2,5", "30 4 * * 1"))
    change = site.deployed(at=workspace)[f"{name}/default"]
    assert {each["field"] for each in change["differences"]} == {"schedule", "version"}
    (kept,) = site.ask(f"/deployments/name/{name}/default")["schedules"]
    assert kept["schedule"]["cron"] == "30 4 * * 1"
    assert not kept["active"]


@pytest.mark.parametrize(
    "case",
    [
        (
            "docker",
            {"image": "docmill.example/docmill:1", "volume": ["a:b"]},
            "did you mean `volumes`",
        ),
        ("docker", {"volumes": "specs:/specs"}, "is not of type 'array'"),
        ("kubernetes", {"image": 5}, "job_variables.image"),
        ("process", {"image": "x"}, "`image` is no variable of a pool of the type process"),
    ],
)
def test_job_variables_are_checked_against_the_pool(
    site: Site, workspace: Path, name: str, case: tuple[str, dict[str, Any], str]
) -> None:
    """By the template that the pool has on the server, or would be made with; nothing is made."""
    kind, variables, said = case
    where = {"env": {"DOCMILL_WORKSPACE": "/specs"}} if kind != "process" else {}
    pool = f"pool-{name}"
    configure(workspace, name=name, work_pool=pool, pool_type=kind, job_variables=where | variables)
    refused = site.docmill("deploy", at=workspace)
    assert refused.code == 2
    assert said in refused.err
    assert "docmill.yaml:1:" in refused.err
    assert not site.ask("/work_pools/filter", {"work_pools": {"name": {"any_": [pool]}}})


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_a_pool_of_containers_by_configuration(
    site: Site, workspace: Path, name: str, kind: str, tmp_path: Path
) -> None:
    """The job's variables are those of the pool; the workspace comes with a snapshot. A worker
    without Prefect's package for it says what to install."""
    variables = {
        "image": "registry.example/docmill:1.4",
        "env": {"DOCMILL_SANDBOX": "bubblewrap"},
        **({"volumes": ["docmill-state:/state"]} if kind == "docker" else {"namespace": "docs"}),
    }
    configure(
        workspace,
        name=name,
        work_pool=f"pool-{name}",
        pool_type=kind,
        workspace=str(tmp_path / "store"),
        job_variables=variables,
    )
    site.deployed(at=workspace)
    there = site.ask(f"/deployments/name/{name}/default")
    pool = site.ask(f"/work_pools/pool-{name}")
    known = pool["base_job_template"]["variables"]["properties"]
    assert pool["type"] == kind
    assert set(there["job_variables"]) <= set(known)
    assert there["job_variables"] == variables
    (step,) = there["pull_steps"]
    assert step["docmill.flow.pulling.fetch"]["name"] == name
    refused = site.docmill("worker", at=workspace)
    assert refused.code == 3
    assert f"pip install prefect-{kind}" in refused.err


def test_containers_that_can_not_find_the_workspace_are_refused(
    site: Site, workspace: Path, name: str
) -> None:
    """Before anything is registered; the three ways are named."""
    configure(workspace, name=name, work_pool=f"pool-{name}", pool_type="docker")
    refused = site.docmill("deploy", at=workspace)
    assert refused.code == 2
    for way in ("deploy.workspace", "deploy.pull", "DOCMILL_WORKSPACE"):
        assert way in refused.err


def test_a_pool_of_another_type_is_named(site: Site, workspace: Path, name: str) -> None:
    """Both types stand in the message."""
    site.deployed(at=workspace)
    configure(
        workspace,
        name=name,
        work_pool=f"pool-{name}",
        pool_type="docker",
        job_variables={"env": {"DOCMILL_WORKSPACE": "/specs"}},
    )
    refused = site.docmill("deploy", at=workspace)
    assert refused.code == 3
    assert "is of the type process, not docker" in refused.err
    variables = {"env": {"DOCMILL_WORKSPACE": "/specs"}}
    configure(
        workspace,
        name=name,
        work_pool=f"new-{name}",
        pool_type="proces",
        job_variables=variables,
    )
    assert "did you mean process?" in site.docmill("deploy", at=workspace).err


def test_without_a_worker_deploy_says_how_to_start_one(
    site: Site, workspace: Path, name: str
) -> None:
    """A pool that is paused is told, too."""
    assert "Start one: docmill worker" in site.docmill("deploy", at=workspace).err
    site.ask(f"/work_pools/pool-{name}", {"is_paused": True}, method="PATCH")
    assert f"prefect work-pool resume pool-{name}" in site.docmill("deploy", at=workspace).err


def test_no_server_is_said_with_its_address(
    site: Site, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `deploy` and by `worker`, which in an empty folder needs an address at all."""
    from dataclasses import replace

    gone = Site(replace(site.address, api_url="http://127.0.0.1:9/api"))
    refused = gone.docmill("deploy", at=workspace)
    assert refused.code == 3
    assert "No Prefect server answers at http://127.0.0.1:9/api" in refused.err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "No Prefect server answers" in gone.docmill("worker", at=empty).err
