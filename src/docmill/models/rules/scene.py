"""What every search for a value looks at: the sheet, its table headers, where labels stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from docmill.models.rules.labels import EXACT, Hit
from docmill.models.rules.numeric import Context
from docmill.models.rules.roles import Header
from docmill.models.rules.sheet import Sheet, Spot


@dataclass(frozen=True)
class Scene:
    """Everything a search looks at."""

    sheet: Sheet
    headers: Mapping[int, Header]
    labels: Mapping[tuple[int, int], frozenset[str]]
    """Cells (row, cell) that are nothing but a label, with the fields they label."""

    starts: frozenset[tuple[int, int]] = frozenset()
    """Cells that begin with a label, whatever follows."""

    def begins_label(self, spot: Spot) -> bool:
        """Whether a cell begins with a label; then no value of another one stands there."""
        return (spot.row, spot.cell) in self.starts

    def is_label(self, spot: Spot) -> bool:
        """Whether a cell is nothing but a label."""
        return (spot.row, spot.cell) in self.labels

    def labels_of(self, spot: Spot) -> frozenset[str]:
        """Fields a cell is a label of."""
        return self.labels.get((spot.row, spot.cell), frozenset())

    def context(self, unit: str | None = None, bound: str | None = None) -> Context:
        """What is known about any cell of the document."""
        stated = (self.sheet.currency,) if self.sheet.currency else ()
        return Context(self.sheet.decimal, unit, bound, stated, self.sheet.day_first)


def label_starts(hits: Mapping[str, Sequence[Hit]]) -> frozenset[tuple[int, int]]:
    """Cells that begin with one of these labels."""
    return frozenset(
        (spot.row, spot.cell)
        for several in hits.values()
        for hit in several
        if hit.strength >= EXACT
        for spot in hit.spots
    )
