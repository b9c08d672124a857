"""Builds a report: decides which files, and puts them in place as one.

The formats stand in `html`, `xlsx`, `schema` (JSON) and `markdown`; this module only calls them.
"""

from dataclasses import dataclass
from pathlib import Path

from docmill.records.reader import RunReader
from docmill.report.beside import SheetProcess
from docmill.report.brief import Brief
from docmill.report.findings import Attention
from docmill.report.folder import point_latest, whole_or_nothing
from docmill.report.html import write_html
from docmill.report.markdown import write_markdown
from docmill.report.outputs import write_outputs
from docmill.report.schema import write_json
from docmill.report.summary import Counter, Summary
from docmill.report.xlsx import write_xlsx
from docmill.spec.pipeline import ReportSettings

KEPT_PER_KIND = 50


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report lies; a format that wasn't asked for is None."""

    folder: Path
    summary: Summary
    rows: list[dict[str, str]]
    """The documents in a few words, as `Brief` has them."""
    html: Path | None = None
    xlsx: Path | None = None
    json: Path | None = None
    md: Path | None = None
    latest: Path | None = None


def build(
    reader: RunReader,
    *,
    settings: ReportSettings,
    folder: Path,
    templates: Path | None = None,
    latest: bool = True,
    sheets: SheetProcess | None = None,
) -> ReportFiles:
    """Write the report of a run into `folder` (`reports/PIPELINE/RUN`), whole or not at all.

    Args:
        reader: the stored run; its documents are iterated several times.
        settings: formats, title and pictures.
        folder: replaced if it exists; its parent is made.
        templates: the workspace's `reports/templates`; files missing there come from the package.
        latest: whether `latest` beside `folder` is to show this report.
        sheets: a process, started before, that writes report.xlsx beside the others if there is a
            report.json; it is used up.

    Raises:
        OSError: the folder can't be written; nothing of the report is there then.
    """
    title = settings.title or reader.info.pipeline
    counter, attention, brief = Counter(), Attention(keep=KEPT_PER_KIND), Brief()
    made = dict.fromkeys(settings.formats)
    with whole_or_nothing(folder) as working:
        for result in reader.documents():
            counter.add(result)
            attention.add(result)
            brief.add(result)
            write_outputs(reader, result, working)
        summary = counter.summary(reader.info)
        if "json" in made:
            write_json(reader, title=title, summary=summary, path=working / "report.json")
        beside = sheets if "json" in made and "xlsx" in made else None
        if beside:
            beside.begin(working / "report.json", working / "report.xlsx")
        if "html" in made:
            write_html(
                reader,
                title=title,
                summary=summary,
                groups=attention.groups,
                settings=settings,
                folder=working,
                templates=templates,
            )
        if "md" in made:
            write_markdown(
                reader.info,
                title=title,
                summary=summary,
                groups=attention.groups,
                path=working / "report.md",
                templates=templates,
            )
        if beside:
            beside.finish()
        elif "xlsx" in made:
            write_xlsx(reader, title=title, summary=summary, path=working / "report.xlsx")
    files = {name: folder / f"report.{name}" for name in made}
    return ReportFiles(
        folder=folder,
        summary=summary,
        rows=brief.rows,
        latest=point_latest(folder) if latest else None,
        **files,
    )
