"""Runs that are killed with SIGKILL at every kind of moment come to the same report and ledger.

A small share of what `python -m benchmarks.crash` does.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.crash.harness import Laboratory  # noqa: E402
from benchmarks.crash.moments import MOMENTS  # noqa: E402

KILLS = 3
"""Per moment; 15 in all."""


@pytest.fixture(scope="module")
def laboratory(
    tmp_path_factory: pytest.TempPathFactory, prefect_folder: Path
) -> Iterator[Laboratory]:
    """A run that nobody disturbed, to compare with."""
    root = tmp_path_factory.mktemp("crash") / "workspace"
    with Laboratory(
        root, documents=5, turns=4, latency=0.05, prefect=prefect_folder, expectations=False
    ) as laboratory:
        yield laboratory


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_comes_to_the_same_report(laboratory: Laboratory, moment: str) -> None:
    """No answer is paid twice but those under way at a kill; the ledger is the server's count."""
    chance = random.Random(moment)
    kills = 0
    while kills < KILLS:
        scenario = laboratory.disturb(chance, kills=KILLS - kills, moments=[moment])
        assert not scenario.differences
        kills += scenario.kills.total()
