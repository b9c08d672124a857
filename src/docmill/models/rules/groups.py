"""Rows of list fields: from tables whose columns are the fields, else from what stands across.

`layouts` finds the headings, `tables` the rows; where the fields stand down the page, `across`
reads them. Rows come in reading order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from docmill.models.rules.across import read_across
from docmill.models.rules.candidates import Candidate, answer
from docmill.models.rules.folding import fold_text
from docmill.models.rules.forms import Forms
from docmill.models.rules.labels import find_hits
from docmill.models.rules.layouts import Heading, find_headings, heading_cells
from docmill.models.rules.scene import Scene, label_starts
from docmill.models.rules.tables import Row, TableReader
from docmill.spec.fields import Field

_POINTS = 48


class Listed(NamedTuple):
    """The rows of a list, and the cells that head its columns."""

    rows: list[dict[str, Any]]
    headings: frozenset[tuple[int, int]]


def read_rows(
    fields: Mapping[str, Field],
    forms: Forms,
    scene: Scene,
    under: frozenset[int] | None = None,
) -> Listed:
    """All rows of a list, from the lines `under` its headings; none if no table of it is found."""
    hits = find_hits(scene.sheet, forms)
    if under is not None:
        hits = {name: [h for h in each if h.spot.row in under] for name, each in hits.items()}
    scene = replace(scene, starts=scene.starts | label_starts(hits))
    headings = find_headings(scene.sheet, hits, fields)
    if headings:
        tables = [list(TableReader(fields, heading, scene).rows()) for heading in headings]
        rows = _joined(fields, headings, tables, scene)
        if rows:
            return Listed(rows, heading_cells(headings))
    return Listed(read_across(fields, hits, scene), frozenset())


def _joined(
    fields: Mapping[str, Field],
    headings: Sequence[Heading],
    tables: Sequence[list[Row]],
    scene: Scene,
) -> list[dict[str, Any]]:
    """Tables one after the other; one with other fields of the same rows goes on beside."""
    groups: list[tuple[set[str], list[Row]]] = []
    for heading, rows in zip(headings, tables, strict=True):
        own = set(heading.names)
        if not rows:
            continue
        last = groups[-1] if groups else None
        if last is not None and _same_rows(last[1], rows, own & last[0], own - last[0]):
            for known, more in zip(last[1], rows, strict=True):
                known.add(more)
            last[0].update(own)
        else:
            groups.append((own, rows))
    return [_answers(fields, row, scene) for _, rows in groups for row in rows]


def _same_rows(known: Sequence[Row], more: Sequence[Row], shared: set[str], new: set[str]) -> bool:
    """Whether two tables speak of the same rows: as many, and equal in the columns they share."""
    if not new or len(known) != len(more):
        return False
    return all(
        fold_text(one.text(name)) == fold_text(other.text(name))
        for one, other in zip(known, more, strict=True)
        for name in shared
    )


def _answers(fields: Mapping[str, Field], row: Row, scene: Scene) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, part in fields.items():
        label = row.labels.get(name, ())
        found = [
            Candidate(reading, row.page, label, _POINTS, "in the column of")
            for reading in row.readings(name, part, scene)
        ]
        result[name] = answer(part, found)
    return result
