"""A run's documents as a table: how each ended, its checks, what needs a person.

`run` ends with it and `runs show` prints it. The findings are those of the report, in fewer words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docmill.cli.console import put
from docmill.cli.tables import put_table
from docmill.records.forecast import Forecast
from docmill.records.results import DocumentResult, DocumentStatus
from docmill.report.brief import attention
from docmill.report.costs import call_facts, forecast_text
from docmill.report.display import count, duration_text, usd_text
from docmill.report.summary import UNFINISHED, Summary

GLYPHS: dict[DocumentStatus, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "flagged": ("⚑", "yellow"),
    "invalid": ("✗", "red"),
    "failed": ("✗", "red"),
    "limit": ("■", "magenta"),
    "cancelled": ("–", "dim"),
}
SHOWN_WHOLE = 40
"""Of more documents than this only those that aren't ok are listed."""
MAX_ROWS = 200


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """One document in a few words."""

    id: str
    name: str
    status: DocumentStatus
    cached: bool
    checks_passed: int
    checks: int
    attention: tuple[str, ...]
    """What a person has to look at, the gravest first."""
    code: str
    attempts: int
    model_calls: int
    cost: str


def document_row(result: DocumentResult) -> DocumentRow:
    """A document's row; remarks (severity `info`) count neither as checks nor as findings."""
    judged = [verdict for verdict in result.verdicts if verdict.severity != "info"]
    return DocumentRow(
        id=result.document.id,
        name=result.document.name,
        status=result.status,
        cached=result.cached,
        checks_passed=sum(verdict.verdict == "pass" for verdict in judged),
        checks=len(judged),
        attention=attention(result),
        code=result.code,
        attempts=result.attempts,
        model_calls=result.usage.model_calls,
        cost=usd_text(result.usage.usd, result.usage.unpriced_calls),
    )


def put_documents(results: Iterable[DocumentResult], total: int) -> None:
    """The table; of many documents only those that aren't ok, with a count of the rest."""
    shown: list[DocumentRow] = []
    listed = 0
    for result in results:
        if total <= SHOWN_WHOLE or result.status != "ok":
            listed += 1
            if listed <= MAX_ROWS:
                shown.append(document_row(result))
    if shown:
        put_table(
            ["document", "status", "checks", "needs attention"],
            [[row.name, row.status, _checks(row), _attention(row)] for row in shown],
        )
        put()
    if listed > len(shown):
        put(f"{count(listed - len(shown), 'more document')} like these: see the report.")
    if total > listed:
        put(f"{count(total - listed, 'document')} ok.")


def put_tallies(summary: Summary, forecast: Forecast | None = None) -> None:
    """Counts by status and verdict, what it cost, what it was expected to, a line each."""
    documents = [
        f"{GLYPHS[status][0]} {number:,} {status}"
        for status, number in summary.by_status.items()
        if number
    ]
    usage = summary.usage
    cost = [
        usd_text(usage.usd, usage.unpriced_calls),
        count(usage.model_calls, "model call"),
        count(usage.prompt_tokens + usage.output_tokens, "token"),
        *call_facts(usage, summary.costs),
    ]
    if usage.usd and summary.costs.usd_per_document is not None:
        cost.append(f"{usd_text(summary.costs.usd_per_document)} a document")
    if summary.seconds is not None:
        cost.append(duration_text(summary.seconds))
    asked = summary.values | {"missing": summary.values["missing"] - summary.optional_missing}
    rows = [
        ("documents", documents),
        ("values", _counted(asked.items())),
        ("checks", _counted(summary.verdicts.items())),
        ("cost", cost),
    ]
    if forecast is not None:
        met = summary.costs.forecast_met
        rows.append(("forecast", [forecast_text(forecast), *([f"{met} it"] if met else [])]))
    for label, parts in rows:
        put(f"  {label:<10} {' · '.join(parts) or 'none'}")
    if summary.cascade and summary.cascade.sentence:
        put(f"  {'models':<10} {summary.cascade.sentence}")


def status_marks(counts: dict[DocumentStatus, int]) -> str:
    """`✓ 11  ⚑ 8  ✗ 5`; both kinds of ✗ are one count."""
    marks: dict[str, int] = {}
    for status, (glyph, _) in GLYPHS.items():
        marks[glyph] = marks.get(glyph, 0) + counts.get(status, 0)
    return "  ".join(f"{glyph} {number}" for glyph, number in marks.items() if number)


def remedies(results: Iterable[DocumentResult]) -> Iterator[tuple[str, str]]:
    """What to do about each document that has no usable record: name, remedy."""
    for result in results:
        if result.remedy and result.status in UNFINISHED:
            yield result.document.name, result.remedy


def _counted(counts: Iterable[tuple[str, int]]) -> list[str]:
    return [f"{number:,} {kind.replace('_', ' ')}" for kind, number in counts if number]


def _checks(row: DocumentRow) -> str:
    return f"{row.checks_passed}/{row.checks}" if row.checks else ""


def _attention(row: DocumentRow) -> str:
    if not row.attention:
        return ""
    more = len(row.attention) - 1
    return row.attention[0] + (f" (+{more} more)" if more else "")
