"""Whatever way a record has grown, the embedded model ends with what it reads from scratch."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.compile.batch import best_reuse
from docmill.documents.layout import Page, Word
from docmill.models.rules.extract import extract, read_differently
from docmill.models.rules.wanted import read_wanted
from docmill.output.check import check_record
from docmill.output.merging import merge_records, taken_over
from docmill.output.schema import partial_schema, record_schema
from docmill.output.shape import RecordShape
from docmill.plan import Earlier
from docmill.records.checked import CheckedRecord
from docmill.records.values import Box
from docmill.spec.fields import Field

DRAWING = """
Test report                        Report no. 4711
Voltage                12.0 V      Rated voltage           24.0 V
Output voltage         3.30 V      Serial no.              AB-12
Current max.           12 mA       Result                  passed
Date                   2024-03-31  Manufacturer            Ohm Ltd

Customer     Model     Tax
Watt AG      X-100     19 %   5.70 EUR

Part        Quantity      Price
R12         4             0.10 EUR
C3          2             0.55 EUR
"""
POOL: dict[str, list[dict[str, Any]]] = {
    "voltage": [{"type": "quantity", "unit": "V"}, {"type": "range", "unit": "V"}],
    "rated": [{"type": "quantity", "unit": "V", "aliases": ["Rated voltage"]}],
    "output": [
        {"type": "quantity", "unit": "V", "aliases": ["Output voltage"]},
        {"type": "quantity", "unit": "V", "aliases": ["voltage"]},
    ],
    "current": [{"type": "quantity", "unit": "mA", "required": False}],
    "report": [{"type": "id", "aliases": ["Report no.", "report"]}],
    "serial": [{"type": "id", "aliases": ["Serial no."]}, {"type": "id", "aliases": ["no."]}],
    "result": [{"enum": ["passed", "failed"]}],
    "tested": [{"type": "date", "aliases": ["Date"]}],
    "maker": [{"aliases": ["Manufacturer"]}, {"aliases": ["Ohm"]}],
    "customer": [{}],
    "model": [{"type": "id"}],
    "rate": [{"type": "quantity", "unit": "%", "aliases": ["Tax"]}],
    "tax": [{"type": "quantity", "unit": "EUR", "aliases": ["Tax"]}],
    "price": [{"type": "quantity", "unit": "EUR"}],
    "lines": [
        {
            "type": "list",
            "fields": {
                "part": {"type": "id"},
                "price": {"type": "quantity", "unit": "EUR"},
            },
        },
        {"type": "list", "fields": {"part": {"type": "id"}, "quantity": {"type": "integer"}}},
    ],
}
FIELDS = {name: [Field.model_validate(one) for one in some] for name, some in POOL.items()}
Record = dict[str, Field]


def page() -> Page:
    """The drawing; cells of a line stand apart."""
    words: list[Word] = []
    for row, line in enumerate(DRAWING.strip("\n").split("\n")):
        column = 0
        for word in line.split(" "):
            if word:
                x, y = 30 + column * 5.0, 20 + row * 14.0
                words.append(Word(word, x, y, x + len(word) * 5.0, y + 10))
            column += len(word) + 1
    return Page(1, 595, 842, tuple(words))


PAGES = (page(),)


async def all_dark(_page: int, boxes: Sequence[Box]) -> Sequence[float]:
    """Everything is printed."""
    return [0.5] * len(boxes)


def checked(schema: dict[str, Any], fields: Record) -> CheckedRecord:
    """What the embedded model hands in, after the check."""
    found = extract(read_wanted(schema), PAGES).record
    shape = RecordShape(fields, schema)
    record = asyncio.run(check_record(found, shape, PAGES, all_dark)).record
    assert record is not None
    return record


def grown(before: tuple[Record, CheckedRecord], fields: Record) -> CheckedRecord:
    """A session that takes over what it can."""
    known, record = before
    reuse = best_reuse(fields, [Earlier("sesn_1", known)])
    differing = read_differently(known, fields, PAGES) if reuse else frozenset[str]()
    kept = tuple(name for name in reuse.kept if name not in differing) if reuse else ()
    asked = {name: field for name, field in fields.items() if name not in kept}
    found = CheckedRecord(values=())
    if asked:
        found = checked(partial_schema(fields, asked), asked)
    taken = taken_over(record, kept, session="sesn_1")
    return merge_records(taken, found, wanted=tuple(asked), order=tuple(fields))


def told(record: CheckedRecord) -> object:
    """All but where it was found."""
    values = [value.model_copy(update={"session": ""}) for value in record.values]
    return values, record.rows


def records() -> st.SearchStrategy[Record]:
    """Some of the fields, in some order, each in one of its forms."""

    def chosen(names: list[str]) -> st.SearchStrategy[Record]:
        return st.fixed_dictionaries({name: st.sampled_from(FIELDS[name]) for name in names})

    names = st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, unique=True)
    return names.flatmap(chosen)


@given(st.lists(records(), min_size=2, max_size=5))
@settings(max_examples=25)
def test_a_grown_record_is_the_one_of_a_full_run(history: list[Record]) -> None:
    """Fields added, changed, removed and moved in any order: same values, proofs and statuses."""
    first, *later = history
    state = (first, checked(record_schema(first), first))
    for fields in later:
        state = (fields, grown(state, fields))
        assert told(state[1]) == told(checked(record_schema(fields), fields))


def test_a_label_that_another_field_takes_is_noticed() -> None:
    """`Model` stands beside `Customer`: its value, until it is known to be a label itself."""
    customer, model = FIELDS["customer"][0], FIELDS["model"][0]
    alone, both = {"customer": customer}, {"customer": customer, "model": model}
    assert read_differently(alone, both, PAGES) == {"customer"}
    assert read_differently(both, both, PAGES) == frozenset()
    known = (alone, checked(record_schema(alone), alone))
    assert told(grown(known, both)) == told(checked(record_schema(both), both))
