"""What tests expect of a backend whose sandboxes are attacked."""

import os
from collections.abc import Iterable
from pathlib import Path

from docmill.cli.gatekeeping import BrokerGate
from docmill.sandboxes.base import SandboxBackend
from docmill.sandboxes.selfcheck import Result, Verdict, check
from docmill.sandboxes.selfcheck.base import Room

NOT_EVERYWHERE = {
    *("kernel-modules", "kexec", "input-output-ports", "raise-limits", "immune-to-oom"),
    *("loopback-ipv6", "host-address", "interfaces", "processor-bomb", "other-call-tables"),
}
"""Attacks that a kernel, a machine without network, root without all rights or a load refuses."""


async def contains(backend: SandboxBackend, room: Room, workspace: Path) -> None:
    """Every attack of a room is contained, and was proven to work where this machine lets it."""
    results = await check(backend, [room], workspace=workspace, gatekeeper=BrokerGate())
    assert [result.attack for result in results] == list(room.attacks)
    assert named(results, Verdict.NOT_CONTAINED) == {}
    if os.geteuid() == 0:
        open_ones = named(results, Verdict.UNJUDGED)
        assert set(open_ones) <= NOT_EVERYWHERE, open_ones


def named(results: Iterable[Result], verdict: Verdict) -> dict[str, str]:
    """Attacks of this verdict, with what was seen."""
    return {each.attack.name: each.evidence for each in results if each.verdict is verdict}
