"""`docmill runs`, `show` and `report`: what is stored, read back."""

from dataclasses import asdict
from typing import Any

from docmill.batch.start import reports_folder
from docmill.batch.state import State, open_state
from docmill.cli.console import inert, put, put_json, put_table, talk
from docmill.cli.workspace import here
from docmill.errors import RunNotFoundError
from docmill.events import (
    CustomToolResult,
    CustomToolUse,
    Event,
    ModelRequestEnd,
    RecordChecked,
    SessionErrorEvent,
    StatusRunning,
    ToolResultEvent,
    ToolUse,
)
from docmill.records.results import RunInfo
from docmill.report.build import build
from docmill.report.display import duration_text, time_text, usd_text, value_text
from docmill.report.summary import summarise
from docmill.spec.pipeline import ReportSettings
from docmill.store.runs import run_number

CLIPPED = 160


def list_runs(pipeline: str | None, limit: int, *, json: bool) -> None:
    """The newest runs."""
    loaded, _ = here()
    with open_state(loaded) as state:
        found = state.runs.recent(pipeline=pipeline, limit=limit)
        statuses = [_live_status(state, info) for info in found]
    if json:
        rows = zip(found, statuses, strict=True)
        put_json([info.model_dump(mode="json") | {"status": status} for info, status in rows])
        return
    put_table(
        ["run", "pipeline", "status", "started", "took", "model"],
        [
            [
                info.id,
                info.pipeline,
                status,
                time_text(info.started),
                duration_text((info.ended - info.started).total_seconds()) if info.ended else "",
                info.model,
            ]
            for info, status in zip(found, statuses, strict=True)
        ],
    )


def show_run(run: str, *, json: bool) -> None:
    """One run with its documents."""
    loaded, _ = here()
    with open_state(loaded) as state:
        reader = state.reader(_number(state, run))
        summary = summarise(reader)
        results = list(reader.documents())
        status = _live_status(state, reader.info)
    if json:
        put_json(
            {
                "run": reader.info.model_dump(mode="json") | {"status": status},
                "summary": summary.model_dump(mode="json"),
                "documents": [
                    result.model_dump(mode="json", exclude={"record", "verdicts"})
                    for result in results
                ],
            }
        )
        return
    put(f"{reader.info.id}  {reader.info.pipeline}  {status}  {time_text(reader.info.started)}")
    put(summary.headline)
    put()
    put_table(
        ["document", "status", "attempts", "model calls", "cost", "why"],
        [
            [
                result.document.name,
                result.status + (" (cached)" if result.cached else ""),
                str(result.attempts),
                str(result.usage.model_calls),
                usd_text(result.usage.usd, result.usage.unpriced_calls),
                f"{result.code}: {result.message}" if result.code else "",
            ]
            for result in results
        ],
    )
    remedies = dict.fromkeys(f"{r.document.name}: {r.remedy}" for r in results if r.remedy)
    for remedy in remedies:
        talk(inert(remedy))


def show(run: str, document: str, *, json: bool) -> None:
    """The trace of one document's session."""
    loaded, _ = here()
    with open_state(loaded) as state:
        number = _number(state, run)
        result = state.reader(number).document(document)
        if result is None:
            raise RunNotFoundError(
                f"{run} has no document `{document}`.",
                remedy=f"See which it has: docmill runs show {run}",
            )
        trace = list(state.sessions.journal(result.session_id)) if result.session_id else []
    if json:
        events = [entry.model_dump(mode="json") for entry in trace]
        put_json({"document": result.model_dump(mode="json"), "events": events})
        return
    put(f"{result.document.name}  {result.status}  {result.session_id or 'no session'}")
    if result.message:
        put(f"  {inert(result.message)}")
    put()
    started = trace[0].at if trace else None
    for entry in trace:
        seconds = (entry.at - started).total_seconds() if started else 0.0
        put(f"{seconds:8.2f} s  {entry.event.type:<28} {inert(_gist(entry.event))[:CLIPPED]}")
    put()
    if result.record:
        put_table(
            ["value", "status", "found", "why"],
            [[v.path, v.status, value_text(v), v.reason] for v in result.record.values],
        )


def report(run: str, *, json: bool) -> None:
    """Write the report of a stored run anew."""
    loaded, _ = here()
    with open_state(loaded) as state:
        reader = state.reader(_number(state, run))
        pipeline = loaded.workspace.pipelines.get(reader.info.pipeline)
        files = build(
            reader,
            settings=pipeline.report if pipeline else ReportSettings(),
            folder=reports_folder(loaded, reader.info.pipeline) / reader.info.id,
            templates=loaded.root / "reports" / "templates",
            latest=state.runs.latest(reader.info.pipeline) == run_number(reader.info.id),
        )
    if json:
        put_json({key: str(value) for key, value in asdict(files).items() if key != "summary"})
    else:
        put(str(files.folder))


def _number(state: State, run: str) -> int:
    return state.runs.latest() if run == "latest" else run_number(run)


def _live_status(state: State, info: RunInfo) -> str:
    """`killed` where the store says `running` and no process does it."""
    if info.status == "running" and not state.runs.is_live(run_number(info.id)):
        return "killed"
    return info.status


def _gist(event: Event) -> str:
    match event:
        case StatusRunning():
            return f"attempt {event.attempt}"
        case ModelRequestEnd():
            usage = event.model_usage
            return f"{event.stop_reason}  {usage.input_tokens} in  {usage.output_tokens} out"
        case ToolUse() | CustomToolUse():
            return f"{event.name} {event.input}"
        case ToolResultEvent() | CustomToolResult():
            return ("error: " if event.is_error else "") + event.content
        case RecordChecked():
            verdict = "accepted" if event.accepted else "sent back"
            return f"submission {event.submission} {verdict}  {'; '.join(event.errors)}"
        case SessionErrorEvent():
            return f"{event.code}: {event.message}"
        case _:
            fields: dict[str, Any] = event.model_dump(exclude={"type", "content", "record"})
            return "  ".join(f"{key}={value}" for key, value in fields.items())
