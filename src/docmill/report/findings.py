"""Findings: what a reader of the report may have to act on, one line each, the gravest first.

A finding is a verdict, a value that isn't proven, a flag, or a document that didn't finish.
Nothing is judged here; the verdicts come from `checks`, the statuses from `output`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from docmill.records.checked import CheckedValue, Reading
from docmill.records.results import DocumentResult, Severity, Verdict
from docmill.report.display import value_text
from docmill.report.summary import UNFINISHED

FindingKind = Literal[
    "unfinished",
    "fail",
    "suspicious",
    "marginal",
    "ambiguous",
    "unverified",
    "missing",
    "not_comparable",
    "info",
    "pass",
]


class KindText(NamedTuple):
    """How a kind of finding is named and explained, and where all of its kind are listed."""

    title: str
    explanation: str
    table: str
    """`table:filter`, understood by the links of the HTML report."""


KINDS: dict[FindingKind, KindText] = {
    "unfinished": KindText(
        "Could not be finished",
        "No usable record came out of these documents.",
        "documents:" + ",".join(UNFINISHED),
    ),
    "fail": KindText("Failed", "A check says no.", "verdicts:fail"),
    "suspicious": KindText(
        "Suspicious",
        "The document hides text, speaks to the model that reads it, or contradicts itself.",
        "documents:flagged",
    ),
    "marginal": KindText(
        "Marginal", "Inside the limit, but closer to it than the guard band.", "verdicts:marginal"
    ),
    "ambiguous": KindText(
        "Ambiguous",
        "The document says different things; a person has to choose.",
        "values:ambiguous",
    ),
    "unverified": KindText(
        "Unverified",
        "Reported, but not proven by the page it is said to stand on.",
        "values:unverified",
    ),
    "missing": KindText("Missing", "Wanted, but not found in the document.", "values:missing"),
    "not_comparable": KindText(
        "Not comparable", "Unit or form doesn't fit the limit.", "verdicts:not_comparable"
    ),
    "info": KindText("For information", "Worth knowing; it holds nothing up.", "verdicts:fail"),
    "pass": KindText("Passed", "", "verdicts:pass"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line; `path` is empty where it is about the whole document."""

    kind: FindingKind
    path: str = ""
    found: str = ""
    limit: str = ""
    clause: str = ""
    check: str = ""
    severity: Severity = "critical"
    message: str = ""
    remedy: str = ""
    code: str = ""
    related: tuple[str, ...] = ()
    unnamed: int = 0
    candidates: tuple[Reading, ...] = ()
    page: int | None = None
    explained: bool = False
    """True if the value's own status already says why there is no pass or fail."""

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look at it."""
        return self.kind != "pass" and not self.explained


def findings(result: DocumentResult) -> Iterator[Finding]:
    """Every finding of one document: its failure, its verdicts, then its doubtful values."""
    if result.status in UNFINISHED:
        yield Finding(
            kind="unfinished",
            code=result.code or result.status,
            message=result.message,
            remedy=result.remedy,
        )
    for flag in result.flags:
        if flag.severity == "warning":
            yield Finding(
                kind="suspicious",
                code=flag.kind,
                severity="warning",
                message=flag.sentence,
                page=flag.page or None,
            )
    values = {value.path: value for value in result.record.values} if result.record else {}
    judged: dict[str, Verdict] = {}
    for verdict in result.verdicts:
        judged.setdefault(verdict.path, verdict)
        yield _from_verdict(verdict, values.get(verdict.path))
    for value in values.values():
        missing = value.status == "missing"
        if value.status == "verified" or (missing and not value.required):
            continue
        verdict = judged.get(value.path)
        if not (missing and verdict and verdict.verdict == "missing"):
            yield _from_value(value, verdict)


def value_page(value: CheckedValue | None) -> int | None:
    """Page of the first proof of a value."""
    readings = (value.reading, *value.candidates) if value else ()
    return next((r.evidence.page for r in readings if r and r.evidence), None)


def _from_verdict(verdict: Verdict, value: CheckedValue | None) -> Finding:
    absent = value is not None and value.status == "missing"
    undecided = verdict.verdict in ("missing", "not_comparable")
    return Finding(
        kind=verdict.shown_as,
        path=verdict.path,
        found=verdict.value or (value_text(value) if value and not absent else ""),
        limit=verdict.limit,
        clause=verdict.clause,
        check=verdict.check,
        severity=verdict.severity,
        message=value.reason or verdict.message if value and absent else verdict.message,
        related=verdict.related,
        unnamed=verdict.unnamed,
        page=value_page(value),
        explained=undecided and value is not None and value.status in ("ambiguous", "unverified"),
    )


def _from_value(value: CheckedValue, verdict: Verdict | None) -> Finding:
    status = value.status
    assert status != "verified"
    return Finding(
        kind=status,
        path=value.path,
        found=value_text(value) if status != "missing" else "",
        limit=verdict.limit if verdict else "",
        clause=verdict.clause if verdict else "",
        code=value.code,
        message=value.reason,
        candidates=value.candidates,
        page=value_page(value),
    )


class Placed(NamedTuple):
    """A finding and the document it is about."""

    document: str
    """`DocumentInfo.id`."""
    name: str
    finding: Finding


@dataclass(slots=True)
class Group:
    """All findings of one kind that need a person: how many, and the first few."""

    kind: FindingKind
    total: int
    first: list[Placed]

    @property
    def text(self) -> KindText:
        """Title and explanation."""
        return KINDS[self.kind]


class Attention:
    """Collects what needs a person; keeps at most `keep` findings of each kind."""

    def __init__(self, *, keep: int) -> None:
        self._keep = keep
        self._groups: dict[FindingKind, Group] = {kind: Group(kind, 0, []) for kind in KINDS}

    def add(self, result: DocumentResult) -> None:
        """Take in one document."""
        for finding in findings(result):
            if finding.needs_attention:
                group = self._groups[finding.kind]
                group.total += 1
                if len(group.first) < self._keep:
                    document = result.document
                    group.first.append(Placed(document.id, document.name, finding))

    @property
    def groups(self) -> list[Group]:
        """The kinds that occurred, the gravest first."""
        return [group for group in self._groups.values() if group.total]
