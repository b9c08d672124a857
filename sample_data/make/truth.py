"""Ground truth: what stands in a document, written down beside the code that draws it.

README.md of sample_data describes the format. Numbers are decimal strings: no digit is lost.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["ok", "flagged", "failed"]
Fact = dict[str, Any] | None

_MARKS = {  # locale → thousands separator, decimal mark
    "en": (",", "."),
    "plain": ("", "."),
    "de": (".", ","),
    "fr": (" ", ","),
    "it": (".", ","),
    "es": (".", ","),
    "nl": (".", ","),
    "sv": (" ", ","),
    "ch": ("'", "."),
    "comma": ("", ","),
}

_SPELLINGS = {
    "giri/min": "rpm",
    "ohm": "Ω",
    "MOhm": "MΩ",
    "Nm": "N·m",
    "N/mm²": "MPa",
    "Gew.-%": "%",
}


def number(value: str, locale: str = "plain") -> str:
    """A decimal string as people of `locale` print it: `4987.5` → `4.987,5`."""
    group, mark = _MARKS[locale]
    sign = "-" if value.startswith("-") else ""
    whole, _, rest = value.lstrip("-").partition(".")
    parts: list[str] = []
    while len(whole) > 3 and group:
        whole, last = whole[:-3], whole[-3:]
        parts.insert(0, last)
    return sign + group.join([whole, *parts]) + (mark + rest if rest else "")


@dataclass(frozen=True)
class M:
    """A measured value: decimal string and the unit as printed beside it."""

    value: str
    unit: str = ""

    def show(self, locale: str = "plain") -> str:
        """The number alone, as printed."""
        return number(self.value, locale)

    def full(self, locale: str = "plain", gap: str = " ") -> str:
        """Number and unit, as printed."""
        return self.show(locale) + (gap + self.unit if self.unit else "")

    def fact(self, locale: str = "plain", page: int = 1) -> dict[str, Any]:
        """The truth about it; the unit in its usual spelling."""
        unit = _SPELLINGS.get(self.unit, self.unit) or None
        return fact(self.value, unit, printed=self.show(locale), page=page)


def fact(
    value: Any, unit: str | None = None, *, printed: str | None = None, page: int = 1
) -> dict[str, Any]:
    """One value that stands in the document; `printed` is its text there, without the unit."""
    entry: dict[str, Any] = {"value": value}
    if unit:
        entry["unit"] = unit
    entry["printed"] = printed if printed is not None else str(value)
    entry["page"] = page
    return entry


def ambiguous(*facts: dict[str, Any]) -> dict[str, Any]:
    """Several values that could each be the field's."""
    return {"ambiguous": list(facts)}


@dataclass(frozen=True)
class Doc:
    """One file of a set: how it is made and what a correct reader makes of it."""

    name: str
    make: Callable[[Path], None]
    outcome: Outcome
    about: str
    """One sentence: what is special about it."""
    code: str = ""
    fields: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    lists: Mapping[str, Sequence[Mapping[str, Fact]]] = field(
        default_factory=dict[str, Sequence[Mapping[str, Fact]]]
    )
    verdicts: Mapping[str, str] = field(default_factory=dict[str, str])
    findable: Mapping[str, bool] = field(default_factory=dict[str, bool])
    duplicate_of: str = ""

    def truth(self) -> dict[str, Any]:
        """Its entry in truth.json."""
        entry: dict[str, Any] = {"about": self.about, "outcome": self.outcome}
        if self.code:
            entry["code"] = self.code
        if self.duplicate_of:
            entry["duplicate_of"] = self.duplicate_of
        for key in ("fields", "lists", "verdicts", "findable"):
            part = getattr(self, key)
            if part:
                entry[key] = part
        return entry


def write_set(folder: Path, docs: Sequence[Doc]) -> None:
    """Write the files and truth.json of one set."""
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    for doc in docs:
        doc.make(folder / "documents" / doc.name)
    truth = {"documents": {doc.name: doc.truth() for doc in sorted(docs, key=lambda d: d.name)}}
    text = json.dumps(truth, ensure_ascii=False, indent=1) + "\n"
    (folder / "truth.json").write_text(text, encoding="utf-8")
