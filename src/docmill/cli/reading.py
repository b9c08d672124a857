"""`docmill runs` and `report`: what is stored, read back."""

from dataclasses import asdict

from docmill.batch.pruned import pruned_parts
from docmill.batch.start import reports_folder
from docmill.batch.state import State, open_state
from docmill.cli.console import inert, put, put_json, talk
from docmill.cli.delivering import put_deliveries
from docmill.cli.outcome import document_row, put_documents, put_tallies, remedies, status_marks
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.records.results import DocumentStatus, RunInfo
from docmill.report.build import build
from docmill.report.display import duration_text, time_text
from docmill.report.summary import DOCUMENT_STATUSES, summarise
from docmill.spec.pipeline import ReportSettings
from docmill.store.deliveries import DeliveryLog
from docmill.store.runs import run_number

KILLED = "killed"


def list_runs(pipeline: str | None, limit: int, *, json: bool) -> None:
    """The newest runs."""
    loaded, _ = here()
    with open_state(loaded) as state:
        found = state.runs.recent(pipeline=pipeline, limit=limit)
        statuses = [_live_status(state, info) for info in found]
        counts = [_counts(state, info) for info in found]
    listed = zip(found, statuses, counts, strict=True)
    if json:
        put_json(
            [
                info.model_dump(mode="json") | {"status": status, "documents": documents}
                for info, status, documents in listed
            ]
        )
        return
    if not found:
        talk("Nothing was run yet. Start a run: docmill run PIPELINE")
    put_table(
        ["run", "pipeline", "status", "started (UTC)", "took", "documents"],
        [
            [
                info.id,
                info.pipeline,
                status,
                f"{info.started:%Y-%m-%d %H:%M}",
                duration_text((info.ended - info.started).total_seconds()) if info.ended else "",
                status_marks(documents),
            ]
            for info, status, documents in listed
        ],
    )
    for info, status in zip(found, statuses, strict=True):
        if status == KILLED:
            talk(f"{info.id} was killed; go on: docmill run {info.pipeline}")


def show_run(run: str, *, json: bool) -> None:
    """One run with its documents."""
    loaded, _ = here()
    with open_state(loaded) as state:
        reader = state.reader(number_of(state, run))
        info, summary = reader.info, summarise(reader)
        status = _live_status(state, info)
        delivered = DeliveryLog(state.engine).of_run(run_number(info.id))
        if json:
            put_json(
                {
                    "run": info.model_dump(mode="json") | {"status": status},
                    "summary": summary.model_dump(mode="json"),
                    "documents": (asdict(document_row(result)) for result in reader.documents()),
                    "deliveries": [each.model_dump(mode="json") for each in delivered],
                }
            )
            return
        put(f"{info.id}  {info.pipeline}  {status}  {time_text(info.started)}")
        if info.message:
            put(f"  {inert(info.message)}")
        put(f"  model {info.model}  agent {info.agent}  sandbox {info.sandbox.partition(' (')[0]}")
        for reference in info.references:
            put(f"  reference {reference.path} {reference.version}".rstrip())
        put()
        put_documents(reader.documents(), summary.documents)
        put(summary.headline)
        put()
        put_tallies(summary, info.forecast)
        put_deliveries(delivered)
        todo = dict.fromkeys(remedies(reader.documents()))
    if todo:
        put("\nWhat to do about documents that did not finish:")
        for name, remedy in todo:
            put(f"  {inert(name)}: {inert(remedy)}")
    if status not in ("finished", "running"):
        talk(f"\nGo on: docmill resume {info.id}")


def report(run: str, *, json: bool) -> None:
    """Write the report of a stored run anew."""
    loaded, _ = here()
    with open_state(loaded) as state:
        number = number_of(state, run)
        reader = state.reader(number)
        pipeline = loaded.workspace.pipelines.get(reader.info.pipeline)
        pruned = pruned_parts(state, number)
        files = build(
            reader,
            settings=pipeline.report if pipeline else ReportSettings(),
            folder=reports_folder(loaded, reader.info.pipeline) / reader.info.id,
            templates=loaded.root / "reports" / "templates",
            latest=state.runs.latest(reader.info.pipeline) == run_number(reader.info.id),
        )
    if json:
        paths = {key: getattr(files, key) for key in ("folder", "html", "xlsx", "json", "md")}
        written = {key: str(path) for key, path in paths.items() if path}
        put_json(written | ({"pruned": pruned._asdict()} if any(pruned) else {}))
        return
    put(str(files.folder))
    for sentence in pruned.sentences:
        talk(sentence)
    if pruned.pictures:
        talk("report.html says so in the place of each.")


def number_of(state: State, run: str) -> int:
    """The number a run's name stands for; `latest` is the newest of all.

    Raises:
        RunNotFoundError: it is no name of a run, or nothing was run yet.
    """
    return state.runs.latest() if run == "latest" else run_number(run)


def _live_status(state: State, info: RunInfo) -> str:
    """`killed` where the store says `running` and no process does it."""
    if info.status == "running" and not state.runs.is_live(run_number(info.id)):
        return KILLED
    return info.status


def _counts(state: State, info: RunInfo) -> dict[DocumentStatus, int]:
    ended = list(state.runs.ended(run_number(info.id)).values())
    return {status: ended.count(status) for status in DOCUMENT_STATUSES}
