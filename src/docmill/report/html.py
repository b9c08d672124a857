"""report.html: one file that needs no network, with the run's data inside it as inert JSON.

The policy in its head allows the one style sheet and the one script by their hashes, nothing else.
Look and behaviour stand in reports/templates.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from docmill.records.reader import RunReader
from docmill.report.findings import Group
from docmill.report.marks import MARKS
from docmill.report.pictures import FOLDER, Embedded, Shelf, flagged_first
from docmill.report.rows import document_row, first_rows, link
from docmill.report.summary import UNFINISHED, Summary
from docmill.report.templates import html_environment, source
from docmill.spec.pipeline import ReportSettings

SHOWN = 12
"""Findings of each kind that are listed under "Needs attention"."""
ROWS = 30
"""Rows of a table shown at once."""
_ALIVE = re.compile("[<>&\u2028\u2029]")


def inert_json(data: object) -> Markup:
    """JSON that can stand in a `<script type="application/json">` and never end it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    inert = _ALIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return Markup(inert)  # noqa: S704 - no character of markup is left in it


@dataclass(slots=True)
class Block:
    """One document's data, and the pictures that come with it."""

    data: Markup
    pictures: list[Embedded] = field(default_factory=list[Embedded])


def write_html(
    reader: RunReader,
    *,
    title: str,
    summary: Summary,
    groups: list[Group],
    settings: ReportSettings,
    folder: Path,
    templates: Path | None = None,
) -> None:
    """Write report.html document by document, and `pages/` for the pictures over the budget."""
    shelf = Shelf(
        reader, folder=folder, budget=settings.max_picture_mb * 1_000_000, show=settings.pictures
    )
    environment = html_environment(templates)
    context = {
        "title": title,
        "run": reader.info,
        "summary": summary,
        "groups": groups,
        "shown": SHOWN,
        "marks": MARKS,
        "unfinished": UNFINISHED,
        "first": first_rows(reader, ROWS),
        "rows": ROWS,
        "link": link,
        "settings": settings,
        "config": inert_json({"marks": MARKS, "rows": ROWS, "folder": FOLDER}),
        "blocks": _blocks(reader, shelf),
        **_assets(environment),
    }
    template = environment.get_template("report.html.jinja")
    with (folder / "report.html").open("w", encoding="utf-8", errors="replace") as file:
        for piece in template.generate(context):
            file.write(piece)


def _blocks(reader: RunReader, shelf: Shelf) -> Iterator[Block]:
    for result in flagged_first(reader):
        pictures: list[Embedded] = []
        names = shelf.names(result, pictures)
        yield Block(inert_json(document_row(result, names)), pictures)


def _assets(environment: ImmutableSandboxedEnvironment) -> dict[str, Any]:
    style = "".join(source(environment, name) for name in ("report.css", "viewer.css"))
    script = "".join(source(environment, name) for name in ("report.js", "viewer.js"))
    policy = (
        f"default-src 'none'; style-src {_hash_source(style)}; script-src {_hash_source(script)}; "
        "img-src data: 'self' file:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    # The style sheet and the script are the workspace's own files, never text of a document.
    return {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704


def _hash_source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
