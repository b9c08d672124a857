"""Sandboxes attacked: bubblewrap contains what it says, and what contains nothing is found out."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.selfcheck.bare import BareBackend

from docmill.cli.gatekeeping import BrokerGate
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.selfcheck import ROOMS, Result, Verdict, check, chosen
from docmill.sandboxes.selfcheck.base import Room

NOT_EVERYWHERE = {
    *("kernel-modules", "kexec", "input-output-ports", "raise-limits", "immune-to-oom"),
    *("loopback-ipv6", "host-address", "interfaces", "processor-bomb", "other-call-tables"),
}
"""Attacks that a kernel, a machine without network, root without all rights or a load refuses."""


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
    results = await check(backend, [room], workspace=tmp_path, gatekeeper=BrokerGate())
    assert [result.attack for result in results] == list(room.attacks)
    assert named(results, Verdict.NOT_CONTAINED) == {}
    if os.geteuid() == 0:
        open_ones = named(results, Verdict.UNJUDGED)
        assert set(open_ones) <= NOT_EVERYWHERE, open_ones


def named(results: Iterable[Result], verdict: Verdict) -> dict[str, str]:
    """Attacks of this verdict, with what was seen."""
    return {each.attack.name: each.evidence for each in results if each.verdict is verdict}


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
