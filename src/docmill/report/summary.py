"""Totals of a run: counts by status and verdict, per field, and what was spent.

The command line's last lines and every format of the report take their figures from here.
"""

from datetime import datetime
from typing import get_args

from pydantic import Field

from docmill.base import Frozen
from docmill.records.checked import CheckedValue, ValueStatus
from docmill.records.reader import RunReader
from docmill.records.results import (
    DocumentResult,
    DocumentStatus,
    RunInfo,
    RunStatus,
    Usage,
    VerdictKind,
)
from docmill.report.cascade import CascadeCounter, CascadeSummary
from docmill.report.costs import CostFacts, cost_facts
from docmill.report.display import count

UNFINISHED: tuple[DocumentStatus, ...] = ("failed", "invalid", "limit", "cancelled")
MAX_FIELDS = 500
"""Fields counted one by one; a record that makes up field names can't make the report grow."""
DOCUMENT_STATUSES: tuple[DocumentStatus, ...] = get_args(DocumentStatus)
VALUE_STATUSES: tuple[ValueStatus, ...] = get_args(ValueStatus)
VERDICT_KINDS: tuple[VerdictKind, ...] = get_args(VerdictKind)
RUN_WORDS: dict[RunStatus, str] = {
    "running": "The run is still going on",
    "finished": "",
    "failed": "The run failed",
    "limit": "The run stopped at a limit",
    "cancelled": "The run was cancelled",
}


class FieldSummary(Frozen):
    """One field over all documents; rows of a list count each."""

    values: dict[ValueStatus, int]
    verdicts: dict[VerdictKind, int]
    optional_missing: int = 0


class Summary(Frozen):
    """Totals of one run; every status is a key, also where its count is 0."""

    headline: str
    """The outcome in one sentence."""
    documents: int
    by_status: dict[DocumentStatus, int]
    values: dict[ValueStatus, int]
    """`missing` counts fields that may be missing too; `optional_missing` says how many of them
    neither the record nor a check demands."""
    optional_missing: int
    verdicts: dict[VerdictKind, int]
    """Those that count: of severity `info` only passes do."""
    fields: dict[str, FieldSummary]
    codes: dict[str, int]
    """Codes of documents that didn't finish, the most frequent first."""
    pages: int
    cached: int
    """Documents an earlier run had already finished."""
    duplicates: int
    """Documents with the same content as another one of the batch."""
    retried: int
    """Documents that needed more than one attempt."""
    suspicious: int = 0
    """Documents that hide text, speak to models, or whose text layer isn't what is printed."""
    expectations_failed: int
    seconds: float | None = Field(description="Wall time from start to end; null while it runs.")
    usage: Usage
    costs: CostFacts = CostFacts()
    outputs: int = 0
    """Files agents have left; they lie beside the report."""
    cascade: CascadeSummary | None = None
    """What each model did, where the agent has several."""

    @property
    def unfinished(self) -> int:
        """Documents without a usable record."""
        return sum(self.by_status[status] for status in UNFINISHED)


class _FieldCount:
    def __init__(self) -> None:
        self.values = dict.fromkeys(VALUE_STATUSES, 0)
        self.verdicts = dict.fromkeys(VERDICT_KINDS, 0)
        self.optional_missing = 0


class Counter:
    """Adds up a run document by document; holds counts only, never documents."""

    def __init__(self) -> None:
        self._total = _FieldCount()
        self._by_status = dict.fromkeys(DOCUMENT_STATUSES, 0)
        self._fields: dict[str, _FieldCount] = {}
        self._codes: dict[str, int] = {}
        self._usage = Usage()
        self._cascade = CascadeCounter()
        self._pages = self._cached = self._duplicates = self._retried = self._outputs = 0
        self._suspicious = self._fields_kept = 0

    def add(self, result: DocumentResult) -> None:
        """Count one document in."""
        self._by_status[result.status] += 1
        if result.status in UNFINISHED:
            code = result.code or result.status
            self._codes[code] = self._codes.get(code, 0) + 1
        self._pages += result.document.pages or 0
        self._cached += result.cached
        self._fields_kept += _fields_kept(result)
        self._duplicates += result.document.duplicate_of is not None
        self._retried += result.attempts > 1
        self._outputs += len(result.outputs)
        self._suspicious += any(flag.severity == "warning" for flag in result.flags)
        self._usage += result.usage
        self._cascade.add(result)
        values = result.record.values if result.record else ()
        paths = self._add_values(values, result.demanded)
        for verdict in result.verdicts:
            if verdict.informative:
                continue
            self._total.verdicts[verdict.verdict] += 1
            if field := self._field(paths.get(verdict.path, "")):
                field.verdicts[verdict.verdict] += 1

    def summary(self, info: RunInfo) -> Summary:
        """The totals so far."""
        codes = sorted(self._codes.items(), key=lambda item: (-item[1], item[0]))
        summary = Summary(
            headline="",
            documents=sum(self._by_status.values()),
            by_status=self._by_status,
            values=self._total.values,
            optional_missing=self._total.optional_missing,
            verdicts=self._total.verdicts,
            fields={
                name: FieldSummary(
                    values=field.values,
                    verdicts=field.verdicts,
                    optional_missing=field.optional_missing,
                )
                for name, field in self._fields.items()
            },
            codes=dict(codes),
            pages=self._pages,
            cached=self._cached,
            duplicates=self._duplicates,
            retried=self._retried,
            suspicious=self._suspicious,
            outputs=self._outputs,
            expectations_failed=sum(not e.success for e in info.expectations),
            seconds=_seconds(info.started, info.ended),
            usage=self._usage,
            costs=cost_facts(
                self._usage,
                info.forecast,
                read=sum(self._by_status.values()) - self._cached - self._duplicates,
                fields_kept=self._fields_kept,
            ),
            cascade=self._cascade.summary(info.models),
        )
        return summary.model_copy(update={"headline": headline(summary, info)})

    def _add_values(
        self, values: tuple[CheckedValue, ...], wanted: frozenset[str]
    ) -> dict[str, str]:
        paths: dict[str, str] = {}
        for value in values:
            name = paths[value.path] = value.field
            optional = value.status == "missing" and not (value.required or value.path in wanted)
            for counted in (self._total, self._field(name)):
                if counted is not None:
                    counted.values[value.status] += 1
                    counted.optional_missing += optional
        return paths

    def _field(self, name: str) -> _FieldCount | None:
        if name and name not in self._fields and len(self._fields) < MAX_FIELDS:
            self._fields[name] = _FieldCount()
        return self._fields.get(name)


def _fields_kept(result: DocumentResult) -> int:
    """Fields taken over from an earlier session by one that this run has opened."""
    if result.cached or result.document.duplicate_of or result.record is None:
        return 0
    values = result.record.values
    return len({value.field.partition(".")[0] for value in values if value.session})


def summarise(reader: RunReader) -> Summary:
    """Totals of a stored run, in one pass over its documents."""
    counter = Counter()
    for result in reader.documents():
        counter.add(result)
    return counter.summary(reader.info)


def headline(summary: Summary, info: RunInfo) -> str:
    """The outcome in one sentence, the worst first."""
    parts = [_documents_clause(summary)]
    if troubles := _troubles(summary):
        parts.append(_listed(troubles))
    elif summary.documents and summary.by_status["ok"] == summary.documents:
        parts.append("every value is proven and no check failed")
    early = RUN_WORDS[info.status]
    if early and info.message:
        early = f"{early} ({info.message.rstrip('.')})"
    return f"{early}. " * bool(early) + ": ".join(parts) + "."


def _documents_clause(summary: Summary) -> str:
    total, ok = summary.documents, summary.by_status["ok"]
    if total == 0:
        return "No documents were found"
    if ok == total:
        return "The document is ok" if total == 1 else f"All {total:,} documents are ok"
    flagged = summary.by_status["flagged"]
    if total == 1:
        return f"The document {'needs a look' if flagged else 'could not be finished'}"
    states = [f"{ok:,} {'is' if ok == 1 else 'are'} ok"] if ok else ["none is ok"]
    if flagged:
        states.append(f"{flagged:,} {'needs' if flagged == 1 else 'need'} a look")
    if summary.unfinished:
        states.append(f"{summary.unfinished:,} could not be finished")
    return f"Of {count(total, 'document')}, {_listed(states)}"


def _troubles(summary: Summary) -> list[str]:
    missing = summary.values["missing"] - summary.optional_missing
    amounts = (
        (summary.verdicts["fail"], "failed check", ""),
        (summary.suspicious, "suspicious document", ""),
        (summary.verdicts["marginal"], "marginal verdict", ""),
        (summary.values["ambiguous"], "ambiguous value", ""),
        (summary.values["unverified"], "unverified value", ""),
        (missing, "missing value", ""),
        (
            summary.verdicts["not_comparable"],
            "value that can't be compared",
            "values that can't be compared",
        ),
        (summary.expectations_failed, "failed expectation", ""),
    )
    return [count(number, noun, plural) for number, noun, plural in amounts if number]


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _seconds(started: datetime, ended: datetime | None) -> float | None:
    return round((ended - started).total_seconds(), 3) if ended else None
