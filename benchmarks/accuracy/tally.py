"""Grades counted and printed: per field what was found, and every value that isn't right."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .grading import Grade
from .sets import Sample

_ROW = re.compile(r"\[\d+\]")


@dataclass
class Tally:
    """All grades of a set."""

    name: str
    by_field: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    lines: list[str] = field(default_factory=list[str])
    documents: int = 0
    seconds: float = 0.0
    total: Counter[str] = field(default_factory=Counter[str])
    wrong_verified: int = 0

    def add(self, sample: Sample, grades: list[Grade], *, note: str, seconds: float) -> None:
        """Count one document."""
        self.documents += 1
        self.seconds += seconds
        if note:
            self.lines.append(f"  {sample.path.name}: {note}")
        findable = sample.truth.get("findable", {})
        for grade in grades:
            name = _ROW.sub("", grade.path)
            hidden = findable.get(grade.path, findable.get(name, True)) is False
            kinds = self._kinds(grade, hidden=hidden)
            counted = self.by_field.setdefault(name, Counter())
            counted.update(kinds)
            self.total.update(kinds)
            if "wrong_verified" in kinds:
                self.wrong_verified += 1
            if grade.kind in ("wrong", "missed", "abstained") or "unproven" in kinds:
                self.lines.append(self._line(sample, grade, hidden=hidden))

    @staticmethod
    def _kinds(grade: Grade, *, hidden: bool) -> list[str]:
        kinds: list[str] = [grade.kind]
        if grade.expected != "-" and not hidden:
            kinds.append("findable")
            if grade.kind == "right" and (grade.verified or not grade.code):
                kinds.append("found")
        if grade.verified:
            kinds.append("verified")
            if grade.kind == "wrong":
                kinds.append("wrong_verified")
        elif grade.kind in ("right", "wrong") and grade.code:
            kinds.append("unproven")
        return kinds

    def _line(self, sample: Sample, grade: Grade, *, hidden: bool) -> str:
        kind = grade.kind.upper() if grade.kind == "wrong" and grade.verified else grade.kind
        proof = f" [{grade.code}]" if grade.code else ""
        note = " (not findable)" if hidden else ""
        return (
            f"  {kind:9} {sample.path.parent.name}/{sample.path.name} {grade.path}: "
            f"{grade.found!r} instead of {grade.expected!r}{proof}{note}"
        )

    def figures(self) -> dict[str, Any]:
        """Recall and precision in numbers."""
        total = self.total
        return {
            "documents": self.documents,
            "findable": total["findable"],
            "found": total["found"],
            "recall": _share(total["found"], total["findable"]),
            "verified": total["verified"],
            "wrong_verified": total["wrong_verified"],
            "wrong": total["wrong"],
            "abstained": total["abstained"],
            "missed": total["missed"],
            "unproven": total["unproven"],
            "seconds": round(self.seconds, 2),
        }

    def text(self) -> str:
        """The table of fields, then every value that isn't right."""
        figures = self.figures()
        head = (
            f"{self.name}: {figures['documents']} documents, recall {figures['recall']:.1%} "
            f"({figures['found']} of {figures['findable']}), verified {figures['verified']}, "
            f"wrong among them {figures['wrong_verified']}, wrong {figures['wrong']}, "
            f"abstained {figures['abstained']}, missed {figures['missed']}, "
            f"not proven {figures['unproven']}, {figures['seconds']} s"
        )
        columns = (
            "findable",
            "found",
            "verified",
            "wrong_verified",
            "wrong",
            "abstained",
            "missed",
        )
        rows = [f"  {'field':34}" + "".join(f"{name:>15}" for name in columns)]
        for name, counted in self.by_field.items():
            rows.append(f"  {name:34}" + "".join(f"{counted[column]:15}" for column in columns))
        return "\n".join([head, *rows, *self.lines])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
