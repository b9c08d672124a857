"""What a session asks of its document: the whole record, or only what no earlier session knows.

Neighbours: `compile.batch` has planned it, `stages` asks, `run` puts the record together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from docmill.backends.conversation import JournalChangedError
from docmill.documents.layout import Page
from docmill.events import Event, StageStarted, UserMessage
from docmill.models.rules.extract import read_differently
from docmill.output.merging import merge_records, taken_over
from docmill.output.schema import partial_schema
from docmill.output.shape import RecordShape
from docmill.output.telling import with_fields
from docmill.plan import PlannedDocument, Reuse
from docmill.records.checked import CheckedRecord
from docmill.records.growth import FieldsKept
from docmill.session.bench import Workbench
from docmill.session.journal import Journal
from docmill.spec.agent import EMBEDDED
from docmill.store.sessions import Findings, Session


@dataclass(frozen=True, slots=True)
class Asking:
    """The fields that are asked for, and those that are known."""

    shape: RecordShape
    schema: dict[str, Any]
    """JSON Schema of `submit_record`'s input."""
    system: str
    order: tuple[str, ...]
    """All fields of the record."""
    known: Session | None = None
    """The earlier session the others are taken from."""
    kept: tuple[str, ...] = ()

    def whole(self, record: CheckedRecord) -> CheckedRecord:
        """The record of the document: what was asked for, and what was known."""
        if self.known is None or self.known.findings.record is None:
            return record
        known = taken_over(self.known.findings.record, self.kept, session=self.known.id)
        return merge_records(known, record, wanted=tuple(self.shape.fields), order=self.order)

    def with_files(self, findings: Findings) -> Findings:
        """The findings with the files that the earlier session has left, and this one hasn't."""
        if self.known is None:
            return findings
        names = {file.file for file in findings.outputs}
        kept = tuple(file for file in self.known.findings.outputs if file.file not in names)
        return findings.model_copy(update={"outputs": (*kept, *findings.outputs)})


def ask_whole(bench: Workbench) -> Asking:
    """Everything is asked for."""
    compiled = bench.compiled
    order = tuple(bench.shape.fields)
    return Asking(bench.shape, compiled.record_schema, compiled.system, order)


def asking(
    bench: Workbench, document: PlannedDocument, pages: Sequence[Page], journal: Journal
) -> Asking:
    """What is to be asked; a session that goes on asks what it asked before.

    Raises:
        JournalChangedError: the session it took values from is gone.
    """
    for event in journal.history:
        if isinstance(event, FieldsKept):
            known = bench.growth.finished(event.source) if bench.growth else None
            if known is None:
                raise JournalChangedError
            return _in_part(bench, known, event)
    if document.reuse is None or bench.growth is None or _has_begun(journal.history):
        return ask_whole(bench)
    known = bench.growth.finished(document.reuse.earlier.session)
    if known is None or known.findings.record is None:
        return ask_whole(bench)
    again = _read_anew(bench, document.reuse, known.findings.record, pages)
    kept = tuple(name for name in document.reuse.kept if name not in again)
    if not kept:
        return ask_whole(bench)
    asked = tuple(name for name in bench.shape.fields if name not in kept)
    event = FieldsKept(source=known.id, kept=kept, asked=asked)
    journal.add(event)
    return _in_part(bench, known, event)


def adopt(bench: Workbench, document: PlannedDocument) -> bool:
    """Finish a document of which everything is known, without a session that works on it.

    Returns False if the earlier session is gone: then the document has to be read.
    """
    reuse, growth = document.reuse, bench.growth
    known = growth.finished(reuse.earlier.session) if reuse and growth else None
    if reuse is None or growth is None or known is None:
        return False
    event = FieldsKept(source=known.id, kept=reuse.kept, asked=())
    session = bench.store.create(key=document.key, run=known.run, document=known.document)
    bench.store.append(session, 0, event)
    record = _in_part(bench, known, event).whole(CheckedRecord(values=()))
    note(bench, document, session)
    bench.store.finish(session, known.findings.model_copy(update={"record": record}))
    return True


def note(bench: Workbench, document: PlannedDocument, session: str) -> None:
    """Remember what the session's record is made of, for records that grow out of it."""
    base = bench.compiled.base_key(document.info.sha256)
    if base and bench.growth is not None:
        bench.growth.note(session, base, bench.shape.fields)


def _in_part(bench: Workbench, known: Session, event: FieldsKept) -> Asking:
    fields = bench.shape.fields
    asked = {name: fields[name] for name in event.asked}
    schema = partial_schema(fields, asked)
    return Asking(
        shape=RecordShape(asked, schema),
        schema=schema,
        system=with_fields(bench.compiled.preamble, asked),
        order=tuple(fields),
        known=known,
        kept=event.kept,
    )


def _has_begun(history: Iterable[Event]) -> bool:
    """Whether a model was told anything already, which was to hand in the whole record."""
    return any(isinstance(event, UserMessage | StageStarted) for event in history)


def _read_anew(
    bench: Workbench, reuse: Reuse, known: CheckedRecord, pages: Sequence[Page]
) -> frozenset[str]:
    """Known fields that the embedded model would read differently today, among other fields.

    It has delivered them itself, and costs nothing; other models are not asked again.
    """
    if all(stage.choice.id != EMBEDDED for stage in bench.stages):
        return frozenset()
    others = {
        value.field.partition(".")[0] for value in known.values if value.by not in ("", EMBEDDED)
    }
    differing = read_differently(reuse.earlier.fields, bench.shape.fields, pages)
    return differing - others
