"""Runs attacks against a backend, each with its control, and judges them.

Controls run on the host against bait of their own; attacks that don't spoil a sandbox share one.
Prints nothing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from docmill.errors import SandboxError, ToolError
from docmill.sandboxes.base import SandboxBackend, SandboxSpec
from docmill.sandboxes.selfcheck.bait import Bait, lay
from docmill.sandboxes.selfcheck.base import (
    LIMITS,
    Attack,
    Outcome,
    Result,
    Room,
    Stage,
    judge,
)
from docmill.sandboxes.selfcheck.gate import Gatekeeper

AT_ONCE = 3
"""Controls, and sandboxes, at a time."""


async def check(
    backend: SandboxBackend,
    rooms: Sequence[Room],
    *,
    workspace: Path,
    gatekeeper: Gatekeeper | None = None,
) -> tuple[Result, ...]:
    """Run every attack of these rooms and its control; results in the rooms' order.

    `workspace`: a folder of the user's; bait is laid there too, and removed. Without `gatekeeper`
    attacks on the broker can't be judged.

    Raises:
        PrerequisiteError: no sandbox can be had here.
    """
    attacks = [attack for room in rooms for attack in room.attacks]
    async with lay(workspace) as bait, lay(workspace) as other:
        outside, inside = await asyncio.gather(
            _controls(attacks, bait),
            _attacks(attacks, Stage(backend, other, gatekeeper=gatekeeper)),
        )
    return tuple(
        judge(attack, room.name, inside=inside[attack.name], outside=outside[attack.name])
        for room in rooms
        for attack in room.attacks
    )


async def _controls(attacks: Iterable[Attack], bait: Bait) -> dict[str, Outcome]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(attack: Attack) -> tuple[str, Outcome]:
        async with slots:
            return attack.name, await attack.outside(bait)

    return dict(await asyncio.gather(*map(one, attacks)))


async def _attacks(attacks: Sequence[Attack], stage: Stage) -> dict[str, Outcome]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(attack: Attack) -> dict[str, Outcome]:
        async with slots:
            return {attack.name: await _alone(attack, stage)}

    async def together() -> dict[str, Outcome]:
        async with slots:
            return await _shared([each for each in attacks if not each.alone], stage)

    lonely = [one(attack) for attack in attacks if attack.alone]
    found: dict[str, Outcome] = {}
    for outcomes in await asyncio.gather(together(), *lonely):
        found |= outcomes
    return found


async def _alone(attack: Attack, stage: Stage) -> Outcome:
    try:
        return await attack.inside(stage)
    except (SandboxError, ToolError) as error:
        return Outcome(None, f"the attack was cut short: {error.message}")


async def _shared(attacks: Sequence[Attack], stage: Stage) -> dict[str, Outcome]:
    """One after another in one sandbox; what ends it leaves the next a fresh one."""
    found: dict[str, Outcome] = {}
    while len(found) < len(attacks):
        async with stage.backend.open(SandboxSpec(LIMITS)) as sandbox:
            inner = Stage(stage.backend, stage.bait, sandbox)
            for attack in attacks[len(found) :]:
                try:
                    found[attack.name] = await attack.inside(inner)
                except ToolError as error:
                    found[attack.name] = Outcome(None, f"the attack failed: {error.message}")
                except SandboxError as error:
                    found[attack.name] = Outcome(None, f"it ended the sandbox: {error.message}")
                    break
    return found
