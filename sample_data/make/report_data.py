"""What a technical test report says, apart from how it looks; the layouts draw it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from truth import Fact, M, fact


@dataclass(frozen=True)
class Report:
    """One test report; `values` are the fields of the pipeline `spec-check`."""

    number: str
    product: str
    serial: str
    date: str
    """ISO date."""
    shown_date: str
    """The same as printed."""
    result: str
    """`passed` or `failed`, as the laboratory saw it."""
    shown_result: str
    values: Mapping[str, M] = field(default_factory=dict[str, M])
    ambient: M | None = None
    operating: tuple[str, str, str] | None = None
    """Operating temperature: lower, upper, unit."""
    locale: str = "plain"

    def show(self, name: str) -> str:
        """Number and unit of a value as printed, or a dash."""
        value = self.values.get(name)
        return value.full(self.locale) if value else "—"

    def facts(self, pages: Mapping[str, int] | None = None) -> dict[str, Fact]:
        """The truth: every field of the report, by name; `pages` where not on page 1."""
        where = pages or {}
        facts: dict[str, Fact] = {
            "report_number": fact(self.number),
            "product": fact(self.product),
            "serial_number": fact(self.serial) if self.serial else None,
            "test_date": fact(self.date, printed=self.shown_date),
            "result": fact(self.result, printed=self.shown_result) if self.result else None,
        }
        for name, value in self.values.items():
            facts[name] = value.fact(self.locale)
        if self.ambient:
            facts["ambient_temperature"] = self.ambient.fact(self.locale)
        if self.operating:
            low, high, unit = self.operating
            facts["operating_temperature"] = fact(
                {"min": low, "max": high}, unit, printed=M(high).show(self.locale)
            )
        for name, entry in facts.items():
            if entry is not None and name in where:
                entry["page"] = where[name]
        return facts
