"""`docmill show`: the trace of one document's session, then what came out of it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from docmill.batch.pruned import pages_without
from docmill.batch.state import open_state
from docmill.cli.console import inert, put, put_json
from docmill.cli.reading import number_of
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.errors import RunNotFoundError
from docmill.events import (
    AttemptFailed,
    BudgetReserved,
    CallLost,
    ContextCompacted,
    CriterionVerdict,
    CustomToolResult,
    CustomToolUse,
    DocumentPrepared,
    Event,
    McpToolResult,
    McpTools,
    McpToolUse,
    ModelRequestEnd,
    ModelRequestStart,
    OutcomeEvaluationEnd,
    OutcomeEvaluationStart,
    OutputsCollected,
    PagesPictured,
    RecordChecked,
    SandboxStarted,
    SandboxStopped,
    SessionErrorEvent,
    StageStarted,
    StatusIdle,
    StatusRescheduled,
    StatusRunning,
    ToolConfirmation,
    ToolResultEvent,
    ToolUse,
    UserMessage,
)
from docmill.records.checked import CheckedValue
from docmill.records.egress import Egress, EgressSummary
from docmill.records.growth import FieldsKept
from docmill.records.results import DocumentResult
from docmill.report.display import count, size_text, usd_text, value_text
from docmill.report.findings import value_page
from docmill.report.rows import remarks
from docmill.store.seals import Seals
from docmill.store.sessions import StoredEvent

CLIPPED = 240
WORTH_A_WORD = 0.1
"""Seconds of waiting from which the trace mentions it."""


def show(run: str, document: str, *, json: bool) -> None:
    """The trace of one document's session."""
    loaded, _ = here()
    with open_state(loaded) as state:
        reader = state.reader(number_of(state, run))
        result = reader.document(document)
        if result is None:
            raise RunNotFoundError(
                f"{reader.info.id} has no finished document `{inert(document)}`.",
                remedy=f"See which it has: docmill runs show {reader.info.id}",
            )
        trace = list(state.sessions.journal(result.session_id)) if result.session_id else []
        seal = None if trace else Seals(state.engine).of_session(result.session_id)
        bare = pages_without(state, result)
    if json:
        events = [entry.model_dump(mode="json") for entry in trace]
        pruned: dict[str, Any] = {"journal_pruned": seal._asdict()} if seal else {}
        if bare:
            pruned["pictures_pruned"] = bare
        put_json({"document": result.model_dump(mode="json"), "events": events} | pruned)
        return
    _print_head(result)
    if trace:
        put()
        _print_trace(trace)
    elif seal:
        put(f"\nThe journal of {seal.length} events was pruned; its seal is {seal.head}")
    if bare:
        put(f"\nPictures of pages that were pruned: {', '.join(map(str, bare))}")
    if result.record:
        put()
        _print_values(result.record.values)
    if result.verdicts:
        put()
        _print_verdicts(result)
    if result.outputs or result.refused_outputs:
        put()
        _print_outputs(result)


def gist(event: Event) -> str:
    """An event in a few words."""
    told = _GISTS.get(type(event))
    return told(event) if told else ""


def _print_head(result: DocumentResult) -> None:
    put(f"{inert(result.document.name)}  {result.status}  {result.session_id or 'no session'}")
    spent = result.usage
    if spent.model_calls:
        put(
            f"  {count(spent.model_calls, 'model call')}, "
            f"{count(spent.tool_calls, 'tool call')}, "
            f"{spent.input_tokens:,} tokens in, {spent.output_tokens:,} out, "
            f"{spent.wall_seconds:.1f} s, {usd_text(spent.usd, spent.unpriced_calls)}"
        )
    elif result.cached:
        put("  finished by an earlier run; this one spent nothing on it")
    for text in (result.message, result.remedy, *remarks(result)):
        if text:
            put(f"  {inert(text)}")


def _print_trace(trace: Sequence[StoredEvent]) -> None:
    begun = trace[0].at
    put_table(
        ["seconds", "event", ""],
        [
            [
                f"{(entry.at - begun).total_seconds():7.2f}",
                entry.event.type,
                _clip(gist(entry.event)),
            ]
            for entry in trace
        ],
    )


def _print_values(values: Sequence[CheckedValue]) -> None:
    several = any(value.by for value in values)
    grown = any(value.session for value in values)
    put_table(
        [
            *("value", "status", "page"),
            *(["by"] if several else []),
            *(["from session"] if grown else []),
            "found",
        ],
        [
            [
                value.path,
                value.status,
                str(value_page(value) or ""),
                *([value.by] if several else []),
                *([value.session] if grown else []),
                " — ".join(
                    text for text in (value_text(value), value.reason, _marks(value)) if text
                ),
            ]
            for value in values
        ],
    )


def _marks(value: CheckedValue) -> str:
    """How its words came here, and what is odd about them."""
    readings = (value.reading, *value.candidates)
    by_ocr = any(entry and entry.evidence and entry.evidence.ocr for entry in readings)
    return ", ".join([*(["read by OCR"] if by_ocr else []), *value.flags]).replace("_", " ")


def _print_verdicts(result: DocumentResult) -> None:
    put_table(
        ["check", "verdict", "clause", "about"],
        [
            [
                verdict.check,
                verdict.shown_as,
                verdict.clause,
                " ".join(
                    text
                    for text in (
                        verdict.path,
                        verdict.value,
                        verdict.limit and f"({verdict.limit})",
                        verdict.message,
                    )
                    if text
                ),
            ]
            for verdict in result.verdicts
        ],
    )


def _print_outputs(result: DocumentResult) -> None:
    kept = [[file.name, f"{file.size:,} bytes", file.sha256] for file in result.outputs]
    refused = [[file.name, "not kept", file.reason] for file in result.refused_outputs]
    put_table(["file the agent left", "", ""], [*kept, *refused])


def _collected(event: OutputsCollected) -> str:
    kept = [f"{file.name} ({file.size:,} bytes)" for file in event.files]
    refused = [f"{file.name} not kept: {file.reason}" for file in event.refused]
    return "; ".join([*kept, *refused])


def _clip(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CLIPPED else f"{line[: CLIPPED - 1]}…"


def _error(event: SessionErrorEvent) -> str:
    return f"{event.code}: {event.message} ({event.retry_status})"


def _prepared(event: DocumentPrepared) -> str:
    parts = [count(event.pages, "page"), count(event.words, "word"), f"by {event.reader}"]
    hidden = [f"{event.left_out} hidden words left out"] if event.left_out else []
    return ", ".join([*parts, *hidden, *event.notes, *(flag.sentence for flag in event.flags)])


def _asked(event: Egress) -> str:
    what = f"{event.method} {event.host}:{event.port}{inert(event.path)} {event.verdict}"
    told = f": {event.reason}" if event.reason else f" {event.status or ''}".rstrip()
    given = f" with {', '.join(event.credentials)}" if event.credentials else ""
    return f"{what}{told}{given}, {size_text(event.sent)} out, {size_text(event.received)} in"


def _answer(event: ModelRequestEnd) -> str:
    return f"{event.stop_reason}, {_spent(event)}"


def _graded(event: OutcomeEvaluationEnd) -> str:
    spent = _spent(event) if event.model_usage.model_calls else ""
    unmet = [_complaint(verdict) for verdict in event.criteria if not verdict.met]
    told = (event.result.replace("_", " "), spent, event.explanation, *unmet)
    return "; ".join(part for part in told if part)


def _spent(event: ModelRequestEnd | OutcomeEvaluationEnd) -> str:
    usage = event.model_usage
    waited = f" after {event.waited:.1f} s of waiting" if event.waited >= WORTH_A_WORD else ""
    return (
        f"{usage.prompt_tokens:,} tokens in, {usage.output_tokens:,} out, "
        f"{event.seconds:.2f} s{waited}"
    )


def _complaint(verdict: CriterionVerdict) -> str:
    fate = "upheld" if verdict.upheld else "refuted"
    return f"{fate}: {verdict.path or 'record'}: {verdict.complaint} ({verdict.reason})"


def _failed(event: AttemptFailed) -> str:
    status = f"HTTP {event.http_status}, " if event.http_status else ""
    return f"{event.model}: {status}{event.code}: {event.message}"


def _stage(event: StageStarted) -> str:
    return f"model {event.stage + 1}, {event.model}: {', '.join(event.fields)}"


def _kept(event: FieldsKept) -> str:
    asked = ", ".join(event.asked) or "nothing"
    return f"{', '.join(event.kept)} from session {event.source}; asked for: {asked}"


def _dollars(amount: str) -> str:
    return amount if amount == "unpriced" else usd_text(Decimal(amount))


def _call(event: ToolUse | CustomToolUse | McpToolUse) -> str:
    given = ", ".join(f"{key}={value!r}" for key, value in event.input.items())
    server = f"{event.mcp_server_name}: " if isinstance(event, McpToolUse) else ""
    return f"{server}{event.name}({given})"


def _confirmed(event: ToolConfirmation) -> str:
    return f"denied: {event.deny_message}" if event.result == "deny" else "allowed"


def _offered(event: McpTools) -> str:
    return "; ".join([f"{event.mcp_server_name}: {', '.join(event.tools)}", *event.notes])


def _result(event: ToolResultEvent | CustomToolResult | McpToolResult) -> str:
    content = event.content if isinstance(event.content, str) else _blocks(event.content)
    return f"error: {content}" if event.is_error else content


def _blocks(blocks: Sequence[dict[str, Any]]) -> str:
    return "\n".join(str(block.get("text", f"[{block.get('type')}]")) for block in blocks)


def _checked(event: RecordChecked) -> str:
    verdict = "accepted" if event.accepted else "sent back"
    return "; ".join([f"submission {event.submission} {verdict}", *event.errors])


def _message(event: UserMessage) -> str:
    return " ".join(str(block.get("text", "")) for block in event.content)


_GISTS: dict[type[Any], Callable[[Any], str]] = {
    OutputsCollected: _collected,
    StatusRunning: lambda event: f"attempt {event.attempt}",
    StatusRescheduled: lambda event: f"{event.reason} Again in {event.seconds:.1f} s",
    StatusIdle: lambda event: event.stop_reason,
    SessionErrorEvent: _error,
    UserMessage: _message,
    SandboxStarted: lambda event: f"{event.backend}, {event.seconds:.2f} s",
    Egress: _asked,
    EgressSummary: lambda event: (
        f"{event.allowed} allowed, {event.refused} refused, {event.failed} failed; "
        f"{size_text(event.sent)} out, {size_text(event.received)} in"
    ),
    SandboxStopped: lambda event: f"after {event.seconds:.2f} s",
    DocumentPrepared: _prepared,
    BudgetReserved: lambda event: f"at most {_dollars(event.usd)}",
    AttemptFailed: _failed,
    CallLost: lambda event: (
        f"{event.model}, at most {_dollars(event.usd)}; nobody knows its answer"
    ),
    ContextCompacted: lambda event: f"{count(event.dropped, 'tool result')} left out",
    FieldsKept: _kept,
    StageStarted: _stage,
    ModelRequestStart: lambda event: f"{event.model}, at most {event.input_tokens:,} tokens in",
    OutcomeEvaluationStart: lambda event: f"by {event.model}, grading {event.iteration + 1}",
    OutcomeEvaluationEnd: _graded,
    ModelRequestEnd: _answer,
    ToolUse: _call,
    CustomToolUse: _call,
    McpToolUse: _call,
    McpToolResult: _result,
    McpTools: _offered,
    ToolConfirmation: _confirmed,
    ToolResultEvent: _result,
    CustomToolResult: _result,
    RecordChecked: _checked,
    PagesPictured: lambda event: count(len(event.pictures), "picture"),
}
"""The events worth a word, and how it reads."""
