"""A value that may be a field's, how good its case is, and the choice between several.

One reading far ahead of all others is handed in; rivals with another value make it ambiguous; a
weak case alone is no evidence. Values are never averaged, repaired or guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from docmill.documents.layout import Word
from docmill.documents.rows import union
from docmill.models.rules.reading import Reading
from docmill.spec.fields import Field

FIRM = 36
"""Points from which a reading without rivals is handed in."""
MARGIN = 7
"""A rival is a reading with another value at most this many points behind."""
_MOST = 6


@dataclass(frozen=True)
class Candidate:
    """One reading with its place and points."""

    reading: Reading
    page: int
    label: tuple[Word, ...]
    points: int
    whence: str
    """How it was found, for the reason of an ambiguous answer: `right of`, `below`, ..."""

    @property
    def key(self) -> str:
        """Equal for equal values."""
        return self.reading.key

    def claim(self, field: Field) -> dict[str, Any]:
        """The candidate as `submit_record` takes it; plain numbers have no unit."""
        claim: dict[str, Any] = {"value": self.reading.value}
        if self.reading.unit is not None and field.type in ("quantity", "range"):
            claim["unit"] = self.reading.unit
        claim["page"] = self.page
        claim["quote"] = " ".join(word.text for word in self.reading.words)
        claim["box"] = [round(edge, 2) for edge in union(self.reading.words)]
        if self.label:
            claim["label"] = " ".join(word.text for word in self.label)
        return claim


def decide(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates to hand in: one if it is beyond doubt, several if they rival, none if weak."""
    ranked = sorted(candidates, key=lambda candidate: -candidate.points)
    if not ranked or ranked[0].points < FIRM:
        return []
    best = ranked[0]
    chosen = [best]
    keys = {best.key}
    for candidate in ranked[1:]:
        if candidate.points < best.points - MARGIN or len(chosen) == _MOST:
            break
        if candidate.key not in keys:
            chosen.append(candidate)
            keys.add(candidate.key)
    return chosen


def answer(field: Field, chosen: Sequence[Candidate]) -> dict[str, Any] | None:
    """What `decide` chose as a field's value in the record."""
    if not chosen:
        return None
    if len(chosen) == 1:
        return chosen[0].claim(field)
    places = ", ".join(dict.fromkeys(f"page {candidate.page}" for candidate in chosen))
    return {
        "candidates": [candidate.claim(field) for candidate in chosen],
        "reason": f"{len(chosen)} different values stand by this label ({places})",
    }
