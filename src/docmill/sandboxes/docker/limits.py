"""A container's limits as its kernel tells them, and the refusal where one isn't in force.

The toolbox has read them from its cgroup before anything hostile was inside, so that they are known
of engines on other machines too. `form` has asked for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import Enforced, Lack, SandboxLimits

_REMEDY = (
    "Give the engine the cgroup controllers memory, pids and cpu: docker info names those it lacks "
    "(a rootless engine needs delegation: systemctl edit user@.service, Delegate=yes)"
)
_PAGES = 1 << 16
"""Bytes the kernel may round a limit by, as its pages are of that size at most."""


def read_back(told: Mapping[str, Any], limits: SandboxLimits) -> tuple[Enforced, ...]:
    """The limits in force; what the kernel doesn't know of is enforced by `nothing`."""
    by = f"cgroup v{told.get('cgroup', 2)}"
    return (
        _entry("memory", by, told.get("memory_max"), str(told.get("memory_max"))),
        _entry("pids", by, told.get("pids_max"), str(told.get("pids_max"))),
        _entry(
            "cpus", by, told.get("cpu_quota"), f"{told.get('cpu_quota')} / {told.get('cpu_period')}"
        ),
        Enforced("disk", "tmpfs size", str(told["disk"])),
        Enforced("seconds", "watchdog", f"{limits.seconds:g}"),
        Enforced("output", "toolbox", str(limits.output)),
    )


def _entry(limit: str, by: str, number: object, value: str) -> Enforced:
    if number is None:
        return Enforced(limit, "nothing", "", together=False)
    return Enforced(limit, by, value)


def require(told: Mapping[str, Any], limits: SandboxLimits) -> None:
    """Refuse a container that may use more than it was to be allowed.

    Raises:
        PrerequisiteError: naming the limits and how to get them in force.
    """
    loose = [name for name, (wanted, found) in _pairs(told, limits).items() if found > wanted]
    if loose:
        raise PrerequisiteError(_cause(loose), remedy=_REMEDY)


def lack(enforced: Iterable[Enforced]) -> Lack | None:
    """Which limits the engine can't keep, if there are any."""
    loose = tuple(entry.limit for entry in enforced if not entry.together)
    return Lack(loose, _cause(loose), _REMEDY) if loose else None


def _cause(loose: Sequence[str]) -> str:
    return (
        f"The Docker Engine was asked to limit {', '.join(loose)} of a container, and its kernel "
        "doesn't have that in force."
    )


def _pairs(told: Mapping[str, Any], limits: SandboxLimits) -> dict[str, tuple[float, float]]:
    """Limit → what was asked for and what is in force; infinite where nothing is."""
    none = float("inf")
    period = told.get("cpu_period") or 1
    pairs: dict[str, tuple[float, float]] = {"disk": (limits.disk + _PAGES, told.get("disk", none))}
    if limits.strict:
        pairs["cpus"] = (max(limits.cpus, 0.01) * 1.01, told.get("cpu_quota", none) / period)
        pairs["memory"] = (limits.memory + _PAGES, told.get("memory_max", none))
        pairs["pids"] = (limits.pids, told.get("pids_max", none))
    return pairs
