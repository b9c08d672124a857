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
