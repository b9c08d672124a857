"""What stands under a heading: the lines from it to the next one of its rank.

Rank is the depth of the heading's number (`3.2.`), or its style where headings have none: height
and left edge. For fields whose value has to stand under a heading.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from docmill.models.rules.folding import fold_text, pieces
from docmill.models.rules.sheet import Line, Sheet

_NUMBER = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,4})\.?$|^([A-Z]{1,2}\d{2,3})$")
_VALUE = re.compile(r"\d")
_HEIGHT = 0.04
"""Share by which heights of one style differ."""


def lines_under(sheet: Sheet, names: Sequence[str]) -> frozenset[int]:
    """Indices of all lines under any heading of one of these names; the headings included."""
    wanted = {fold_text(name) for name in names}
    found: set[int] = set()
    for line in sheet.lines:
        if _is_heading(line, wanted):
            found.update(_scope(sheet, line))
    return frozenset(found)


def _is_heading(line: Line, wanted: set[str]) -> bool:
    """A line that says nothing but one of the names, with or without a number or a translation."""
    _, texts = _parts(line)
    if len(texts) != 1:
        return False
    parts = re.split(r"\s[/|–-]\s", texts[0])
    return any(fold_text(part) in wanted for part in (texts[0], *parts))


def _parts(line: Line) -> tuple[str, list[str]]:
    """The number of a line, empty without one, and its other cells."""
    texts = [spot.text.strip(" :") for spot in line.spots]
    first, _, rest = texts[0].partition(" ")
    if _NUMBER.match(texts[0]) and len(texts) > 1:
        return texts[0].rstrip("."), texts[1:]
    if _NUMBER.match(first) and rest:
        return first.rstrip("."), [rest, *texts[1:]]
    return "", texts


def _scope(sheet: Sheet, heading: Line) -> Iterator[int]:
    yield heading.index
    for line in sheet.lines[heading.index + 1 :]:
        if _closes(line, heading):
            return
        yield line.index


def _closes(line: Line, heading: Line) -> bool:
    number, texts = _parts(line)
    own, _ = _parts(heading)
    if own and own[0].isdigit():
        deep = number.count(".") <= own.count(".") and number != ""
        return deep and number[:1].isdigit() and len(texts) == 1 and texts[0][:1].isalnum()
    first, head = line.spots[0], heading.spots[0]
    same = abs(first.height - head.height) <= _HEIGHT * head.height
    return len(line.spots) == 1 and same and abs(first.x0 - head.x0) <= 3 and _is_words(texts)


def _is_words(texts: Iterable[str]) -> bool:
    return not any(_VALUE.search(text) for text in texts) and any(
        piece.text for text in texts for piece in pieces(text)
    )
