"""From pages to a record: every field's candidates, every list's rows, and what to hand in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docmill.documents.layout import Page
from docmill.models.rules.anywhere import only_currency, unlabelled
from docmill.models.rules.candidates import Candidate, answer, decide
from docmill.models.rules.groups import read_rows
from docmill.models.rules.labels import Hit, find_hits
from docmill.models.rules.roles import find_headers
from docmill.models.rules.scalars import candidates
from docmill.models.rules.scene import Scene, label_starts
from docmill.models.rules.sections import lines_under
from docmill.models.rules.sheet import make_sheet
from docmill.models.rules.wanted import Wanted, wanted_of
from docmill.spec.fields import Field


@dataclass(frozen=True)
class Extraction:
    """What was found in a document."""

    record: dict[str, Any]
    """As `submit_record` takes it."""
    fields: dict[str, Field]
    """Those that were asked for."""
    candidates: dict[str, list[Candidate]]
    """All candidates by field, also those that were not handed in."""


def extract(wanted: Wanted, pages: Sequence[Page]) -> Extraction:
    """Read a document."""
    sheet = make_sheet(pages)
    hits = find_hits(sheet, wanted.forms)
    scene = Scene(sheet, find_headers(sheet), _label_cells(hits), label_starts(hits))
    record: dict[str, Any] = dict.fromkeys(wanted.asked)
    headings: set[tuple[int, int]] = set()
    for name, field in wanted.fields.items():
        if field.fields is not None:
            under = lines_under(sheet, field.section) if field.section else None
            rows, cells = read_rows(field.fields, wanted.rows[name], scene, under)
            headings |= cells
            if name in record:
                record[name] = rows
    found: dict[str, list[Candidate]] = {}
    asked = {name: wanted.fields[name] for name in wanted.asked}
    for name, field in asked.items():
        if field.fields is None:
            own = [h for h in hits.get(name, ()) if (h.spot.row, h.spot.cell) not in headings]
            if field.section:
                under = lines_under(sheet, field.section)
                own = [hit for hit in own if hit.spot.row in under]
            found[name] = _candidates(name, field, own, wanted, scene)
            record[name] = answer(field, decide(found[name]))
    return Extraction(record, asked, found)


def read_differently(
    before: Mapping[str, Field], after: Mapping[str, Field], pages: Sequence[Page]
) -> frozenset[str]:
    """Fields of both records that read differently in the company of the other fields of each.

    Labels compete: a new one may claim a word that stood for another field, a removed one may set
    it free.
    """
    if list(before.items()) == list(after.items()):
        return frozenset()
    old, new = extract(wanted_of(before), pages), extract(wanted_of(after), pages)
    return frozenset(
        name
        for name, field in after.items()
        if before.get(name) == field
        and (old.record[name], old.candidates.get(name))
        != (new.record[name], new.candidates.get(name))
    )


def _label_cells(hits: dict[str, list[Hit]]) -> dict[tuple[int, int], frozenset[str]]:
    cells: dict[tuple[int, int], frozenset[str]] = {}
    for several in hits.values():
        for hit in several:
            for spot in hit.spots if hit.whole else ():
                place = (spot.row, spot.cell)
                cells[place] = cells.get(place, frozenset()) | {hit.field}
    return cells


def _candidates(
    name: str, field: Field, hits: Sequence[Hit], wanted: Wanted, scene: Scene
) -> list[Candidate]:
    found = candidates(field, hits, scene, shared=name in wanted.shared)
    if field.enum is not None and not decide(found):
        found += [*unlabelled(field, scene), *only_currency(field, scene)]
    return found
