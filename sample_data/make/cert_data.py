"""What a mill certificate says, apart from how it looks; the layouts draw it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from truth import Fact, M, ambiguous, fact, number

ELEMENTS = ("c", "si", "mn", "p", "s", "n", "al", "cu", "cr", "mo", "ni", "cev")


@dataclass(frozen=True)
class Heat:
    """A ladle analysis: heat number and percentages by mass, as decimal strings."""

    number: str
    analysis: Mapping[str, str]

    def cells(self, elements: Sequence[str], locale: str) -> list[str]:
        """The percentages as printed, in the order of `elements`."""
        return [number(self.analysis[e], locale) if e in self.analysis else "-" for e in elements]

    def facts(self, locale: str, page: int = 1) -> dict[str, Fact]:
        """The row of `heat_analysis`."""
        row: dict[str, Fact] = {"heat": fact(self.number, page=page)}
        for element, value in self.analysis.items():
            row[element] = fact(value, "%", printed=number(value, locale), page=page)
        return row


@dataclass(frozen=True)
class Certificate:
    """One inspection certificate after EN 10204."""

    number: str
    kind: str
    """`3.1` or `2.2`."""
    shown_kind: str
    order: str
    product: str
    grade: str
    """Key of the limits: `S355J2`."""
    shown_grade: str
    thickness: M
    heats: Sequence[Heat]
    date: str
    shown_date: str
    mechanical: Mapping[str, M] = field(default_factory=dict[str, M])
    """yield_strength, tensile_strength, elongation, impact_energy, impact_temperature."""
    second: Mapping[str, M] = field(default_factory=dict[str, M])
    """Values of a second test piece, where they differ."""
    singles: Sequence[str] = ()
    """Impact energies of the three test pieces, as decimal strings."""
    locale: str = "plain"

    def show(self, name: str) -> str:
        """Number and unit of a mechanical value as printed, or a dash."""
        value = self.mechanical.get(name)
        return value.full(self.locale) if value else "-"

    def bare(self, name: str) -> str:
        """The number alone as printed, or a dash."""
        value = self.mechanical.get(name)
        return value.show(self.locale) if value else "-"

    def facts(self, pages: Mapping[str, int] | None = None) -> dict[str, Fact]:
        """The truth about the fields outside of lists; `pages` where not on page 1."""
        facts: dict[str, Fact] = {
            "certificate_number": fact(self.number),
            "inspection_document": fact(self.kind, printed=self.shown_kind),
            "purchase_order": fact(self.order),
            "product": fact(self.product),
            "steel_grade": fact(self.grade, printed=self.shown_grade),
            "thickness": self.thickness.fact(self.locale),
            "issue_date": fact(self.date, printed=self.shown_date),
        }
        for name, value in self.mechanical.items():
            entry = value.fact(self.locale)
            other = self.second.get(name)
            facts[name] = ambiguous(entry, other.fact(self.locale)) if other else entry
        for name, page in (pages or {}).items():
            entry: dict[str, Any] | None = facts.get(name)
            if entry and "page" in entry:
                entry["page"] = page
        return facts

    def lists(self) -> dict[str, list[dict[str, Fact]]]:
        """The truth about the list `heat_analysis`, for certificates of one page."""
        return {"heat_analysis": [heat.facts(self.locale) for heat in self.heats]}
