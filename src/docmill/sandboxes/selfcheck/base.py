"""What an attack is, what one run of it shows, and what both of its runs together prove.

Rooms hold attacks; `judging` runs them; `bait` lays out what they try to reach. An attack knows
sandboxes by the protocol of `sandboxes.base` only, so every backend is judged by the same list.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from docmill.sandboxes.base import Sandbox, SandboxBackend, SandboxLimits, SandboxSpec
from docmill.sandboxes.selfcheck.bait import Bait
from docmill.sandboxes.selfcheck.gate import Gatekeeper

MIB = 1024 * 1024
LIMITS = SandboxLimits(
    memory=128 * MIB, cpus=1.0, pids=48, disk=32 * MIB, seconds=120, output=20_000
)
"""Of the sandboxes attacked; small, so that reaching them takes little."""


class Verdict(StrEnum):
    """What an attack's two runs together prove."""

    CONTAINED = "contained"
    NOT_CONTAINED = "not contained"
    UNJUDGED = "could not judge"


class Outcome(NamedTuple):
    """What one run showed; `reached` is None where it showed nothing."""

    reached: bool | None
    evidence: str
    """One line: what was seen."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where an attack runs inside: a shared sandbox, or a way to open one of its own."""

    backend: SandboxBackend
    bait: Bait
    shared: Sandbox | None = None
    gatekeeper: Gatekeeper | None = None
    """Who brings the broker that stands at a sandbox's door."""

    @property
    def sandbox(self) -> Sandbox:
        """The shared sandbox; only attacks that aren't `alone` have it."""
        assert self.shared is not None
        return self.shared

    def open(
        self, limits: SandboxLimits = LIMITS, *, door: bool = False
    ) -> AbstractAsyncContextManager[Sandbox]:
        """A sandbox of the attack's own."""
        return self.backend.open(SandboxSpec(limits, door=door))


@dataclass(frozen=True, slots=True)
class Attack:
    """One way out, or one way to take more than was given."""

    name: str
    tries: str
    """What it does, one sentence."""
    held_by: str
    """What keeps it from working."""
    gives: str
    """What an attacker would have if it worked."""
    inside: Callable[[Stage], Awaitable[Outcome]]
    """Run it in a sandbox.

    Raises:
        SandboxError: it ended the sandbox.
    """
    outside: Callable[[Bait], Awaitable[Outcome]]
    """The control: the same without a sandbox, against bait, so that nothing is harmed."""
    alone: bool = False
    """Whether it gets a sandbox of its own, because it spoils it or looks at its end."""


class Room(NamedTuple):
    """Attacks of one kind."""

    name: str
    attacks: tuple[Attack, ...]


class Result(NamedTuple):
    """An attack judged."""

    attack: Attack
    room: str
    verdict: Verdict
    evidence: str
    """What was seen inside; where nothing can be said, why not."""
    control: str
    """What was seen without a sandbox."""


def judge(attack: Attack, room: str, *, inside: Outcome, outside: Outcome) -> Result:
    """A refusal proves something only where the same attack works without a sandbox."""
    evidence = inside.evidence
    if inside.reached:
        verdict = Verdict.NOT_CONTAINED
    elif inside.reached is None:
        verdict = Verdict.UNJUDGED
    elif outside.reached:
        verdict = Verdict.CONTAINED
    else:
        verdict = Verdict.UNJUDGED
        evidence = f"{evidence}; but here without a sandbox, too: {outside.evidence}"
    return Result(attack, room, verdict, evidence, outside.evidence)
