"""From a backend's name to a backend that works on this machine, or a refusal that says why."""

from collections.abc import Callable
from pathlib import Path

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import Probe, SandboxBackend
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.docker import DockerBackend
from docmill.sandboxes.docker.image import silent

NAMES = ("auto", "bubblewrap", "docker")


def open_backend(
    name: str, *, cache: Path | None = None, tell: Callable[[str], None] = silent
) -> SandboxBackend:
    """The backend of that name, tried once; `auto` is bubblewrap, also where Docker is at hand.

    Never another one than asked for, and never none: documents are not opened outside. `tell` is
    given a sentence before something is done that takes a while.

    Raises:
        PrerequisiteError: there is no such backend, or it doesn't work here; with the remedy.
    """
    if name not in NAMES:
        raise PrerequisiteError(
            f"There is no sandbox backend {name!r}.", remedy=f"Use one of: {', '.join(NAMES)}"
        )
    backend = DockerBackend(cache, tell=tell) if name == "docker" else BubblewrapBackend(cache)
    require(backend.probe())
    return backend


def require(probe: Probe) -> None:
    """Refuse if the trial start failed.

    Raises:
        PrerequisiteError: with the probe's cause and remedy.
    """
    if not probe.available:
        raise PrerequisiteError(f"No sandbox can be had: {probe.cause}", remedy=probe.remedy)


def loose_limits(probe: Probe) -> tuple[str, ...]:
    """Which of memory and pids aren't limited for all processes of a sandbox together."""
    named = {entry.limit for entry in probe.enforced if not entry.together}
    return tuple(limit for limit in ("memory", "pids") if limit in named)


def require_limits(probe: Probe, environment: str) -> None:
    """Refuse if memory or pids of all processes of a sandbox together aren't limited.

    Raises:
        PrerequisiteError: with the command that mends it, and the way to do without.
    """
    loose = loose_limits(probe)
    if loose:
        cause = f" {probe.lack.cause}" if probe.lack else ""
        mend = f"{probe.lack.remedy}\n" if probe.lack else ""
        raise PrerequisiteError(
            f"This machine can't limit {' and '.join(loose)} of a sandbox as a whole, only of each "
            f"process in it; a hostile document could use up the machine's.{cause}",
            remedy=f"{mend}Or go on without, for documents you trust: "
            f"write `strict: false` under docmill, limits in sandbox/{environment}.yaml. "
            "What is in force: docmill doctor --sandbox",
        )
