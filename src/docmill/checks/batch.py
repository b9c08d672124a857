"""Checks over the whole batch: the same key twice, values that contradict each other, same content.

Fed one document at a time; keeps a short key per document and check, never a record.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from operator import itemgetter
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
        self._documents: dict[str, _Document] = {}
        self._entries: tuple[dict[str, _Entry], ...] = tuple({} for _ in self._rules)
        self._single: defaultdict[str, list[tuple[int, Verdict]]] = defaultdict(list)

    def add(self, document: DocumentInfo, record: CheckedRecord | None) -> None:
        """Take note of a document; without a record only its content counts."""
        known = _Document(document.id, document.name, document.duplicate_of or document.id)
        self._documents[known.id] = known
        if record is None:
            return
        view = RecordView(record, self._fields)
        for index, rule in enumerate(self._rules):
            try:
                applies = rule.heading.applies(view)
                if isinstance(applies, Verdict):
                    self._single[known.id].append((index, applies))
                elif applies:
                    self._entries[index][known.id] = _entry(rule, known, view)
            except Unproven as unproven:
                verdict = rule.heading.verdict(
                    unproven.verdict, unproven.reason, path=rule.key_fields[0]
                )
                self._single[known.id].append((index, verdict))

    def verdicts(self) -> Mapping[str, tuple[Verdict, ...]]:
        """Verdicts by document id, each in the order of the checks; no entry without a verdict.

        They are made when they are asked for: each may be as long as a record.
        """
        rulings = [
            _Ruling(rule, entries) for rule, entries in zip(self._rules, self._entries, strict=True)
        ]
        return _Verdicts(self._documents, rulings, self._single)


class _Verdicts(Mapping[str, tuple[Verdict, ...]]):
    """Verdicts on a batch, in the order of its documents."""

    def __init__(
        self,
        documents: Mapping[str, _Document],
        rulings: Sequence["_Ruling"],
        single: Mapping[str, Sequence[tuple[int, Verdict]]],
    ) -> None:
        self._documents = documents
        self._rulings = rulings
        self._single = single
        self._copies = _copies(documents.values())

    def __getitem__(self, document: str) -> tuple[Verdict, ...]:
        if not self._judged(document):
            raise KeyError(document)
        found = [*self._single.get(document, ())]
        for index, ruling in enumerate(self._rulings):
            if document in ruling:
                found.append((index, ruling.on(document)))
        found.sort(key=itemgetter(0))
        verdicts = [verdict for _, verdict in found]
        known = self._documents[document]
        if known.content in self._copies:
            verdicts.append(_same_content(known, self._copies[known.content]))
        return tuple(verdicts)

    def __iter__(self) -> Iterator[str]:
        return filter(self._judged, self._documents)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _judged(self, document: str) -> bool:
        known = self._documents.get(document)
        return known is not None and (
            document in self._single
            or known.content in self._copies
            or any(document in ruling for ruling in self._rulings)
        )


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


class _Ruling:
    """What one check says of each document it has compared with the others."""

    def __init__(self, rule: _Rule, entries: Mapping[str, _Entry]) -> None:
        self._rule = rule
        self._entries = entries
        self._groups: dict[Key, list[_Entry]] = {}
        for entry in entries.values():
            self._groups.setdefault(entry.key, []).append(entry)
        self._rivals: dict[Key, _Rivals] = {}

    def __contains__(self, document: str) -> bool:
        return document in self._entries

    def on(self, document: str) -> Verdict:
        """The verdict on a document."""
        entry, rule = self._entries[document], self._rule
        others = self._others(entry)
        if isinstance(rule.check, UniqueCheck):
            return _unique(rule, entry, others)
        return _consistent(rule, rule.check, entry, others)

    def _others(self, entry: _Entry) -> "_Others":
        group = self._groups[entry.key]
        if len(group) == 1:
            return _Others((), 0)
        if entry.key not in self._rivals:
            of = _content if isinstance(self._rule.check, UniqueCheck) else _value
            self._rivals[entry.key] = _Rivals(group, of=of)
        return self._rivals[entry.key].of_others(entry)


def _content(entry: _Entry) -> str:
    return entry.document.content


def _value(entry: _Entry) -> str:
    return entry.value


def _unique(rule: _Rule, entry: _Entry, rivals: "_Others") -> Verdict:
    path = rule.key_fields[0]
    others, unnamed = rivals
    if not others:
        message = "in no other document of the batch"
        return rule.heading.verdict("pass", message, path=path, value=entry.shown)
    names = tuple(other.document.name for other in others)
    message = f"{entry.shown} also stands in {_listed(names, unnamed)}"
    verdict = rule.heading.verdict("fail", message, path=path, value=entry.shown)
    return verdict.model_copy(update={"related": names, "unnamed": unnamed})


def _consistent(rule: _Rule, check: ConsistentCheck, entry: _Entry, rivals: "_Others") -> Verdict:
    value = {"path": check.field, "value": entry.shown_value}
    others, unnamed = rivals
    if not others:
        message = f"no other document contradicts it for {entry.shown}"
        return rule.heading.verdict("pass", message, **value)
    stated = "; ".join(f"{each.document.name}: {each.shown_value}" for each in others[:5])
    more = len(others) - 5 + unnamed
    stated += f" and {more} more" if more > 0 else ""
    message = f"for {entry.shown} other documents state {stated}"
    verdict = rule.heading.verdict("fail", message, **value)
    names = tuple(dict.fromkeys(each.document.name for each in others))
    return verdict.model_copy(update={"related": names, "unnamed": unnamed})


class _Others(NamedTuple):
    first: Sequence[_Entry]
    unnamed: int


class _Rivals:
    """Entries of a group that differ from one of them; copies of a document aren't its rivals."""

    def __init__(self, group: Sequence[_Entry], *, of: Callable[[_Entry], str]) -> None:
        self._of = of
        self._count = len(group)
        self._alike = Counter(map(of, group))
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
        return _Others(others, self._count - self._alike[kind] - len(others))


def _copies(documents: Collection[_Document]) -> dict[str, list[_Document]]:
    """Documents that are byte-identical with others, by content; the others have no entry."""
    several = {each.content for each in documents if each.content != each.id}
    groups: dict[str, list[_Document]] = {content: [] for content in several}
    for document in documents:
        if document.content in several:
            groups[document.content].append(document)
    return {content: group for content, group in groups.items() if len(group) > 1}


def _same_content(document: _Document, group: Sequence[_Document]) -> Verdict:
    others = (other.name for other in group if other.id != document.id)
    names = tuple(islice(others, NAMED))
    unnamed = len(group) - 1 - len(names)
    return Verdict(
        check=SAME_CONTENT, verdict="fail", severity="info", related=names, unnamed=unnamed,
        message=f"The same bytes as {_listed(names, unnamed)}; they were read once.",
    )  # fmt: skip


def _listed(names: Sequence[str], unnamed: int) -> str:
    return ", ".join(names) + (f" and {unnamed:,} more" if unnamed else "")
