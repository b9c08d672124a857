"""Pages drawn as text, and the record that is read from them."""

import re
from typing import Any, Protocol

import pytest

from docmill.documents.layout import Page, Word
from docmill.models.rules.extract import extract
from docmill.models.rules.wanted import read_wanted
from docmill.output.schema import record_schema
from docmill.spec.fields import Field

WIDE, HIGH, PITCH = 5.0, 10.0, 14.0


class Draw(Protocol):
    """Makes a page of a drawing: five points a character, fourteen a line."""

    def __call__(self, drawing: str, *, number: int = 1) -> Page: ...


class Read(Protocol):
    """Reads drawings as the pages of one document."""

    def __call__(self, fields: dict[str, Any], *drawings: str) -> dict[str, Any]: ...


def draw_page(drawing: str, *, number: int = 1) -> Page:
    """The page; two spaces or more part cells, a line that begins with `^` stands half-way."""
    words: list[Word] = []
    y, raised = 20.0, False
    for line in drawing.strip("\n").split("\n"):
        half = line.startswith("^")
        y += PITCH / 2 if half or raised else PITCH
        raised = half
        for match in re.finditer(r"[^\s^]+", line):
            x0, x1 = 30 + match.start() * WIDE, 30 + match.end() * WIDE
            words.append(Word(match[0], x0, y, x1, y + HIGH))
    return Page(number, 595, 842, tuple(words))


@pytest.fixture
def draw() -> Draw:
    """Draw a page."""
    return draw_page


@pytest.fixture
def read() -> Read:
    """Read a record from drawings; fields as in a pipeline."""

    def reader(fields: dict[str, Any], *drawings: str) -> dict[str, Any]:
        wanted = {name: Field.model_validate(field) for name, field in fields.items()}
        pages = [draw_page(text, number=number) for number, text in enumerate(drawings, 1)]
        return extract(read_wanted(record_schema(wanted)), pages).record

    return reader
