"""Documents in a few words: what a person has to look at, for a terminal and for Prefect's UI.

The findings are those of the report, in fewer words; `findings` makes them.
"""

from docmill.records.results import DocumentResult
from docmill.report.display import usd_text
from docmill.report.findings import KINDS, Finding, findings

GRAVITY = tuple(KINDS)
"""Kinds of findings, the gravest first."""
MOST_ROWS = 250
"""A table in Prefect's UI is for reading; the report has every row."""

LONGEST = 400
"""Characters of what needs attention in one row."""


def attention(result: DocumentResult) -> tuple[str, ...]:
    """What a person has to look at, the gravest first."""
    found = [entry for entry in findings(result) if entry.needs_attention]
    found.sort(key=lambda entry: GRAVITY.index(entry.kind))
    return tuple(gist(entry) for entry in found if entry.severity != "info")


def gist(finding: Finding) -> str:
    """A finding in a few words: `output_voltage 25.61 V, allowed 23.52 … 24.48 V`."""
    subject = f"{finding.path} {finding.found}".strip()
    match finding.kind:
        case "unfinished":
            return finding.message or finding.code
        case "fail" if finding.limit and finding.path:
            return f"{subject}, allowed {finding.limit}"
        case "marginal":
            return f"{subject}, close to {finding.limit}"
        case "ambiguous":
            return f"{subject}?"
        case "unverified":
            return f"{subject}, not proven"
        case "missing":
            return f"{finding.path} is missing" if finding.path else finding.message
        case "not_comparable" if finding.path:
            return f"{subject}, not comparable with {finding.limit}"
        case _:
            return finding.message or finding.check


class Brief:
    """Collects a run's documents as rows of a table: those that aren't ok first, `MOST_ROWS`."""

    def __init__(self) -> None:
        self._doubtful: list[dict[str, str]] = []
        self._fine: list[dict[str, str]] = []

    def add(self, result: DocumentResult) -> None:
        """Take in one document."""
        into = self._fine if result.status == "ok" else self._doubtful
        if len(into) < MOST_ROWS:
            into.append(_row(result))

    @property
    def rows(self) -> list[dict[str, str]]:
        """The table so far."""
        return [*self._doubtful, *self._fine][:MOST_ROWS]


def _row(result: DocumentResult) -> dict[str, str]:
    usage = result.usage
    return {
        "document": result.document.name,
        "status": result.status,
        "needs attention": "; ".join(attention(result))[:LONGEST],
        "model calls": str(usage.model_calls),
        "cost": usd_text(usage.usd, usage.unpriced_calls),
    }
