"""Checks over the whole batch: the same key twice, values that contradict each other, same content.

Fed one document at a time; keeps a short key per document and check, never a record.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from docmill.checks.compiled import Heading, Scope
from docmill.checks.judge import check_names
from docmill.checks.quantity import loosen
from docmill.checks.view import RecordView, Unproven, reading_text
from docmill.quantities import canonical_unit
from docmill.records.checked import CheckedRecord, Reading
from docmill.records.results import DocumentInfo, Verdict
from docmill.records.values import Range
from docmill.spec.checks import ConsistentCheck, UniqueCheck
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline

SAME_CONTENT = "same content"
"""Name of the check that is always on."""
NAMED = 20
"""So many other documents a verdict names at most: each may be about all the others."""
Key = tuple[str, ...]


class _Document(NamedTuple):
    id: str
    name: str
    content: str
    """The same for byte-identical documents."""


class _Entry(NamedTuple):
    """What one check knows of one document."""

    document: _Document
    key: Key
    shown: str
    """The key as text, for people."""
    value: str = ""
    """Normalised value of the field that has to agree, for `consistent`."""
    shown_value: str = ""


class _Rule(NamedTuple):
    check: UniqueCheck | ConsistentCheck
    heading: Heading

    @property
    def key_fields(self) -> tuple[str, ...]:
        return self.check.fields if isinstance(self.check, UniqueCheck) else self.check.per


class BatchJudge:
    """Judges a batch: add every document, then ask for the verdicts.

    `fields` are the record's; those of the pipeline's `record.fields` if left out. A byte-identical
    copy isn't held against its original: the two are one document, and a note says so.

    Raises:
        ValueError: a check's `when` doesn't fit the fields (`compile_judge` tells where and why).
    """

    def __init__(self, pipeline: Pipeline, fields: Mapping[str, Field] | None = None) -> None:
        self._fields = fields if fields is not None else pipeline.record.fields or {}
        scope = Scope(self._fields)
        self._rules = tuple(
            _Rule(check, _heading(check, name, scope))
            for check, name in zip(pipeline.checks, check_names(pipeline.checks), strict=True)
            if isinstance(check, UniqueCheck | ConsistentCheck)
        )
        if scope.problems:
            raise ValueError("; ".join(problem.message for problem in scope.problems))
        self._documents: list[_Document] = []
        self._entries: tuple[list[_Entry], ...] = tuple([] for _ in self._rules)
        self._single: defaultdict[str, list[tuple[int, Verdict]]] = defaultdict(list)

    def add(self, document: DocumentInfo, record: CheckedRecord | None) -> None:
        """Take note of a document; without a record only its content counts."""
        known = _Document(document.id, document.name, document.duplicate_of or document.id)
        self._documents.append(known)
        if record is None:
            return
        view = RecordView(record, self._fields)
        for index, rule in enumerate(self._rules):
            try:
                applies = rule.heading.applies(view)
                if isinstance(applies, Verdict):
                    self._single[known.id].append((index, applies))
                elif applies:
                    self._entries[index].append(_entry(rule, known, view))
            except Unproven as unproven:
                verdict = rule.heading.verdict(
                    unproven.verdict, unproven.reason, path=rule.key_fields[0]
                )
                self._single[known.id].append((index, verdict))

    def verdicts(self) -> dict[str, tuple[Verdict, ...]]:
        """Verdicts by document id, each in the order of the checks; no entry without a verdict."""
        found = defaultdict(list, {key: list(value) for key, value in self._single.items()})
        for index, (rule, entries) in enumerate(zip(self._rules, self._entries, strict=True)):
            judge = _unique if isinstance(rule.check, UniqueCheck) else _consistent
            for entry, verdict in judge(rule, entries):
                found[entry.document.id].append((index, verdict))
        for document, verdict in _same_content(self._documents):
            found[document.id].append((len(self._rules), verdict))
        order = [document.id for document in self._documents if document.id in found]
        return {
            key: tuple(verdict for _, verdict in sorted(found[key], key=lambda item: item[0]))
            for key in order
        }


def _heading(check: UniqueCheck | ConsistentCheck, name: str, scope: Scope) -> Heading:
    when = scope.expression(check.when, ("when",)) if check.when else None
    return Heading(name, check.severity, when)


def _entry(rule: _Rule, document: _Document, view: RecordView) -> _Entry:
    readings = [view.reading(field) for field in rule.key_fields]
    key = tuple(
        _normal(reading, view.fields.get(field))
        for field, reading in zip(rule.key_fields, readings, strict=True)
    )
    shown = ", ".join(reading_text(reading) for reading in readings)
    if isinstance(rule.check, UniqueCheck):
        return _Entry(document, key, shown)
    value = view.reading(rule.check.field)
    return _Entry(
        document, key, shown, _normal(value, view.fields.get(rule.check.field)),
        reading_text(value),
    )  # fmt: skip


def _normal(reading: Reading, field: Field | None) -> str:
    """A reading in the form that is compared: `5.00 EUR` and `5 EUR` are the same."""
    unit = canonical_unit(reading.unit) or reading.unit if reading.unit else ""
    match reading.value:
        case Decimal() as number:
            plain = number.normalize() if number else Decimal(0)
            return f"{reading.qualifier}{plain} {unit}"
        case date():
            return reading.value.isoformat()
        case Range():
            return f"{reading_text(reading)} {unit}"
        case str() as text:
            return (
                loosen(text)
                if field is None or field.type == "id"
                else " ".join(text.casefold().split())
            )
        case _:
            return str(reading.value)


def _groups(entries: Sequence[_Entry]) -> dict[Key, list[_Entry]]:
    groups: dict[Key, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.key, []).append(entry)
    return groups


def _unique(rule: _Rule, entries: Sequence[_Entry]) -> list[tuple[_Entry, Verdict]]:
    path = rule.key_fields[0]
    verdicts: list[tuple[_Entry, Verdict]] = []
    for group in _groups(entries).values():
        rivals = _Rivals(group, of=lambda entry: entry.document.content)
        for entry in group:
            others, unnamed = rivals.of_others(entry)
            if others:
                names = tuple(other.document.name for other in others)
                message = f"{entry.shown} also stands in {_listed(names, unnamed)}"
                verdict = rule.heading.verdict("fail", message, path=path, value=entry.shown)
                verdict = verdict.model_copy(update={"related": names, "unnamed": unnamed})
            else:
                verdict = rule.heading.verdict(
                    "pass", "in no other document of the batch", path=path, value=entry.shown
                )
            verdicts.append((entry, verdict))
    return verdicts


def _consistent(rule: _Rule, entries: Sequence[_Entry]) -> list[tuple[_Entry, Verdict]]:
    assert isinstance(rule.check, ConsistentCheck)
    verdicts: list[tuple[_Entry, Verdict]] = []
    for group in _groups(entries).values():
        rivals = _Rivals(group, of=lambda entry: entry.value)
        for entry in group:
            others, unnamed = rivals.of_others(entry)
            value = {"path": rule.check.field, "value": entry.shown_value}
            if others:
                stated = "; ".join(
                    f"{each.document.name}: {each.shown_value}" for each in others[:5]
                )
                more = len(others) - 5 + unnamed
                stated += f" and {more} more" if more > 0 else ""
                verdict = rule.heading.verdict(
                    "fail", f"for {entry.shown} other documents state {stated}", **value
                )
                names = tuple(dict.fromkeys(each.document.name for each in others))
                verdict = verdict.model_copy(update={"related": names, "unnamed": unnamed})
            else:
                message = f"no other document contradicts it for {entry.shown}"
                verdict = rule.heading.verdict("pass", message, **value)
            verdicts.append((entry, verdict))
    return verdicts


class _Others(NamedTuple):
    first: Sequence[_Entry]
    unnamed: int


class _Rivals:
    """Entries of a group that differ from one of them; copies of a document aren't its rivals."""

    def __init__(self, group: Sequence[_Entry], *, of: Callable[[_Entry], str]) -> None:
        self._of = of
        self._count = len(group)
        self._alike: dict[str, list[_Entry]] = {}
        for entry in group:
            self._alike.setdefault(of(entry), []).append(entry)
        # Of each kind as many as are ever named, so that a large group isn't gone through for each
        # of its members.
        first: dict[str, int] = dict.fromkeys(self._alike, 0)
        self._named: list[_Entry] = []
        enough = False
        for entry in group:
            kind = of(entry)
            if not enough and first[kind] < NAMED:
                first[kind] += 1
                self._named.append(entry)
                # So many of other kinds there are for whichever kind it is.
                enough = len(self._named) - max(first.values()) >= NAMED

    def of_others(self, entry: _Entry) -> _Others:
        """The first of those that differ, and how many there are besides."""
        kind = self._of(entry)
        others = list(islice((e for e in self._named if self._of(e) != kind), NAMED))
        return _Others(others, self._count - len(self._alike[kind]) - len(others))


def _same_content(documents: Sequence[_Document]) -> list[tuple[_Document, Verdict]]:
    groups: defaultdict[str, list[_Document]] = defaultdict(list)
    for document in documents:
        groups[document.content].append(document)
    verdicts: list[tuple[_Document, Verdict]] = []
    for group in groups.values():
        for document in group if len(group) > 1 else ():
            others = (other.name for other in group if other.id != document.id)
            names = tuple(islice(others, NAMED))
            unnamed = len(group) - 1 - len(names)
            verdict = Verdict(
                check=SAME_CONTENT, verdict="fail", severity="info", related=names,
                unnamed=unnamed,
                message=f"The same bytes as {_listed(names, unnamed)}; they were read once.",
            )  # fmt: skip
            verdicts.append((document, verdict))
    return verdicts


def _listed(names: Sequence[str], unnamed: int) -> str:
    return ", ".join(names) + (f" and {unnamed:,} more" if unnamed else "")
