"""What is told of a run: one frozen object, the body of webhooks and of Prefect's events.

Names documents and fields; what was found in them is quoted only if asked for. Its JSON Schema is
docs/notice.schema.json.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Literal

from docmill.base import Frozen
from docmill.records.deliveries import Delivery
from docmill.records.reader import RunReader
from docmill.records.results import DocumentResult, DocumentStatus, RunInfo, RunStatus, VerdictKind
from docmill.report.display import clip
from docmill.report.findings import FindingKind, findings
from docmill.report.summary import Summary, summarise
from docmill.spec.notify import Outcome

FORMAT = "docmill.notice/1"
MOST_DOCUMENTS = 50
"""Documents that are named; of more, their number."""
MOST_REASONS = 5
"""Reasons that are given for one document."""
LONGEST = 300
"""Characters of a text that is quoted."""


class Reason(Frozen):
    """Why a person should look at a document."""

    kind: FindingKind
    field: str = ""
    """Path of the value it is about; empty for the document as a whole."""
    check: str = ""
    """Check that says so, if one does."""
    code: str = ""
    """Stable code of a failure or a flag."""
    text: str = ""
    """The finding in a sentence; only with `details`."""


class NamedDocument(Frozen):
    """A document that isn't ok."""

    id: str
    name: str
    """Path relative to the pipeline's documents folder."""
    status: DocumentStatus
    reasons: tuple[Reason, ...] = ()
    more_reasons: int = 0
    """Reasons that were left out."""


class Cost(Frozen):
    """What the run spent."""

    usd: Decimal
    model_calls: int
    unpriced_calls: int
    """Calls whose price is unknown; they aren't in `usd`."""


class ReportPlaces(Frozen):
    """Where the report lies on the machine that made the run; empty if it was cancelled."""

    folder: str = ""
    files: dict[str, str] = {}
    """Format → file: `html`, `xlsx`, `json`, `md`."""


class HandedOver(Frozen):
    """One entry of `results`, and what came of it."""

    target: str
    state: Literal["pending", "done", "failed"]
    places: tuple[str, ...] = ()
    detail: str = ""


class RunNotice(Frozen):
    """A run that has ended."""

    format: Literal["docmill.notice/1"] = FORMAT
    """Changes when a reader would have to change."""
    events: tuple[Outcome, ...]
    """All that apply to this run; `finished`: it came to its end by itself."""
    pipeline: str
    run: str
    """`run-0007`."""
    status: RunStatus
    message: str = ""
    """Why it stopped early."""
    headline: str
    """The outcome in one sentence."""
    started: datetime
    ended: datetime | None
    seconds: float | None
    docmill_version: str
    spec_digest: str
    model: str
    documents: dict[DocumentStatus, int]
    """By status; every status is a key."""
    verdicts: dict[VerdictKind, int]
    expectations_failed: int
    cost: Cost
    attention: tuple[NamedDocument, ...]
    """Documents that aren't ok, in order of name."""
    more_documents: int = 0
    """Those beyond the first 50."""
    report: ReportPlaces = ReportPlaces()
    results: tuple[HandedOver, ...] = ()
    prefect_url: str = ""
    """The run in Prefect's UI."""


class Surroundings(Frozen):
    """What of a run isn't in the store."""

    report: ReportPlaces = ReportPlaces()
    results: tuple[Delivery, ...] = ()
    prefect_url: str = ""


def make_notice(
    reader: RunReader,
    around: Surroundings,
    *,
    summary: Summary | None = None,
    details: bool = False,
) -> RunNotice:
    """What is told of a stored run that has ended; `summary` is the run's, if it is at hand."""
    info, summary = reader.info, summary or summarise(reader)
    wanting = summary.documents - summary.by_status["ok"]
    doubtful = (result for result in reader.documents() if result.status != "ok")
    # Whoever is last of them is the last document that is read.
    first = islice(doubtful, min(wanting, MOST_DOCUMENTS))
    named = [_named(result, details=details) for result in first]
    return RunNotice(
        events=outcomes(info, summary),
        pipeline=info.pipeline,
        run=info.id,
        status=info.status,
        message=info.message,
        headline=summary.headline,
        started=info.started,
        ended=info.ended,
        seconds=summary.seconds,
        docmill_version=info.docmill_version,
        spec_digest=info.spec_digest,
        model=info.model,
        documents=summary.by_status,
        verdicts=summary.verdicts,
        expectations_failed=summary.expectations_failed,
        cost=Cost(
            usd=summary.usage.usd,
            model_calls=summary.usage.model_calls,
            unpriced_calls=summary.usage.unpriced_calls,
        ),
        attention=tuple(named),
        more_documents=wanting - len(named),
        report=around.report,
        results=tuple(_handed_over(around.results)),
        prefect_url=around.prefect_url,
    )


def outcomes(info: RunInfo, summary: Summary) -> tuple[Outcome, ...]:
    """Everything that is so of a run's end."""
    counts = summary.by_status
    so: dict[Outcome, bool] = {
        "finished": info.status in ("finished", "limit"),
        "flagged": bool(counts["flagged"]),
        "failed": info.status == "failed" or bool(counts["failed"] + counts["invalid"]),
        "limit": info.status == "limit" or bool(counts["limit"]),
        "cancelled": info.status == "cancelled",
    }
    return tuple(name for name, holds in so.items() if holds)


def schema_text() -> str:
    """JSON Schema of a notice, as published in docs/notice.schema.json."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RunNotice.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _named(result: DocumentResult, *, details: bool) -> NamedDocument:
    found = [each for each in findings(result) if each.needs_attention and each.kind != "info"]
    return NamedDocument(
        id=result.document.id,
        name=result.document.name,
        status=result.status,
        reasons=tuple(
            Reason(
                kind=each.kind,
                field=each.path,
                check=each.check,
                code=each.code,
                text=_quoted(each.message, each.found, each.limit) if details else "",
            )
            for each in found[:MOST_REASONS]
        ),
        more_reasons=max(0, len(found) - MOST_REASONS),
    )


def _quoted(message: str, found: str, limit: str) -> str:
    parts = [message, f"found {found}" if found else "", f"allowed {limit}" if limit else ""]
    return clip("; ".join(part for part in parts if part), LONGEST)


def _handed_over(results: Iterable[Delivery]) -> Iterable[HandedOver]:
    for each in results:
        yield HandedOver(
            target=each.target, state=each.state, places=each.places, detail=each.detail
        )
