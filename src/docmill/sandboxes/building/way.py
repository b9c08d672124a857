"""The seam to whoever lets a package manager out: a broker, which `batch.downloads` opens.

`confined` makes the door inside and hands it over. Nothing here connects to anything.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from socket import socket
from typing import Protocol

from docmill.errors import PrerequisiteError
from docmill.managers.settings import ManagerSettings
from docmill.records.egress import Egress

_UNREACHED = frozenset(
    ("connect_failed", "name_not_found", "name_not_resolved", "certificate", "tls", "proxy_refused")
)
"""Reasons of the broker's for which nobody is at fault inside."""
_LEFT = frozenset(("broken_off", "session_ended"))


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be reached, as origins (`https://host:443`)."""

    settings: ManagerSettings
    origins: frozenset[str]
    """Of what this machine is configured to ask for packages."""
    named: Mapping[str, str] = field(default_factory=dict[str, str])
    """Origin of files → origin of the index whose pages link to them."""


class Way(Protocol):
    """The way out of one confinement."""

    @property
    def certificates(self) -> str:
        """Authorities in PEM that are to be trusted inside; empty: those that are anyway."""
        ...

    @property
    def decisions(self) -> Sequence[Egress]:
        """All that was asked for so far, and what came of it."""
        ...

    def serve(self, door: socket) -> AbstractContextManager[None]:
        """Within this, who connects to the door is let out as far as `Reach` says."""
        ...


@dataclass(frozen=True, slots=True)
class Supply:
    """Where packages come from on this machine, and the only way there."""

    environ: Mapping[str, str] = field(repr=False)
    """Variables that configure package managers."""
    open_way: Callable[[Reach], Way]


def needed(supply: Supply | None) -> Supply:
    """The supply of somebody who has to download.

    Raises:
        PrerequisiteError: there is none; a sandbox that starts downloads nothing.
    """
    if supply is None:
        raise PrerequisiteError(
            "The packages of the environment haven't been downloaded.",
            remedy="docmill sandbox build",
        )
    return supply


def explained(
    error: PrerequisiteError, decisions: Sequence[Egress], *, see: str
) -> PrerequisiteError:
    """A failed download's error with all that the broker decided; `see` shows what is configured.

    Package managers say of most of it no more than that they found nothing.
    """
    if not decisions:
        return error
    refused = list(dict.fromkeys(_place(one) for one in decisions if one.verdict == "refused"))
    if refused:
        return PrerequisiteError(
            f"A download from {', '.join(refused)} was refused: no page of a package this "
            f"environment names links there. {_told(decisions)}",
            remedy="If a package that another one needs has its files there, name it under "
            "packages too; if not, don't trust the one that asked",
        )
    answered = {_place(one) for one in decisions if one.verdict == "allowed"}
    silent = [one for one in decisions if one.reason in _UNREACHED and _place(one) not in answered]
    if silent:
        return PrerequisiteError(
            f"The package index can't be reached. {_told(decisions)}",
            remedy=f"See which is configured: {see}; or install packages beside docmill: "
            f"{sys.executable} -m pip install ...",
        )
    return PrerequisiteError(f"{error.message} {_told(decisions)}", remedy=error.remedy)


def _told(decisions: Sequence[Egress]) -> str:
    """Every decision, those for the same place together."""
    counted = Counter(f"{_place(one)} {_came_of(one)}" for one in decisions)
    parts = [f"{text} {times} times" if times > 1 else text for text, times in counted.items()]
    return f"Asked for: {'; '.join(parts)}."


def _came_of(decision: Egress) -> str:
    if decision.reason in _LEFT and decision.received:
        return "allowed"  # who has all that it wants leaves without a word
    return f"{decision.verdict} ({decision.reason})" if decision.reason else decision.verdict


def _place(decision: Egress) -> str:
    host = f"[{decision.host}]" if ":" in decision.host else decision.host
    return f"{host}:{decision.port}" if host else "no host"
