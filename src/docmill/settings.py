"""The process's environment variables as one frozen object, read once at the edge.

The only module that reads `os.environ`, besides `cli` and the start-up of `flow`. What belongs to a
job stands in YAML; here is only what belongs to a machine, a terminal or a secret.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, cast, get_args

from docmill.errors import PrerequisiteError

Sandbox = Literal["auto", "bubblewrap", "docker"]

PREFIX = "DOCMILL_"
_KNOWN = {
    "DOCMILL_WORKSPACE": "folder of the workspace, instead of looking upward from here",
    "DOCMILL_DATABASE_URL": "PostgreSQL database of the store, instead of a file in the workspace",
    "DOCMILL_SANDBOX": "sandbox backend for environments that say `auto`",
    "DOCMILL_CONCURRENCY": "sessions at once for pipelines that don't say",
    "DOCMILL_PREFECT_IDLE_MINUTES": "how long the workspace's Prefect server waits before it ends",
    "DOCMILL_PREFECT_DATABASE_URL": "PostgreSQL database of that server, instead of a file",
    "DOCMILL_EGRESS_PRIVATE": "networks sandboxes may reach though not public, such as 10.1.0.0/16",
    "DOCMILL_WORKER_HOME": "folder of the workspaces that a worker has fetched, and of their state",
    "DOCMILL_DEBUG": "tracebacks instead of plain errors",
}
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; `repr` shows no value of a variable that could be a secret."""

    workspace: Path | None = None
    """DOCMILL_WORKSPACE"""
    sandbox: Sandbox = "auto"
    """DOCMILL_SANDBOX"""
    concurrency: int | None = None
    """DOCMILL_CONCURRENCY"""
    prefect_idle_minutes: float = 15.0
    """DOCMILL_PREFECT_IDLE_MINUTES"""
    egress_private: tuple[IPv4Network | IPv6Network, ...] = ()
    """DOCMILL_EGRESS_PRIVATE"""
    debug: bool = False
    """DOCMILL_DEBUG"""
    prefect_api_url: str | None = None
    """PREFECT_API_URL; None means the workspace's own server."""
    database_url: str | None = field(default=None, repr=False)
    """DOCMILL_DATABASE_URL, which may hold a password; None means a file in the workspace."""
    color: bool | None = None
    """False by NO_COLOR, True by FORCE_COLOR, None: ask the terminal."""
    unknown: tuple[str, ...] = ()
    """DOCMILL_* variables that mean nothing, for `doctor`."""
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def secret(self, name: str) -> str | None:
        """Value of a variable that a spec names (`api_key_env`, `password_env`); empty is None."""
        return self.environ.get(name) or None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environ`, by default the process's own.

    Raises:
        PrerequisiteError: a variable has a value that means nothing; the message names it.
    """
    given = dict(os.environ if environ is None else environ)
    workspace = given.get("DOCMILL_WORKSPACE")
    return Settings(
        workspace=Path(workspace).expanduser() if workspace else None,
        sandbox=_sandbox(given),
        concurrency=_concurrency(given),
        prefect_idle_minutes=_number(given, "DOCMILL_PREFECT_IDLE_MINUTES", 15.0),
        egress_private=_networks(given, "DOCMILL_EGRESS_PRIVATE"),
        debug=_flag(given, "DOCMILL_DEBUG"),
        prefect_api_url=given.get("PREFECT_API_URL") or None,
        database_url=given.get("DOCMILL_DATABASE_URL", "").strip() or None,
        color=_color(given),
        unknown=tuple(sorted(n for n in given if n.startswith(PREFIX) and n not in _KNOWN)),
        environ=given,
    )


def known_settings() -> Mapping[str, str]:
    """Every DOCMILL_* variable with what it means, for the documentation and `doctor`."""
    return dict(_KNOWN)


def _sandbox(environ: Mapping[str, str]) -> Sandbox:
    value = environ.get("DOCMILL_SANDBOX", "").strip().lower() or "auto"
    if value not in get_args(Sandbox):
        raise _refused("DOCMILL_SANDBOX", value, "one of " + ", ".join(get_args(Sandbox)))
    return cast("Sandbox", value)


def _concurrency(environ: Mapping[str, str]) -> int | None:
    text = environ.get("DOCMILL_CONCURRENCY", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise _refused("DOCMILL_CONCURRENCY", text, "a whole number from 1 to 1000")
    return int(text)


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise _refused(name, text, "a number of 0 or more")
    return value


def _networks(environ: Mapping[str, str], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks in CIDR form, separated by commas or spaces."""
    text = environ.get(name, "").strip()
    try:
        return tuple(ip_network(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise _refused(name, text, "networks such as 10.1.0.0/16, with commas between") from None


def _flag(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in _TRUE | _FALSE:
        raise _refused(name, text, "1 or 0")
    return text in _TRUE


def _color(environ: Mapping[str, str]) -> bool | None:
    # no-color.org: present and not empty, whatever the value
    if environ.get("NO_COLOR"):
        return False
    return True if environ.get("FORCE_COLOR") else None


def _refused(name: str, value: str, wanted: str) -> PrerequisiteError:
    return PrerequisiteError(
        f"The environment variable {name} must be {wanted}, but is `{value}`.",
        remedy=f"Mend it, or remove it: unset {name}",
    )
