"""Characters with boxes to words with boxes, in displayed space.

A word ends at white space, at a gap wide for its size, at a new line, and before a raised digit
(`10⁶` must not become `106`). Pure functions; `pdfium` delivers, `reading` writes the result.
"""

from __future__ import annotations

from math import cos, isfinite

TYPE_CHECKING = False  # importing `typing` costs more than opening a document
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .pdfium import Chars, OpenPage, Placement, TextLayer

    Box = tuple[float, float, float, float]
    FoundWord = tuple[str, float, float, float, float]

GAP = 0.25
"""Of the character's height: a wider gap ends a word. A space is 0.22-0.28 em in common fonts."""
TOUCH = 0.1
"""Of the height: a narrower gap goes on with the word across a line break pdfium has made up."""
RAISED = 0.15
"""Of the height: a smaller character standing higher than this after a digit is an exponent."""
SMALLER = 0.88
FAR = 1e6
"""Points; coordinates beyond are nonsense."""

_BREAKS = frozenset((10, 13))
_SPACES = frozenset(
    {0, 9, 11, 12, 28, 29, 30, 31, 32, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
    | {0xFEFF, *range(0x2000, 0x200C)}
)
_DIGITS = frozenset(range(0x30, 0x3A))


def place(chars: Chars, placement: Placement) -> list[Box]:
    """Boxes in displayed space; the placement turns by quarters only."""
    m = placement
    if abs(m.xx) > abs(m.xy):
        across, down = (chars.left, chars.right), (chars.bottom, chars.top)
        xm, ym = m.xx, m.yy
    else:
        across, down = (chars.bottom, chars.top), (chars.left, chars.right)
        xm, ym = m.xy, m.yx
    x0, y0 = m.x0, m.y0
    low_x, high_x = across if xm > 0 else across[::-1]
    low_y, high_y = down if ym > 0 else down[::-1]
    return list(
        zip(
            [xm * v + x0 for v in low_x],
            [ym * v + y0 for v in low_y],
            [xm * v + x0 for v in high_x],
            [ym * v + y0 for v in high_y],
            strict=True,
        )
    )


class Words:
    """Words in the order of the text layer, and the first and last character of each."""

    def __init__(self) -> None:
        self.found: list[FoundWord] = []
        self.spans: list[tuple[int, int]] = []


def group(codes: Sequence[int], boxes: Sequence[Box], turned: Callable[[int], bool]) -> Words:
    """Words in the order of the text layer; `turned(i)` tells whether a character isn't upright."""
    words = Words()
    current: list[int] = []
    broken, raised = False, False
    for i, code in enumerate(codes):
        if code in _SPACES:
            _finish(words, current, codes, boxes)
        elif code in _BREAKS:
            broken = True
        else:
            if not current:
                raised = False
            elif broken or not _follows(boxes[current[-1]], boxes[i]):
                before, box = boxes[current[-1]], boxes[i]
                apart = not _touching(before, box) if broken else _apart(before, box, i, turned)
                lifted = codes[current[-1]] in _DIGITS and _is_raised(before, box)
                if apart or lifted or (raised and _is_raised(box, before)):
                    _finish(words, current, codes, boxes)
                    raised = lifted and not apart
            broken = False
            current.append(i)
    _finish(words, current, codes, boxes)
    return words


def _finish(words: Words, current: list[int], codes: Sequence[int], boxes: Sequence[Box]) -> None:
    """Close the word at hand; a box of nonsense drops it."""
    if not current:
        return
    used = [boxes[i] for i in current]
    x0, y0 = min(b[0] for b in used), min(b[1] for b in used)
    x1, y1 = max(b[2] for b in used), max(b[3] for b in used)
    if all(isfinite(v) and abs(v) < FAR for v in (x0, y0, x1, y1)):
        words.found.append((text_of(codes[i] for i in current), x0, y0, x1, y1))
        words.spans.append((current[0], current[-1]))
    current.clear()


def text_of(codes: Iterable[int]) -> str:
    """The characters; surrogate halves joined, what isn't Unicode replaced."""
    numbers = list(codes)
    if not any(0xD800 <= code < 0xE000 or code > 0x10FFFF for code in numbers):
        return "".join(map(chr, numbers))
    text = "".join(chr(code) if code <= 0x10FFFF else "\ufffd" for code in numbers)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _follows(before: Box, box: Box) -> bool:
    """Whether a character simply goes on: same line, same size, no gap. The common case, cheap."""
    across = box[0] - before[2]
    return (
        before[3] == box[3]
        and before[1] == box[1]
        and -0.6 * (box[3] - box[1]) < across < GAP * (box[3] - box[1])
    )


def _apart(before: Box, box: Box, index: int, turned: Callable[[int], bool]) -> bool:
    """Whether two neighbours of the text layer stand too far from each other for one word."""
    height = before[3] - before[1]
    across = box[0] - before[2]
    if height > 0 and -0.6 * height < across < GAP * height and _overlap(before, box) > 0.3:
        return False
    down = max(box[1] - before[3], before[1] - box[3])
    across = max(across, before[0] - box[2])
    size = max(height, before[2] - before[0])
    return max(across, down) > GAP * size or not turned(index)


def _touching(before: Box, box: Box) -> bool:
    """Whether a character stands directly behind another in spite of a line break between them."""
    reach = TOUCH * (before[3] - before[1])
    return -reach <= box[0] - before[2] <= reach and _overlap(before, box) > 0.5


def _overlap(a: Box, b: Box) -> float:
    """Common height as a share of the smaller one's."""
    smaller = min(a[3] - a[1], b[3] - b[1])
    return (min(a[3], b[3]) - max(a[1], b[1])) / smaller if smaller > 0 else 0.0


def _is_raised(base: Box, box: Box) -> bool:
    """Whether `box` stands beside `base`, is smaller and higher, as an exponent is."""
    height = base[3] - base[1]
    smaller = box[3] - box[1] < SMALLER * height
    if not smaller or base[3] - box[3] <= RAISED * height:
        return False
    beside = max(box[0] - base[2], base[0] - box[2])
    return beside > -0.3 * (box[2] - box[0])


def words_of(page: OpenPage, layer: TextLayer) -> Words:
    """The words of a page."""
    chars = layer.chars()

    def turned(index: int) -> bool:
        return cos(layer.angle(index) + page.turn) < 0.95

    return group(chars.codes, place(chars, page.placement()), turned)
