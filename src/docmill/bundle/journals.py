"""What a session found, derived from its journal alone; and its values proven once more.

Neighbours: `session.gate` folds submissions into the record, as it does when a session goes on;
`output.check` is the ladder of proof. Ink and OCR need the document itself, and aren't looked at.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from docmill.batch.origins import Specs
from docmill.bundle.findings import Check
from docmill.documents.layout import Page
from docmill.events import (
    CustomToolUse,
    DocumentPrepared,
    Event,
    OutputsCollected,
    PagesPictured,
    RecordChecked,
    SessionErrorEvent,
    StageStarted,
)
from docmill.output.check import check_record
from docmill.output.merging import delivered_by, merge_records, taken_over
from docmill.output.outcome import CheckOutcome
from docmill.output.schema import partial_schema
from docmill.output.shape import RecordShape
from docmill.records.checked import CheckedRecord, CheckedValue
from docmill.records.growth import FieldsKept
from docmill.records.values import Box
from docmill.session.gate import SUBMIT, RecordGate
from docmill.session.marking import Marker, disagreements, evidences

NEEDS_THE_PAGE = ("no_ink", "ocr_uncertain", "candidate_unproven")
"""Codes of values whose proof was taken back by what is printed, which only the document shows."""


DEEPEST = 50
"""Sessions that took fields from one another in a row."""
Kind = TypeVar("Kind")
Sources = Callable[[str], Sequence[Event] | None]
"""Session → its journal; None: it was pruned."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the journal of a session says it found."""

    record: CheckedRecord | None
    code: str
    message: str
    details: dict[str, Any]
    """Fields of `DocumentResult` beside the record."""
    pages: int = 0


class _Folded(NamedTuple):
    record: CheckedRecord | None
    submissions: int
    errors: tuple[str, ...]


class PrunedError(Exception):
    """The journal of a session that fields were taken from isn't there any more."""


def found_in(journal: Sequence[Event], specs: Specs, sources: Sources, *, depth: int = 0) -> Found:
    """Fold a session's events into its findings, as the session did when it ended.

    Raises:
        PrunedError: the journal of a session it took fields from is gone.
    """
    kept = _last(journal, FieldsKept)
    before = _before(kept, specs, sources, depth=depth) if kept else None
    if kept and before and not kept.asked and not _last(journal, DocumentPrepared):
        record = _whole(kept, before, CheckedRecord(values=()), specs)
        return replace(before, record=record)
    folded = _fold(journal, specs)
    if kept and not kept.asked:
        folded = _Folded(CheckedRecord(values=()), 0, ())
    record = folded.record
    if kept and before and record is not None:
        record = _whole(kept, before, record, specs)
    message = ""
    if record is None:
        none = "The agent ended without handing in a record."
        message = "; ".join(folded.errors[:5]) if folded.submissions else none
    code = "" if record else "record_invalid"
    prepared = _last(journal, DocumentPrepared)
    details = _details(journal, prepared, record, specs)
    if before:
        names = {file.file for file in details["outputs"]}
        old = [file for file in before.details["outputs"] if file.file not in names]
        details["outputs"] = (*old, *details["outputs"])
    return Found(record, code, message, details, prepared.pages if prepared else 0)


def _before(kept: FieldsKept, specs: Specs, sources: Sources, *, depth: int) -> Found:
    journal = sources(kept.source) if depth < DEEPEST else None
    if not journal:
        raise PrunedError(kept.source)
    return found_in(journal, specs, sources, depth=depth + 1)


def _whole(kept: FieldsKept, before: Found, record: CheckedRecord, specs: Specs) -> CheckedRecord:
    """What was asked for, and what an earlier session knew."""
    if before.record is None:
        return record
    known = taken_over(before.record, kept.kept, session=kept.source)
    return merge_records(known, record, wanted=kept.asked, order=tuple(specs.fields))


def _details(
    journal: Sequence[Event],
    prepared: DocumentPrepared | None,
    record: CheckedRecord | None,
    specs: Specs,
) -> dict[str, Any]:
    pictured, outputs = _last(journal, PagesPictured), _last(journal, OutputsCollected)
    pictures = pictured.pictures if pictured else {}
    sizes = prepared.sizes if prepared else ()
    differing = disagreements(record, specs.pipeline.documents.hostile)
    return {
        "notes": prepared.notes if prepared else (),
        "flags": (*(prepared.flags if prepared else ()), *differing),
        "pictures": pictures,
        "page_sizes": {page: sizes[page - 1] for page in pictures if 0 < page <= len(sizes)},
        "outputs": outputs.files if outputs else (),
        "refused_outputs": outputs.refused if outputs else (),
    }


def _fold(journal: Sequence[Event], specs: Specs) -> _Folded:
    stages = list(_stages(journal))
    if not stages:
        return _replayed(journal, specs)
    whole = _Folded(None, 0, ())
    for start, stage in stages:
        if any(isinstance(e, SessionErrorEvent) and e.retry_status == "exhausted" for e in stage):
            continue
        found = _replayed(stage, specs)
        submissions = whole.submissions + found.submissions
        record = whole.record
        if found.record is not None:
            record = delivered_by(found.record, start.model)
            if whole.record is not None:
                order = dict.fromkeys([*specs.fields, *_names(whole.record), *_names(record)])
                record = merge_records(
                    whole.record, record, wanted=start.fields, order=tuple(order)
                )
        whole = _Folded(record, submissions, found.errors)
    return whole


def _names(record: CheckedRecord) -> list[str]:
    return [value.field.partition(".")[0] for value in record.values]


def _stages(journal: Sequence[Event]) -> Iterator[tuple[StageStarted, Sequence[Event]]]:
    starts = [place for place, event in enumerate(journal) if isinstance(event, StageStarted)]
    for start, end in zip(starts, [*starts[1:], len(journal)], strict=False):
        first = journal[start]
        assert isinstance(first, StageStarted)
        yield first, journal[start + 1 : end]


def _replayed(events: Sequence[Event], specs: Specs) -> _Folded:
    repairs = specs.pipeline.record.repairs
    gate = RecordGate(specs.shape, (), _all_inked, repairs=repairs, marker=Marker(()))
    gate.replay(events)
    return _Folded(gate.record, gate.submissions, gate.errors)


def _last(journal: Sequence[Event], kind: type[Kind]) -> Kind | None:
    return next((event for event in reversed(journal) if isinstance(event, kind)), None)


class Prover:
    """Proves the values of submissions again, on the words of the document's pages."""

    def __init__(self, check: Check, specs: Specs) -> None:
        self._check = check
        self._specs = specs
        self.unseen = 0
        """Values whose proof rests on what is printed."""
        self.unknown = 0
        """Records the user's own model refused, which is never imported."""

    def prove(
        self, name: str, journal: Sequence[Event], pages: Sequence[Page], fields: Sequence[str] = ()
    ) -> None:
        """Check every submission of a session once more, and compare value by value.

        `fields`: only these, in the session of another record that had them too.
        """
        call: CustomToolUse | None = None
        prepared, kept = _last(journal, DocumentPrepared), _last(journal, FieldsKept)
        hidden = bool(prepared and (prepared.flags or prepared.left_out))
        shape = self._shape(fields or (kept.asked if kept else ()))
        for event in journal:
            if isinstance(event, CustomToolUse) and event.name == SUBMIT:
                call = event
            elif isinstance(event, RecordChecked) and call is not None:
                place = f"{name} submission {event.submission}"
                given = call.input
                submitted = {key: given[key] for key in fields or given if key in given}
                checked = _part(event, fields) if fields else event
                check = check_record(submitted, shape, pages, _all_inked)
                self._compare(place, checked, _without_waiting(check), hidden=hidden)

    def _shape(self, fields: Sequence[str]) -> RecordShape:
        whole = self._specs.shape
        if not fields:
            return whole
        some = {name: field for name, field in whole.fields.items() if name in fields}
        return RecordShape(some, partial_schema(whole.fields, some))

    def _compare(
        self, place: str, kept: RecordChecked, again: CheckOutcome, *, hidden: bool
    ) -> None:
        if kept.record is None or again.record is None:
            if kept.record is None and again.record is not None and self._specs.python:
                self.unknown += 1
                return
            self._check.compare(
                f"{place} has a record", kept.record is not None, again.record is not None
            )
            return
        self._check.compare(f"{place} rows", kept.record.rows, again.record.rows)
        old = {value.path: value for value in kept.record.values}
        new = {value.path: value for value in again.record.values}
        for path in dict.fromkeys([*new, *old]):
            self._value(f"{place} {path}", old.get(path), new.get(path), hidden=hidden)

    def _value(
        self, place: str, kept: CheckedValue | None, again: CheckedValue | None, *, hidden: bool
    ) -> None:
        if kept is None or again is None:
            self._check.compare(place, kept and kept.status, again and again.status)
            return
        scanned = any(evidence.ocr for evidence in evidences(kept))
        if _bare(kept, scanned=scanned) == _bare(again, scanned=scanned):
            self._check.cells += 1
        elif kept.code in NEEDS_THE_PAGE or hidden or scanned:
            self.unseen += 1
        else:
            self._check.compare(place, _told(kept), _told(again))


def _part(checked: RecordChecked, fields: Sequence[str]) -> RecordChecked:
    if checked.record is None:
        return checked
    record = taken_over(checked.record, fields, session="")
    return checked.model_copy(update={"record": record})


def _bare(value: CheckedValue, *, scanned: bool) -> dict[str, Any]:
    """What words alone decide of a value."""
    data = value.model_dump(mode="json", exclude={"flags", "by", "session"})
    if scanned:
        for reading in (data["reading"], *data["candidates"]):
            if reading and reading["evidence"]:
                reading["evidence"] |= {"ocr": True, "confidence": None}
    return data


def _told(value: CheckedValue) -> str:
    return value.model_dump_json(exclude={"flags", "by", "session"}, exclude_defaults=True)


async def _all_inked(_page: int, boxes: Sequence[Box]) -> Sequence[float]:
    return [1.0] * len(boxes)


def _without_waiting(work: Coroutine[Any, Any, CheckOutcome]) -> CheckOutcome:
    """Run what never waits for anything."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    raise RuntimeError("a check without a sandbox waits for nothing")
