"""Sandboxes attacked: bubblewrap contains what it says, and what contains nothing is found out."""

from pathlib import Path

import pytest
from tests.selfcheck.attacked import contains, named
from tests.selfcheck.bare import BareBackend

from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.selfcheck import ROOMS, Verdict, check, chosen
from docmill.sandboxes.selfcheck.base import Room

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


@pytest.fixture(scope="module")
def backend() -> BubblewrapBackend:
    """Bubblewrap with every limit this machine has."""
    found = BubblewrapBackend()
    probe = found.probe()
    if not probe.available:
        pytest.skip(f"no sandbox on this machine: {probe.cause}")
    return found


@pytest.mark.timeout(120)
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
async def test_bubblewrap_contains_every_attack(
    backend: BubblewrapBackend, room: Room, tmp_path: Path
) -> None:
    """Each was proven to work without a sandbox first, where this machine lets it."""
    await contains(backend, room, tmp_path)


@pytest.mark.timeout(120)
async def test_what_gets_through_without_cgroups_is_told(tmp_path: Path) -> None:
    """The check finds it, and the page says what it gives an attacker."""
    backend = BubblewrapBackend(use_cgroups=False)
    if not backend.probe().available:
        pytest.skip("no sandbox on this machine")
    results = await check(backend, chosen("resources"), workspace=tmp_path)
    loose = named(results, Verdict.NOT_CONTAINED)
    assert {"memory-of-many", "memory-files"} <= set(loose)
    _, _, told = PAGE.read_text(encoding="utf-8").partition("## What is not contained")
    told, _, _ = told.partition("\n## ")
    assert [name for name in loose if f"`{name}`" not in told] == []


@pytest.mark.parametrize(
    "name",
    [
        *("host-files", "proc-root", "process-environment", "process-arguments", "kill-outside"),
        *("loopback-tcp", "abstract-socket", "unix-socket", "vsock", "daemon", "fork-bomb"),
        *("keyring", "user-namespace", "link-output", "output-path", "input-path"),
    ],
)
async def test_a_sandbox_that_is_none_is_found_out(name: str, tmp_path: Path) -> None:
    """The check can fail: on a backend that runs commands on the host these attacks get through."""
    (result,) = await check(BareBackend(), chosen(name), workspace=tmp_path)
    assert result.verdict is Verdict.NOT_CONTAINED, result.evidence


async def test_attacks_on_the_broker_need_one(backend: BubblewrapBackend, tmp_path: Path) -> None:
    """Without somebody at the door nothing can be said about it."""
    (result,) = await check(backend, chosen("rebinding"), workspace=tmp_path)
    assert (result.verdict, result.evidence) == (Verdict.UNJUDGED, "nobody has brought a broker")
