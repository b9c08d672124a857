"""`docmill run`: one pipeline from its documents to its report."""

import sys

from docmill.batch.start import RunResult, run_pipeline
from docmill.cli.console import put, put_json, put_table, talk
from docmill.cli.progress import GLYPHS, Progressing
from docmill.cli.workspace import chosen, here, overridden
from docmill.errors import EXIT_LIMIT, EXIT_OK, EXIT_UNFINISHED
from docmill.records.results import DocumentStatus
from docmill.report.display import duration_text, usd_text
from docmill.report.summary import Summary

SIGINT_EXIT = 130


def run(pipeline: str | None, settings: list[str], *, json: bool) -> None:
    """Run it and say what came of it; exits with the code of the outcome."""
    loaded, environment = here()
    name = chosen(loaded, pipeline)
    loaded = overridden(loaded, name, settings)
    observer = Progressing()
    try:
        result = run_pipeline(loaded, name, environment, observer)
    finally:
        observer.close()
    if json:
        put_json(_described(result))
    else:
        _print(result)
    sys.exit(_exit_code(result))


def _print(result: RunResult) -> None:
    if result.files is None:
        talk(f"{result.info.id} was interrupted; what is done is kept.")
        talk(f"Go on: docmill run {result.info.pipeline}")
        return
    summary = result.files.summary
    put()
    put(summary.headline)
    put()
    _print_tallies(summary)
    put()
    for label, path in (
        ("report", result.files.html),
        ("table", result.files.xlsx),
        ("data", result.files.json),
        ("text", result.files.md),
    ):
        if path is not None:
            put(f"  {label:<7} {path}")
    if result.outcome.notice:
        talk(result.outcome.notice)
    if summary.unfinished:
        talk(f"\nWhy documents did not finish: docmill runs show {result.info.id}")


def _print_tallies(summary: Summary) -> None:
    documents = [
        f"{GLYPHS[status][0]} {number} {status}"
        for status, number in summary.by_status.items()
        if number
    ]
    values = [f"{number} {status}" for status, number in summary.values.items() if number]
    verdicts = [f"{number} {kind}" for kind, number in summary.verdicts.items() if number]
    usage = summary.usage
    cost = [
        usd_text(usage.usd, usage.unpriced_calls),
        f"{usage.model_calls} model calls",
        f"{usage.input_tokens + usage.output_tokens} tokens",
        duration_text(summary.seconds or 0),
    ]
    rows = [("documents", documents), ("values", values), ("checks", verdicts), ("cost", cost)]
    put_table(["", ""], [[f"  {label}", " · ".join(parts) or "none"] for label, parts in rows])


def _described(result: RunResult) -> dict[str, object]:
    files = result.files
    return {
        "run": result.info.id,
        "pipeline": result.info.pipeline,
        "status": result.info.status,
        "message": result.info.message,
        "documents": result.outcome.end.counts,
        "summary": files.summary.model_dump(mode="json") if files else None,
        "report": {
            "folder": str(files.folder),
            **{
                kind: str(path)
                for kind in ("html", "xlsx", "json", "md")
                if (path := getattr(files, kind)) is not None
            },
        }
        if files
        else None,
        "prefect": {"flow_run": result.outcome.flow_run_id, "url": result.outcome.url},
        "notice": result.outcome.notice,
    }


def _exit_code(result: RunResult) -> int:
    if result.info.status == "cancelled":
        return SIGINT_EXIT
    counts: dict[DocumentStatus, int] = result.outcome.end.counts
    if counts.get("limit"):
        return EXIT_LIMIT
    unfinished = sum(counts.get(status, 0) for status in ("failed", "invalid", "cancelled"))
    return EXIT_UNFINISHED if unfinished else EXIT_OK
