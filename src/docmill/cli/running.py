"""`docmill run`: one pipeline from its documents to its report."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from docmill.batch.start import RunResult, reports_folder, run_pipeline
from docmill.batch.state import open_state
from docmill.checks.expectations_process import LibraryProcess
from docmill.cli.console import flush, put, put_json, talk
from docmill.cli.delivering import tell_failures
from docmill.cli.outcome import document_row, put_documents, put_tallies
from docmill.cli.progress import Progressing
from docmill.cli.reading import number_of
from docmill.cli.workspace import chosen, here, overridden
from docmill.errors import EXIT_LIMIT, EXIT_OK, EXIT_UNFINISHED, RunError
from docmill.flow.prefect_process import FlowSide
from docmill.records.reader import RunReader
from docmill.records.results import DocumentStatus, RunInfo
from docmill.report.summary import Summary, summarise
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace
from docmill.store.deliveries import DeliveryLog
from docmill.store.runs import run_number

SIGINT_EXIT = 130
FORMATS = {"html": "report", "xlsx": "table", "json": "data", "md": "text"}


LIMITS = {"usd": "usd_per_run"}
"""Short names that `--limit` knows besides the keys of `limits`."""


def run(
    pipeline: str | None,
    settings: list[str],
    *,
    json: bool,
    process: FlowSide,
    library: LibraryProcess | None = None,
) -> None:
    """Run it and say what came of it; exits with the code of the outcome.

    `library`: Great Expectations, if it was started ahead.
    """
    loaded, environment = here(pipeline)
    name = chosen(loaded, pipeline)
    loaded = overridden(loaded, name, settings)
    _carry_out(loaded, name, environment, json=json, process=process, library=library)


def resume(run: str, limits: list[str], *, json: bool, process: FlowSide) -> None:
    """Go on with a run that did not finish; exits with the code of the outcome."""
    loaded, environment = here()
    with open_state(loaded) as state:
        number = number_of(state, run)
        info = state.runs.info(number)
    name = info.pipeline
    given = [_limit_setting(limit) for limit in limits]
    loaded = overridden(loaded, name, _latest([*info.settings, *given]))
    _carry_out(loaded, name, environment, json=json, process=process, resume=number)


def _latest(settings: list[str]) -> list[str]:
    """Settings, each key once, as it was given last."""
    return list({setting.partition("=")[0]: setting for setting in settings}.values())


def _limit_setting(limit: str) -> str:
    key, equals, value = limit.partition("=")
    return f"limits.{LIMITS.get(key, key)}{equals}{value}"


def _carry_out(
    loaded: LoadedWorkspace,
    name: str,
    environment: Settings,
    *,
    json: bool,
    process: FlowSide,
    library: LibraryProcess | None = None,
    resume: int | None = None,
) -> None:
    observer = Progressing()
    error: RunError | None = None
    result: RunResult | None = None
    try:
        result = run_pipeline(
            loaded, name, environment, observer, process=process, library=library, resume=resume
        )
    except RunError as stopped:
        if not observer.run:
            raise
        error = stopped
    except KeyboardInterrupt:
        if not observer.run:
            raise
        observer.close()
        _interrupted(observer.run, "Interrupted. What is done is kept.")
    finally:
        observer.close()
    code = _tell(loaded, observer.run, result, error, json=json)
    flush()
    sys.exit(code)


def _tell(
    loaded: LoadedWorkspace,
    run: str,
    result: RunResult | None,
    error: RunError | None,
    *,
    json: bool,
) -> int:
    """Print what the store says of the run; returns the exit code."""
    with open_state(loaded) as state:
        reader = state.reader(run_number(run))
        written = result.files if result else None
        info, summary = reader.info, written.summary if written else summarise(reader)
        files = _report_files(loaded, info)
        delivered = DeliveryLog(state.engine).of_run(run_number(run))
        if json:
            put_json(_described(reader, summary, files, result, error))
        elif info.status != "cancelled":
            _print(reader, summary, files)
    if result and result.outcome.notice:
        talk(result.outcome.notice)
    tell_failures(run, delivered)
    if info.status == "cancelled":
        _interrupted(run, f"{info.message} What is done is kept.")
    if error:
        talk(f"\n{error}")
    elif summary.unfinished:
        talk(f"\nWhat to do about documents that did not finish: docmill runs show {run}")
    return exit_code(info, summary.by_status, error)


def _print(reader: RunReader, summary: Summary, files: dict[str, Path]) -> None:
    put()
    put_documents(reader.documents(), summary.documents)
    put(summary.headline)
    put()
    put_tallies(summary, reader.info.forecast)
    put()
    for kind, path in files.items():
        put(f"  {FORMATS[kind]:<10} {path}")


def _interrupted(run: str, message: str) -> None:
    talk(f"\n{run}: {message}")
    talk(f"Go on: docmill resume {run}")
    sys.exit(SIGINT_EXIT)


def _report_files(loaded: LoadedWorkspace, info: RunInfo) -> dict[str, Path]:
    folder = reports_folder(loaded, info.pipeline) / info.id
    paths = {kind: folder / f"report.{kind}" for kind in FORMATS}
    return {kind: path for kind, path in paths.items() if path.is_file()}


def _described(
    reader: RunReader,
    summary: Summary,
    files: dict[str, Path],
    result: RunResult | None,
    error: RunError | None,
) -> dict[str, Any]:
    info = reader.info
    described: dict[str, Any] = {
        "run": info.id,
        "pipeline": info.pipeline,
        "status": info.status,
        "message": info.message,
        "error": {"message": error.message, "remedy": error.remedy} if error else None,
        "summary": summary.model_dump(mode="json"),
        "documents": (asdict(document_row(document)) for document in reader.documents()),
        "report": {kind: str(path) for kind, path in files.items()},
    }
    if result:
        outcome = result.outcome
        described["prefect"] = {"flow_run": outcome.flow_run_id, "url": outcome.url}
        described["notice"] = outcome.notice
    return described


def exit_code(info: RunInfo, counts: dict[DocumentStatus, int], error: RunError | None) -> int:
    """What a script reads off a run: a limit comes before failures, Ctrl-C before all."""
    if info.status == "cancelled":
        return SIGINT_EXIT
    if counts["limit"]:
        return EXIT_LIMIT
    if error:
        return error.exit_code
    unfinished = counts["failed"] + counts["invalid"] + counts["cancelled"]
    return EXIT_UNFINISHED if unfinished else EXIT_OK
