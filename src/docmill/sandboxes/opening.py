"""From a backend's name to a backend that works on this machine, or a refusal that says why."""

from pathlib import Path

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import Probe, SandboxBackend
from docmill.sandboxes.bubblewrap import BubblewrapBackend

NAMES = ("auto", "bubblewrap", "docker")


def open_backend(name: str, *, cache: Path | None = None) -> SandboxBackend:
    """The backend of that name, tried once; `auto` is bubblewrap.

    Never another one than asked for, and never none: documents are not opened outside.

    Raises:
        PrerequisiteError: there is no such backend, or it doesn't work here; with the remedy.
    """
    if name == "docker":
        raise PrerequisiteError(
            "The Docker sandbox isn't part of this version of docmill.",
            remedy="Set backend: bubblewrap (or auto) in the environment",
        )
    if name not in NAMES:
        raise PrerequisiteError(
            f"There is no sandbox backend {name!r}.", remedy=f"Use one of: {', '.join(NAMES)}"
        )
    backend = BubblewrapBackend(cache)
    require(backend.probe())
    return backend


def require(probe: Probe) -> None:
    """Refuse if the trial start failed.

    Raises:
        PrerequisiteError: with the probe's cause and remedy.
    """
    if not probe.available:
        raise PrerequisiteError(f"No sandbox can be had: {probe.cause}", remedy=probe.remedy)


def require_limits(probe: Probe, environment: str) -> None:
    """Refuse if memory or pids of all processes of a sandbox together aren't limited.

    Raises:
        PrerequisiteError: with the command that mends it, and the way to do without.
    """
    loose = [e.limit for e in probe.enforced if not e.together and e.limit in ("memory", "pids")]
    if loose:
        cause = f" {probe.lack.cause}" if probe.lack else ""
        mend = f"{probe.lack.remedy}\n" if probe.lack else ""
        raise PrerequisiteError(
            f"A sandbox's {' and '.join(sorted(loose))} can't be limited here, only those of each "
            f"process in it, and a hostile document could take the machine's.{cause}",
            remedy=f"{mend}Or do without, for documents you trust: write strict: false under "
            f"docmill: limits: in sandbox/{environment}.yaml. See all: docmill doctor --sandbox",
        )
