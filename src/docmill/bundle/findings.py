"""What verifying a bundle came to: checks with the number of cells, and each that differs."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

KEPT = 100
"""Differences of one check that are kept; the others are counted."""
MAX_TEXT = 120


class Difference(NamedTuple):
    """A cell that isn't what it should be."""

    place: str
    found: str
    """What the bundle says."""
    wanted: str
    """What it ought to be, derived again."""

    def __str__(self) -> str:
        return f"{self.place}: {_short(self.found)} should be {_short(self.wanted)}"


@dataclass(slots=True)
class Check:
    """One thing that was checked."""

    name: str
    about: str
    cells: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])

    def compare(self, place: str, found: object, wanted: object) -> bool:
        """Count a cell; whether it is what it should be."""
        self.cells += 1
        if found == wanted:
            return True
        self.wrong(place, found, wanted)
        return False

    def wrong(self, place: str, found: object, wanted: object) -> None:
        """Note a cell that differs and was counted already."""
        self.differing += 1
        if len(self.differences) < KEPT:
            self.differences.append(Difference(place, str(found), str(wanted)))


@dataclass(slots=True)
class Verification:
    """All that was checked in a bundle."""

    run: str
    pipeline: str
    head: str
    checks: list[Check] = field(default_factory=list[Check])
    unproven: list[str] = field(default_factory=list[str])
    """What could not be checked, and why; one sentence each."""

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not any(check.differing for check in self.checks)

    def check(self, name: str, about: str) -> Check:
        """A new check, in the order of the table."""
        made = Check(name, about)
        self.checks.append(made)
        return made

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "ok": self.ok,
            "run": self.run,
            "pipeline": self.pipeline,
            "head": self.head,
            "checks": [
                {
                    "name": check.name,
                    "about": check.about,
                    "cells": check.cells,
                    "differing": check.differing,
                    "differences": [one._asdict() for one in check.differences],
                }
                for check in self.checks
            ],
            "unproven": self.unproven,
        }


def _short(text: str) -> str:
    return repr(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…")
