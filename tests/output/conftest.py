"""Pages made of words at plain places, and an ink probe that answers what a test says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from docmill.documents.layout import Page, Word
from docmill.output.check import CheckOutcome, check_record
from docmill.output.schema import record_schema
from docmill.output.shape import RecordShape
from docmill.records.checked import CheckedValue
from docmill.records.values import Box
from docmill.spec.fields import Field

CHAR, HEIGHT = 6.0, 10.0


def page_of(text: str, number: int = 1) -> Page:
    """A page with a line per line of text; every character is 6 points wide, a line 10 high.

    One space is a gap within a cell, two are a gap between cells; columns of text stay columns.
    """
    words: list[Word] = []
    for row, line in enumerate(text.split("\n")):
        y0 = 20.0 + 14 * row
        start = 0
        for part in line.split(" "):
            if part:
                x0 = 30 + start * CHAR
                # Half of a single space belongs to the words beside it, so it is no cell gap.
                words.append(Word(part, x0 - 1.5, y0, x0 + len(part) * CHAR + 1.5, y0 + HEIGHT))
            start += len(part) + 1
    return Page(number, 595.0, 842.0, tuple(words))


@dataclass
class Checker:
    """Checks records against fields and pages with one call."""

    pages: tuple[Page, ...] = ()
    invisible: set[Box] = field(default_factory=set[Box])
    asked: list[int] = field(default_factory=list[int])
    silent: bool = False

    def show(self, *texts: str) -> "Checker":
        """Make the document of these pages."""
        self.pages = tuple(page_of(text, number) for number, text in enumerate(texts, 1))
        return self

    async def ink(self, page: int, boxes: Sequence[Box]) -> Sequence[float]:
        """A fifth of every box is dark, but for the invisible ones."""
        self.asked.append(page)
        return [] if self.silent else [0.0 if box in self.invisible else 0.2 for box in boxes]

    async def check(self, record: Any, fields: dict[str, Any], **shape: Any) -> CheckOutcome:
        """`check_record` with fields given as in YAML."""
        parsed = {name: Field.model_validate(each) for name, each in fields.items()}
        whole = RecordShape(parsed, record_schema(parsed), **shape)
        return await check_record(record, whole, self.pages, self.ink)

    async def value(
        self, text: str, each: dict[str, Any], value: object, quote: str, **claim: Any
    ) -> CheckedValue:
        """The checked value of one claim about a page with this text."""
        self.show(text)
        record = {"x": {"value": value, "page": 1, "quote": quote, **claim}}
        outcome = await self.check(record, {"x": each})
        assert outcome.record is not None, outcome.errors
        return outcome.record.values[0]


@pytest.fixture
def checker() -> Checker:
    """A checker without pages."""
    return Checker()
