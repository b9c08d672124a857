"""An example for each command, shown at the end of its `--help`."""

from collections.abc import Iterator
from typing import Any

import typer

EXAMPLES = {
    "init": ("docmill init demo",),
    "validate": ("docmill validate", "docmill validate --json"),
    "plan": ("docmill plan spec-check", "docmill plan spec-check -c agent=other-reader"),
    "run": ("docmill run spec-check", "docmill run spec-check -c limits.usd_per_run=2 -j 4"),
    "resume": ("docmill resume", "docmill resume run-0007 --limit usd=12"),
    "show": ("docmill show run-0007 TMI-57-0240.pdf", "docmill show latest TMI-57-0240"),
    "report": ("docmill report run-0007",),
    "approve": ("docmill approve", "docmill approve run-0007 TMI-57-0240.pdf --deny"),
    "notify": ("docmill notify run-0007",),
    "results": ("docmill results run-0007",),
    "export": ("docmill export run-0007 -o audit.zip --documents",),
    "verify": ("docmill verify audit.zip", "docmill verify audit.zip --head SEAL"),
    "deploy": ("docmill deploy spec-check --dry-run", "docmill deploy"),
    "worker": ("docmill worker", "docmill worker --limit 2"),
    "watch": ("docmill watch spec-check", "docmill watch spec-check --once"),
    "serve-stack": ("docmill serve-stack --workers 2", "docmill serve-stack --check"),
    "doctor": ("docmill doctor", "docmill doctor --sandbox"),
    "version": ("docmill version",),
    "schemas": ("docmill schemas",),
    "runs list": ("docmill runs list spec-check --limit 5",),
    "runs show": ("docmill runs show run-0007", "docmill runs show latest --json"),
    "runs prune": ("docmill runs prune --dry-run", "docmill runs prune --days 90 --newest 5"),
    "runs keep": ("docmill runs keep run-0007 --reason 'audit 2026'",),
    "runs release": ("docmill runs release run-0007",),
    "sandbox clean": ("docmill sandbox clean",),
    "sandbox build": ("docmill sandbox build",),
    "sandbox list": ("docmill sandbox list",),
    "sandbox prune": ("docmill sandbox prune",),
    "sandbox selfcheck": ("docmill sandbox selfcheck",),
    "prefect start": ("docmill prefect start",),
    "prefect stop": ("docmill prefect stop",),
    "prefect status": ("docmill prefect status",),
    "prefect secret": ("docmill prefect secret NAME",),
}
"""By the command's name; each line can be typed as it is in a workspace that has such a run."""


def attach(app: typer.Typer) -> None:
    """Give every command its examples as the last part of its help."""
    for name, command in _commands(app, ""):
        if lines := EXAMPLES.get(name):
            shown = "\n".join(f"  {line}" for line in lines)
            command.epilog = f"\b\nFor example:\n{shown}"


def _commands(app: typer.Typer, before: str) -> Iterator[tuple[str, Any]]:
    for command in app.registered_commands:
        assert command.callback is not None
        yield before + (command.name or command.callback.__name__.replace("_", "-")), command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from _commands(group.typer_instance, f"{before}{group.name} ")
