"""A document's pages as the grounding reads them: quotes found, words joined, neighbours looked up.

Built once per document and check, rows only where they are needed. Nothing here knows fields.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from docmill.documents.layout import Page, Word
from docmill.documents.rows import Row, page_rows
from docmill.documents.text import QuoteIndex, Span, legible
from docmill.quantities.model import DecimalMark
from docmill.quantities.numbers import detect_decimal
from docmill.quantities.unit_data import CURRENCIES
from docmill.quantities.units import canonical_unit
from docmill.records.values import Box

_CELL_GAP = 0.72
_DIGIT_GAP = 0.45
"""Gap, as a share of the height, beyond which digits are two numbers rather than grouped."""
_SAME_LINE = 0.4
_DIGIT_EDGE = "0123456789.,"
_MODIFIER = re.compile(r"[<>≤≥~≈±+\-−–]=?|(?:max|min|ca|approx)\.?", re.IGNORECASE)
_NUMERIC_DATE = re.compile(
    r"(?<![\w./-])(\d{1,2})([./-])(\d{1,2})\2(?:\d{4}|\d{2})(?![\w/-])", re.A
)
_GROUP_BEFORE = re.compile(r"(?<![\d.,])\d{1,3}$", re.ASCII)
_GROUP = re.compile(r"\d{3}(?!\d)", re.ASCII)
_TOKEN = re.compile(r"[A-Z]{3}(?![^\W_])|[$€£¥]|Euro?")


class Order:
    """Words of a page in one order, searchable."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.index = QuoteIndex([word.text for word in words])

    def occurrences(self, quote: str) -> list["Passage"]:
        """Where the quote stands, whole words before parts of words."""
        spans = list(self.index.find(quote))
        whole = [span for span in spans if span.whole]
        return [self._passage(span) for span in whole or spans]

    def _passage(self, span: Span) -> "Passage":
        """The words of a quote, with what changes it: rest of the number, sign or bound, unit."""
        first, last = span.first, span.last + 1
        while first and _one_number(self.words[first - 1], self.words[first]):
            first -= 1
        while last < len(self.words) and _one_number(self.words[last - 1], self.words[last]):
            last += 1
        if first and _changes(self.words[:first], self.words[first]):
            first -= 1
        if last < len(self.words) and _completes(self.words[last - 1], self.words[last]):
            last += 1
        return Passage(self.words[first:last])


class Passage:
    """Consecutive words of a page."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = tuple(words)

    @cached_property
    def _joined(self) -> tuple[str, list[int]]:
        parts: list[str] = []
        starts: list[int] = []
        length = 0
        for number, word in enumerate(self.words):
            text = legible(word.text)
            joint = _joint(self.words[number - 1], word) if number else ""
            starts.append(length + len(joint))
            parts.append(joint + text)
            length += len(joint) + len(text)
        return "".join(parts), starts

    @property
    def text(self) -> str:
        """The words for a grammar: a space between them, ` | ` between cells."""
        return self._joined[0]

    def placed(self) -> Iterator[tuple[Word, int]]:
        """Each word with its place in `text`."""
        return zip(self.words, self._joined[1], strict=True)

    @property
    def quote(self) -> str:
        """The verbatim words."""
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        """The box around all words."""
        return _union(self.words)

    def part(self, start: int, end: int) -> "Passage":
        """The words that `text[start:end]` belongs to."""
        starts = self._joined[1]
        first = max(bisect_right(starts, start) - 1, 0)
        return Passage(self.words[first : max(bisect_right(starts, end - 1), first + 1)])

    def boxes(self) -> tuple[Box, ...]:
        """One box per visual line."""
        lines: list[list[Word]] = []
        for word in self.words:
            if lines and _same_line(lines[-1][-1], word):
                lines[-1].append(word)
            else:
                lines.append([word])
        return tuple(_union(line) for line in lines)


class Neighbours(NamedTuple):
    """Cells that may name what a value is, nearest first; on one line the most aligned first."""

    left: "tuple[Cell, ...]"
    right: "tuple[Cell, ...]"
    above: "tuple[Cell, ...]"


class PageText:
    """One page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @cached_property
    def layer(self) -> Order:
        """Words in the order of the text layer."""
        return Order(self.page.words)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Visual rows."""
        return page_rows(self.page)

    @cached_property
    def visual(self) -> Order:
        """Words in the order of visual rows, as language models are shown the page."""
        return Order([word for row in self.rows for cell in row.cells for word in cell.words])

    def occurrences(self, quote: str) -> list[Passage]:
        """Every place of a quote, in the text layer or else along visual rows."""
        return self.layer.occurrences(quote) or self.visual.occurrences(quote)

    def holds(self, quote: str) -> bool:
        """Whether the quote is on the page."""
        return quote in self.layer.index or quote in self.visual.index

    def neighbours(self, box: Box) -> Neighbours:
        """Cells beside and above a value; above means overlapping its column."""
        left: list[Cell] = []
        right: list[Cell] = []
        above: list[tuple[int, float, Cell]] = []
        line = max((box[3] - box[1]) / 2, 0.01)
        middle = (box[1] + box[3]) / 2
        for cell in self._cells:
            x0, y0, x1, y1 = cell[0]
            over = (x1 if x1 < box[2] else box[2]) - (x0 if x0 > box[0] else box[0])
            if y1 <= middle:
                if over > 0:
                    above.append((int((box[1] - y1) / line), -over, cell))
            elif y0 <= middle and over <= 0:
                (left if x1 <= box[0] else right).append(cell)
        return Neighbours(
            tuple(sorted(left, key=lambda cell: -cell.box[0])),
            tuple(sorted(right, key=lambda cell: cell.box[0])),
            tuple(cell for *_, cell in sorted(above, key=lambda item: item[:2])),
        )

    def headings(self, box: Box) -> Iterator[str]:
        """Lines above a place that are one cell of words, nearest first, in its column of text."""
        rows = [row for row in self.rows if row.y0 <= box[1]]
        within = [row for row in rows if row.y1 >= box[1] and _row_overlaps(row, box)]
        block = within[-1].block if within else None
        for row in reversed(rows):
            if row.block == block and len(row.cells) == 1:
                yield legible(row.text)

    @cached_property
    def _cells(self) -> list["Cell"]:
        """Runs of words without a gap, in the order of the text layer: cheaper than rows."""
        runs: list[list[Word]] = []
        last: Word | None = None
        for word in self.page.words:
            if last is not None and _adjacent(last, word):
                runs[-1].append(word)
            else:
                runs.append([word])
            last = word
        return [Cell(_union(run), run) for run in runs]


class Cell(NamedTuple):
    """Words that stand together."""

    box: Box
    words: list[Word]

    @property
    def text(self) -> str:
        """The words for a grammar."""
        return legible(" ".join(word.text for word in self.words))


class DocumentText:
    """All pages of a document, looked into only where a claim leads."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._pages = {page.number: PageText(page) for page in pages}

    def __len__(self) -> int:
        return len(self._pages)

    def page(self, number: int) -> PageText | None:
        """The page of this number, counted from 1."""
        return self._pages.get(number)

    @property
    def pages(self) -> tuple[PageText, ...]:
        """All pages in order."""
        return tuple(self._pages.values())

    def holding(self, quote: str) -> list[int]:
        """Numbers of the pages a quote is on."""
        return [number for number, page in self._pages.items() if page.holds(quote)]

    @cached_property
    def decimal(self) -> DecimalMark | None:
        """The decimal mark the document uses; None if it shows none, or both."""
        return detect_decimal(self._texts())

    @cached_property
    def currencies(self) -> set[str]:
        """Every currency the document names, in canonical spelling."""
        found = (canonical_unit(token) for text in self._texts() for token in _TOKEN.findall(text))
        return {unit for unit in found if unit in CURRENCIES}

    @cached_property
    def date_orders(self) -> dict[str, set[str]]:
        """By dividing mark, the orders its unmistakable dates show: `dmy` (25/03/2024), `mdy`."""
        orders: dict[str, set[str]] = {}
        for text in self._texts():
            for first, mark, second in _NUMERIC_DATE.findall(text):
                if int(first) > 12 >= int(second) > 0 and int(first) <= 31:
                    orders.setdefault(mark, set()).add("dmy")
                if int(second) > 12 >= int(first) > 0 and int(second) <= 31:
                    orders.setdefault(mark, set()).add("mdy")
        return orders

    def _texts(self) -> Iterator[str]:
        """Legible text of each page, for what a document shows as a whole."""
        for page in self._pages.values():
            yield legible(" ".join(word.text for word in page.page.words))


def nearest(passages: Sequence[Passage], box: Box) -> Passage:
    """The passage nearest to a box; another line counts three times what another column does."""
    return min(passages, key=lambda passage: distance(passage.box, box))


def distance(a: Box, b: Box) -> float:
    """Distance of two boxes, 0 if they touch, vertical distance weighing three times."""
    across = max(a[0] - b[2], b[0] - a[2], 0.0)
    down = max(a[1] - b[3], b[1] - a[3], 0.0)
    return across + 3 * down


def _row_overlaps(row: Row, box: Box) -> bool:
    return any(cell.x0 < box[2] and box[0] < cell.x1 for cell in row.cells)


def _union(words: Sequence[Word]) -> Box:
    if len(words) == 1:
        return words[0].box
    return (
        min(word.x0 for word in words),
        min(word.y0 for word in words),
        max(word.x1 for word in words),
        max(word.y1 for word in words),
    )


def _changes(before: Sequence[Word], word: Word) -> bool:
    """Whether the word before a number is its sign or bound: `−`, `≤`, `max.`."""
    previous = legible(before[-1].text)
    if not (word.text[:1].isdigit() and _MODIFIER.fullmatch(previous)):
        return False
    follows_number = len(before) > 1 and before[-2].text[-1:].isalnum()
    if previous in "-−–" and follows_number:
        return False
    return _adjacent(before[-1], word)


def _one_number(a: Word, b: Word) -> bool:
    """Whether a space between two words only groups the digits of one number: `1 552,00`."""
    return bool(_GROUP_BEFORE.search(a.text) and _GROUP.match(b.text)) and _adjacent(a, b)


def _completes(word: Word, following: Word) -> bool:
    """Whether the word behind a number is its unit."""
    if not word.text[-1:].isdigit() or following.text in ("in", "a", "at"):
        return False
    unit = legible(following.text).rstrip(".,;:)")
    return _adjacent(word, following) and canonical_unit(unit) is not None


def _same_line(a: Word, b: Word) -> bool:
    """Whether two words stand on one visual line, raised and lowered ones included."""
    _, _, a0, _, a1 = a
    _, _, b0, _, b1 = b
    overlap = (a1 if a1 < b1 else b1) - (a0 if a0 > b0 else b0)
    lower = a1 - a0 if a1 - a0 < b1 - b0 else b1 - b0
    return overlap > _SAME_LINE * lower


def _adjacent(a: Word, b: Word) -> bool:
    """Whether the second word follows the first on its line, with no gap of a cell between."""
    if not _same_line(a, b):
        return False
    height = max(a[4] - a[2], b[4] - b[2], 0.01)
    gap = b[1] - a[3]
    widest = _DIGIT_GAP if _digits_meet(a, b) else _CELL_GAP
    return -_CELL_GAP * height <= gap <= widest * height


def _digits_meet(a: Word, b: Word) -> bool:
    return a[0][-1:] in _DIGIT_EDGE and b[0][:1] in _DIGIT_EDGE


def _joint(a: Word, b: Word) -> str:
    """What stands between two words: a space, or a divider no number or unit reaches across."""
    next_line = not _same_line(a, b)
    together = not _digits_meet(a, b) if next_line else _adjacent(a, b)
    return " " if together else " | "
