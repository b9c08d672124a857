"""Complaints about a record, held against the document: only what code can't refute counts.

A grader may say what it likes. Its quote has to stand on the page it names, and to state something
that the record doesn't prove already. Pure: nothing here asks a model or looks at printed ink.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from docmill.documents.text import search_form
from docmill.events import CriterionVerdict
from docmill.output.claims import MAX_TEXT, ReadClaim, Value, show
from docmill.output.grounding import Grounded, ground
from docmill.output.pagetext import DocumentText, PageText, Passage
from docmill.output.units import same_unit
from docmill.quantities.convert import compatible
from docmill.quantities.dates import find_dates
from docmill.quantities.reading import find_quantities
from docmill.records.checked import ROW_NUMBER, CheckedRecord, CheckedValue, Reading
from docmill.records.values import Box, Claim
from docmill.spec.fields import Field

MAX_WORDS = 80
"""A longer quote states so much that nothing follows from it."""
UNDECIDED = frozenset(
    ["wrong_column", "unit_not_found", "number_ambiguous", "date_ambiguous", "enum_ambiguous"]
)
"""Refusals that say the value isn't proven by these words, not that they say something else."""


class Ruling(NamedTuple):
    """Whether a complaint counts, and why."""

    upheld: bool
    reason: str
    boxes: tuple[Box, ...] = ()
    """Where the quote stands on its page, a box per line."""


def rule_on(
    complaint: CriterionVerdict,
    record: CheckedRecord,
    fields: Mapping[str, Field],
    document: DocumentText,
) -> Ruling:
    """Whether a complaint about the record counts: there is no refuting it."""
    quote = complaint.quote
    if not search_form(quote):
        return Ruling(False, "it quotes nothing")
    page = document.page(complaint.page)
    places = page.occurrences(quote) if page is not None and len(quote) <= MAX_TEXT else []
    if page is None or not places:
        return Ruling(False, f"its quote {show(quote)} is not on page {complaint.page}")
    if len(places[0].words) > MAX_WORDS:
        return Ruling(False, f"its quote has {len(places[0].words)} words; it says too much")
    ruling = _rule(complaint, record, fields, _Scene(complaint.page, page, places, quote, document))
    return ruling._replace(boxes=places[0].boxes())


@dataclass(frozen=True, slots=True)
class _Scene:
    """The quote of a complaint, where it was found."""

    number: int
    page: PageText
    places: Sequence[Passage]
    quote: str
    document: DocumentText

    def grounded(self, value: Value, unit: str | None, field: Field) -> Grounded:
        """What the ladder of proof makes of a value, if this quote were its proof."""
        claim = Claim(value=None, unit=unit, page=self.number, quote=self.quote)
        return ground(ReadClaim(claim, value), field, self.document)

    def touches(self, boxes: Sequence[Box]) -> bool:
        """Whether the quote stands where one of the boxes is."""
        return any(_overlap(place.box, box) for place in self.places for box in boxes)


def _rule(
    complaint: CriterionVerdict,
    record: CheckedRecord,
    fields: Mapping[str, Field],
    scene: _Scene,
) -> Ruling:
    path = complaint.path
    value = next((value for value in record.values if value.path == path), None)
    field = _field(fields, path)
    if value is not None and field is not None:
        if value.status == "missing":
            return _rule_on_missing(value, field, scene)
        return _rule_on_value(value, field, scene)
    name = path.partition(".")[0].partition("[")[0]
    if name in fields and fields[name].type == "list":
        return _rule_on_rows(name, record, scene)
    return Ruling(False, f"{show(path)} is no value of the record" if path else "it names no value")


def _rule_on_missing(value: CheckedValue, field: Field, scene: _Scene) -> Ruling:
    if not _states_value(field, field.unit, scene):
        return Ruling(False, f"its quote {show(scene.quote)} states no value of {value.path}")
    said = f"page {scene.number} says {show(scene.quote)}"
    return Ruling(True, f"{value.path} is missing, and {said}")


def _rule_on_value(value: CheckedValue, field: Field, scene: _Scene) -> Ruling:
    readings = [one for one in (value.reading, *value.candidates) if one is not None]
    for reading in readings:
        if (refuted := _refuted_by(reading, field, scene)) is not None:
            return Ruling(False, refuted)
    unit = readings[0].unit if readings else None
    labels = [one.evidence.label_box for one in readings if one.evidence is not None]
    if scene.touches([box for box in labels if box]) or not _states_value(field, unit, scene):
        return Ruling(False, f"its quote {show(scene.quote)} states no other {value.path}")
    return Ruling(True, f"page {scene.number} says {show(scene.quote)}, the record something else")


def _refuted_by(reading: Reading, field: Field, scene: _Scene) -> str | None:
    """Why the quote doesn't speak against a reading; None if it may."""
    if reading.value is None:
        return None
    found = scene.grounded(reading.value, reading.unit, field)
    if found.refusal is None:
        same = found.reading.qualifier == reading.qualifier
        return f"its quote {show(scene.quote)} says what the record says" if same else None
    if found.refusal.code in UNDECIDED:
        return f"its quote decides nothing: {found.refusal.reason}"
    return None


def _rule_on_rows(name: str, record: CheckedRecord, scene: _Scene) -> Ruling:
    """A complaint about a row that isn't there, or about the list as a whole."""
    taken = [
        value.path
        for value in record.values
        if value.path.startswith(f"{name}[") and scene.touches(list(_boxes(value, scene.number)))
    ]
    if taken:
        return Ruling(False, f"{taken[0]} of the record stands at its quote {show(scene.quote)}")
    return Ruling(True, f"no row of {name} comes from {show(scene.quote)} on page {scene.number}")


def _boxes(value: CheckedValue, page: int) -> Iterator[Box]:
    for reading in (value.reading, *value.candidates):
        if reading is not None and reading.evidence is not None and reading.evidence.page == page:
            yield from reading.evidence.boxes


def _states_value(field: Field, unit: str | None, scene: _Scene) -> bool:
    """Whether the quote states any value a field of this kind could have."""
    match field.type:
        case "boolean":
            return any(
                scene.grounded(value, None, field).refusal is None for value in (True, False)
            )
        case "date":
            return any(find_dates(place.text) for place in scene.places)
        case "integer" | "number":
            return any(char.isdigit() for char in scene.quote)
        case "quantity" | "range":
            return any(_states_quantity(place, unit, scene.document) for place in scene.places)
        case _ if field.enum is not None:
            return any(scene.grounded(name, None, field).refusal is None for name in field.enum)
        case _:
            return not _is_label(scene.quote, field)


def _states_quantity(place: Passage, unit: str | None, document: DocumentText) -> bool:
    spans = find_quantities(place.text, decimal=document.decimal, unit_hint=unit)
    if not spans:
        return any(char.isdigit() for char in place.text)
    return any(_comparable(span.parsed.unit, unit) for span in spans)


def _comparable(printed: str | None, wanted: str | None) -> bool:
    if printed is None or wanted is None:
        return True
    return same_unit(printed, wanted) or compatible(printed, wanted)


def _is_label(quote: str, field: Field) -> bool:
    said = search_form(quote.rstrip(" :=")).casefold()
    return said in {search_form(alias).casefold() for alias in field.aliases}


def _field(fields: Mapping[str, Field], path: str) -> Field | None:
    """The leaf field of a path."""
    found: Field | None = None
    inside: Mapping[str, Field] | None = fields
    for name in ROW_NUMBER.sub("", path).split("."):
        found = inside.get(name) if inside is not None else None
        inside = found.fields if found is not None else None
    return found


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
