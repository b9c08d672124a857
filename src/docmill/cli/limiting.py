"""`docmill doctor --sandbox`: which limits hold for a sandbox, and what mends the rest.

Neighbours: `sandboxes.machine` reads the switches, the probe's trial start tells the limits.
"""

import sys
from dataclasses import asdict

from docmill.cli.console import put, put_json
from docmill.cli.doctoring import probed
from docmill.cli.tables import put_table
from docmill.errors import EXIT_PREREQUISITE, PrerequisiteError
from docmill.sandboxes.base import Enforced, Probe
from docmill.sandboxes.delegation import here, obtain_places
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.machine import Fact, facts
from docmill.sandboxes.opening import loose_limits
from docmill.sandboxes.programs import find_bubblewrap
from docmill.settings import load_settings


def doctor_sandbox(*, json: bool) -> None:
    """Look at the sandbox only; exits with 3 if none can be had, or none with strict limits."""
    probe = probed(load_settings().sandbox)
    around = here()
    found = list(facts(around, obtain_places(around), _program()))
    if json:
        put_json(
            {
                "available": probe.available,
                "cause": probe.cause,
                "remedy": probe.remedy,
                "strict": probe.available and not loose_limits(probe),
                "enforced": [asdict(entry) for entry in probe.enforced],
                "lack": asdict(probe.lack) if probe.lack else None,
                "machine": [fact._asdict() for fact in found],
            }
        )
    else:
        _print(probe, found)
    if not probe.available or loose_limits(probe):
        sys.exit(EXIT_PREREQUISITE)


def _program() -> str:
    try:
        return find_bubblewrap(LayerStore(default_cache())).path
    except PrerequisiteError:
        return ""


def _print(probe: Probe, found: list[Fact]) -> None:
    if probe.available:
        put(f"✓ {probe.backend} {probe.version} starts a sandbox in {probe.seconds * 1000:.0f} ms")
        put("\nLimits of a trial sandbox, as read back:")
        put_table(
            ["", "limit", "kept by", "value", "for"],
            [
                [_glyph(entry), entry.limit, entry.by, entry.value, _reach(entry)]
                for entry in sorted(probe.enforced, key=lambda entry: entry.limit)
            ],
        )
    else:
        put(f"✗ No sandbox can be had: {probe.cause}\n{probe.remedy}")
    put("\nWhat the machine says:")
    rows = [["✓" if fact.good else "–", fact.subject, fact.found] for fact in found]
    put_table(["", "", ""], rows)
    for fact in found:
        if fact.remedy:
            put(f"\n{fact.subject}:\n{fact.remedy}")
    if probe.lack:
        put(f"\n{', '.join(probe.lack.limits)}: {probe.lack.cause}\n{probe.lack.remedy}")
    if loose_limits(probe):
        put("\nRuns are refused, but where the environment's limits say `strict: false`.")


def _glyph(entry: Enforced) -> str:
    return "✓" if entry.together else "✗"


def _reach(entry: Enforced) -> str:
    if entry.together:
        return "the whole sandbox"
    return "" if entry.by == "nothing" else "each process"
