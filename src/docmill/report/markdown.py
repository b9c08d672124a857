"""report.md: the short form, for a terminal, a merge request or a Prefect artifact.

Its length is bounded: a few findings of each kind, and how many more there are.
"""

from pathlib import Path

from docmill.records.results import RunInfo
from docmill.report.findings import Group
from docmill.report.marks import MARKS
from docmill.report.summary import Summary
from docmill.report.templates import markdown_environment

SHOWN = 10
TEXT = 160
"""Characters of one text."""
FIELDS = 40


def write_markdown(
    info: RunInfo,
    *,
    title: str,
    summary: Summary,
    groups: list[Group],
    path: Path,
    templates: Path | None = None,
) -> None:
    """Write report.md."""
    template = markdown_environment(templates).get_template("report.md.jinja")
    text = template.render(
        title=title,
        run=info,
        summary=summary,
        groups=groups,
        marks=MARKS,
        shown=SHOWN,
        length=TEXT,
        fields=FIELDS,
    )
    path.write_text(text, encoding="utf-8", errors="replace")
