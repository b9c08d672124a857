"""`docmill sandbox selfcheck`: the table of attacks and what became of them."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from docmill.cli.console import put, put_json, talk
from docmill.cli.gatekeeping import BrokerGate
from docmill.cli.tables import put_table
from docmill.errors import EXIT_UNFINISHED
from docmill.report.display import count
from docmill.sandboxes import open_backend
from docmill.sandboxes.selfcheck import Result, Verdict, check, chosen
from docmill.settings import load_settings

_GLYPHS = {Verdict.CONTAINED: "✓", Verdict.NOT_CONTAINED: "✗", Verdict.UNJUDGED: "–"}


def selfcheck(backend: str | None, only: str | None, *, workspace: Path, json: bool) -> None:
    """Run the attacks; exits with 1 if one isn't contained."""
    rooms = chosen(only)
    opened = open_backend(backend or load_settings().sandbox)
    probe = opened.probe()
    number = sum(len(room.attacks) for room in rooms)
    talk(f"{count(number, 'attack')} on {probe.backend} {probe.version}, each with its control …")
    begin = time.monotonic()
    results = asyncio.run(check(opened, rooms, workspace=workspace, gatekeeper=BrokerGate()))
    seconds = time.monotonic() - begin
    if json:
        put_json(
            {
                "backend": probe.backend,
                "version": probe.version,
                "seconds": round(seconds, 2),
                "attacks": [_described(result) for result in results],
            }
        )
    else:
        _print(results, seconds)
    if any(result.verdict is Verdict.NOT_CONTAINED for result in results):
        sys.exit(EXIT_UNFINISHED)


def _described(result: Result) -> dict[str, str]:
    attack = result.attack
    return {
        "name": attack.name,
        "room": result.room,
        "tries": attack.tries,
        "verdict": str(result.verdict),
        "evidence": result.evidence,
        "control": result.control,
        "held_by": attack.held_by,
        "gives": attack.gives,
    }


def _print(results: Sequence[Result], seconds: float) -> None:
    put_table(
        ["", "room", "attack", "verdict", "evidence"],
        [
            [_GLYPHS[each.verdict], each.room, each.attack.name, str(each.verdict), each.evidence]
            for each in results
        ],
    )
    for each in results:
        if each.verdict is Verdict.NOT_CONTAINED:
            put(f"\n{each.attack.name}: {each.attack.tries} It gives: {each.attack.gives}")
    counts = Counter(result.verdict for result in results)
    told = " · ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    put(f"\n{told}  ({seconds:.1f} s)")
    put("What each attack is and what holds it: docs/security.md")
