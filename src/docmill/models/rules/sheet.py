"""A document as rows with folded cells and the headings above them: what labels are looked for in.

Made once per document from `documents.rows`; knows no fields.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from docmill.documents.layout import Page, Word
from docmill.documents.rows import Cell, Row, page_rows
from docmill.models.rules.folding import Token, fold_words
from docmill.quantities.model import DecimalMark
from docmill.quantities.numbers import detect_decimal
from docmill.quantities.unit_data import CURRENCIES
from docmill.quantities.units import canonical_unit

_FOOTNOTE = re.compile(r"^[(\[]?(?:\d{1,2}|[a-z]|[*†‡§]{1,3})[)\]]?(?:,\d{1,2}[)\]]?)*$")
_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(?:\d{2}|\d{4})(?![\d/])")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b|[€$£¥₹]|\b(?:zł|Kč|kr|CHF|Euro|euro)\b")
_MOST_WORDS = 300
"""Words of one cell; what goes on longer is no cell, and isn't read."""
_RAISED = 0.8
"""A footnote mark is lower than this share of the tallest word of its cell."""


@dataclass(frozen=True)
class Spot:
    """One cell with its place, without footnote marks."""

    row: int
    """Index of the row in the sheet."""
    cell: int
    """Index of the cell in its row."""
    page: int
    block: int
    words: tuple[Word, ...]
    x0: float
    x1: float
    y0: float
    y1: float

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The cell's words folded."""
        return fold_words(self.words)

    @cached_property
    def text(self) -> str:
        """The cell's words with one space between them."""
        return " ".join(word.text for word in self.words)

    @cached_property
    def lettered(self) -> bool:
        """Whether any letter stands in the cell; only then it can be a label."""
        return any(char.isalpha() or char in "%#" for char in self.text)

    @property
    def centre(self) -> float:
        """Horizontal centre."""
        return (self.x0 + self.x1) / 2

    @property
    def middle(self) -> float:
        """Vertical centre."""
        return (self.y0 + self.y1) / 2

    @property
    def height(self) -> float:
        """Height of the cell's first word, a trait of its font."""
        return self.words[0].y1 - self.words[0].y0


@dataclass(frozen=True)
class Line:
    """A row of the sheet."""

    index: int
    page: int
    block: int
    y0: float
    y1: float
    spots: tuple[Spot, ...]

    @property
    def middle(self) -> float:
        """Vertical centre."""
        return (self.y0 + self.y1) / 2

    @property
    def x0(self) -> float:
        """Left edge."""
        return self.spots[0].x0


@dataclass(frozen=True)
class Sheet:
    """All pages of a document as lines in reading order."""

    lines: tuple[Line, ...]
    decimal: DecimalMark | None
    """The document's decimal mark, if its numbers prove one."""
    currency: str | None = None
    """The only currency the document names."""
    day_first: bool | None = None
    """Whether slashed dates begin with the day, if another date or the decimal comma tells."""

    def near_below(self, line: Line, *, reach: float) -> Iterable[Line]:
        """Lines of the same text column below, down to `reach` line heights between two of them."""
        last = line
        for index in range(line.index + 1, len(self.lines)):
            following = self.lines[index]
            if (following.page, following.block) != (line.page, line.block):
                return
            height = max(last.y1 - last.y0, following.y1 - following.y0)
            if following.middle - last.middle > reach * height:
                return
            yield following
            last = following

    def band(self, first: Line, y0: float, y1: float) -> Iterable[Line]:
        """Lines of `first`'s text column whose middle lies between two heights."""
        for index in range(max(first.index - 2, 0), min(first.index + 6, len(self.lines))):
            line = self.lines[index]
            if (line.page, line.block) == (first.page, first.block) and y0 <= line.middle <= y1:
                yield line


def make_sheet(pages: Sequence[Page]) -> Sheet:
    """The sheet of a document's pages."""
    lines: list[Line] = []
    for page in pages:
        for row in page_rows(page):
            line = _line(len(lines), row)
            if line is not None:
                lines.append(line)
    decimal = detect_decimal(spot.text for line in lines for spot in line.spots)
    return Sheet(tuple(lines), decimal, _currency(lines), _day_first(lines, decimal))


def _currency(lines: Sequence[Line]) -> str | None:
    found: set[str] = set()
    for line in lines:
        for spot in line.spots:
            for part in _CURRENCY.findall(spot.text):
                unit = canonical_unit(part)
                if unit in CURRENCIES:
                    found.add(unit)
    return found.pop() if len(found) == 1 else None


def _day_first(lines: Sequence[Line], decimal: DecimalMark | None) -> bool | None:
    """No country that writes the month first has a decimal comma."""
    seen: set[bool] = {True} if decimal == "," else set()
    for line in lines:
        for spot in line.spots:
            for match in _SLASHED.finditer(spot.text) if "/" in spot.text else ():
                first, second = int(match[1]), int(match[2])
                if (first > 12) != (second > 12):
                    seen.add(first > 12)
    return seen.pop() if len(seen) == 1 else None


def _line(index: int, row: Row) -> Line | None:
    cells = [words for words in (_without_marks(cell) for cell in row.cells) if words]
    spots = [_spot(index, number, row, words) for number, words in enumerate(cells)]
    return Line(index, row.page, row.block, row.y0, row.y1, tuple(spots)) if spots else None


def _without_marks(cell: Cell) -> tuple[Word, ...]:
    """The cell's words, footnote marks left out."""
    words = cell.words[:_MOST_WORDS]
    if len(words) == 1:
        return words
    tallest = max(word.y1 - word.y0 for word in words)
    return tuple(
        word
        for index, word in enumerate(words)
        if index == 0 or word.y1 - word.y0 >= _RAISED * tallest or not _FOOTNOTE.match(word.text)
    )


def _spot(row: int, number: int, source: Row, words: tuple[Word, ...]) -> Spot:
    return Spot(
        row,
        number,
        source.page,
        source.block,
        words,
        words[0].x0,
        max(word.x1 for word in words),
        min(word.y0 for word in words),
        max(word.y1 for word in words),
    )


def part_of(spot: Spot, first: int, end: int) -> Spot:
    """Some of a cell's words as a cell of their own at the same place."""
    words = spot.words[first:end]
    return replace(spot, words=words, x0=words[0].x0, x1=max(word.x1 for word in words))
