"""Limits of a container as its toolbox has read them, and the refusal where one is missing."""

from dataclasses import replace

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import SandboxLimits
from docmill.sandboxes.docker import limits

ASKED = SandboxLimits(
    memory=1 << 28, cpus=1.5, pids=48, disk=1 << 25, seconds=60, output=9999, strict=True
)
TOLD = {
    "cgroup": 2,
    "memory_max": 1 << 28,
    "pids_max": 48,
    "cpu_quota": 150_000,
    "cpu_period": 100_000,
    "disk": 1 << 25,
}


def without(name: str) -> dict[str, int]:
    """What a kernel without this limit tells."""
    return {key: value for key, value in TOLD.items() if not key.startswith(name)}


def test_limits_in_force_are_told_with_what_keeps_them() -> None:
    """As the kernel has them, not as they were asked for."""
    limits.require(TOLD, ASKED)
    found = {entry.limit: (entry.by, entry.value) for entry in limits.read_back(TOLD, ASKED)}
    assert found == {
        "memory": ("cgroup v2", str(1 << 28)),
        "pids": ("cgroup v2", "48"),
        "cpus": ("cgroup v2", "150000 / 100000"),
        "disk": ("tmpfs size", str(1 << 25)),
        "seconds": ("watchdog", "60"),
        "output": ("toolbox", "9999"),
    }


@pytest.mark.parametrize("name", ["memory", "pids", "cpu"])
def test_a_limit_the_kernel_does_not_know_is_a_refusal(name: str) -> None:
    """An engine without that controller only warns, and starts the container all the same."""
    with pytest.raises(PrerequisiteError, match=name) as caught:
        limits.require(without(name), ASKED)
    assert "controllers" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value"), [("memory_max", 1 << 30), ("pids_max", 49), ("disk", 1 << 30)]
)
def test_a_looser_limit_is_a_refusal(name: str, value: int) -> None:
    """More than asked for isn't what was asked for."""
    with pytest.raises(PrerequisiteError, match=name.partition("_")[0]):
        limits.require({**TOLD, name: value}, ASKED)


def test_who_asks_for_it_may_do_without_memory_and_pids() -> None:
    """`strict: false`; they are told as kept by nothing, with what would mend it."""
    told = {key: TOLD[key] for key in ("cgroup", "cpu_quota", "cpu_period", "disk")}
    limits.require(told, replace(ASKED, strict=False))
    lack = limits.lack(limits.read_back(told, ASKED))
    assert lack
    assert lack.limits == ("memory", "pids")
    assert limits.lack(limits.read_back(TOLD, ASKED)) is None
