"""Guards against library versions that break Prefect's server, and against slow imports."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., Any]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_schedule_makes_runs_appear(
    ask: Ask, eventually: Callable[[Callable[[], Any]], Any]
) -> None:
    """A deployment with a cron schedule gets scheduled runs; on sqlalchemy 2.1 it never does."""
    flow = ask("/flows/", {"name": "scheduled"})
    deployment = ask(
        "/deployments/",
        {
            "name": "nightly",
            "flow_id": flow["id"],
            "schedules": [{"active": True, "schedule": {"cron": "0 2 * * *", "timezone": "UTC"}}],
        },
    )
    filters = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}}
    runs = eventually(lambda: ask("/flow_runs/filter", filters))
    assert {run["state_type"] for run in runs} == {"SCHEDULED"}
    assert all("T02:00:00" in run["expected_start_time"] for run in runs)


@pytest.mark.parametrize("module", ["server", "address", "job", "dealing", "launch"])
def test_only_the_runner_imports_prefect(module: str) -> None:
    """The command line asks for the server's status in milliseconds, not in seconds."""
    check = f"import sys, docmill.flow.{module}; sys.exit('prefect' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)
