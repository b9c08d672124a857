"""Pages as words with boxes: the form in which a prepared document leaves the sandbox."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from docmill.records.values import Box

HEADER = "#page"


class Word(NamedTuple):
    """One word of the text layer, verbatim, with its loose box."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def box(self) -> Box:
        """The word's box in points, origin at the top left of the page as displayed."""
        return (self.x0, self.y0, self.x1, self.y1)


@dataclass(frozen=True, slots=True)
class Page:
    """One page as displayed (rotation applied), words in the order of the text layer."""

    number: int
    width: float
    height: float
    words: tuple[Word, ...]
    confidences: tuple[float, ...] = ()
    """Of OCR in each word, 0 to 1; empty where the words are the document's own."""


def dump_page(page: Page) -> str:
    """The page as tab-separated lines: a header, then `x0 y0 x1 y1 text` per word."""
    lines = [f"{HEADER}\t{page.number}\t{page.width:.2f}\t{page.height:.2f}"]
    lines += [f"{w.x0:.2f}\t{w.y0:.2f}\t{w.x1:.2f}\t{w.y1:.2f}\t{w.text}" for w in page.words]
    return "\n".join(lines) + "\n"


def load_pages(text: str) -> Iterable[Page]:
    """Pages of one or more concatenated `dump_page` texts.

    Raises:
        ValueError: a line isn't of that form; the text came from the sandbox and is not trusted.
    """
    number, width, height = 0, 0.0, 0.0
    words: list[Word] = []
    for line in text.split("\n"):
        if not line:
            continue
        if line.startswith(HEADER):
            if number:
                yield Page(number, width, height, tuple(words))
            _, count, across, down = line.split("\t")
            number, width, height = int(count), float(across), float(down)
            words = []
        else:
            x0, y0, x1, y1, word = line.split("\t", 4)
            words.append(Word(word, float(x0), float(y0), float(x1), float(y1)))
    if number:
        yield Page(number, width, height, tuple(words))
