"""Words that no reader of the printed page sees: which, and why.

Geometry and ink first (`objects`), which is cheap; what they make doubtful is decided by pixels:
a word is seen if the page looks different without it. Knows nothing of what words say.
"""

from __future__ import annotations

from itertools import pairwise

from . import raster
from .objects import EDGE, NOTHING, PageObjects, stands_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .objects import Around, Ink
    from .pdfium import OpenPage, TextLayer
    from .words import Box, FoundWord

TINY = 2.0
"""Points; letters lower and narrower are no text to anybody."""
SEEN = 12
"""Of 255: a channel that differs by less isn't told apart by eye."""
SEEN_SHARE = 0.004
"""Of a word's box: pixels that must differ, or it isn't there."""
DPI = 100
MAX_PIXELS = 12_000_000
NEAR = 40.0
"""Points between suspects from which they are drawn apart."""
MAX_CLUSTERS = 8
MAX_ALONE = 100
"""Words of several objects that are looked at object by object, on one page."""
PART = 0.7
"""Width of the parts of a word, as a share of its height: each must hold something to be seen."""
SCAN_PICTURES = 0.5
"""Of the page: what pictures cover of a scan."""
SCAN_WORDS = 0.5
"""Of the words: invisible ones of a scan with a text layer."""
SCAN_INK = 0.01


class Suspect:
    """A word that may not be seen, and what it is called if so."""

    def __init__(self, index: int, kind: str, texts: set[int], *, alone: bool = False) -> None:
        self.index = index
        self.kind = kind
        self.texts = texts
        self.alone = alone
        """Whether the texts are only a part of the word, to be looked at by themselves."""


def look(
    page: OpenPage,
    layer: TextLayer,
    found: Sequence[FoundWord],
    spans: Sequence[tuple[int, int]],
    *,
    layers: bool = False,
) -> dict[int, str]:
    """Index of each word that isn't seen → its kind; `scan_layer` is what a scan's OCR has left.

    `spans`: first and last character of each word; `layers`: some content may be switched off.
    """
    if not found:
        return {}
    objects = PageObjects(page, layers=layers)
    kinds: dict[int, str] = {}
    invisible: list[int] = []
    suspects: list[Suspect] = []
    begins, ends = (layer.objects_at(places) for places in zip(*spans, strict=True))
    inks, ink_of, around, complete = objects.inks, objects.ink, objects.around, objects.complete
    width, height = page.width, page.height
    for index, (text, x0, y0, x1, y1) in enumerate(found):
        odd = y1 - y0 < TINY or x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height
        if odd or not text.isascii():
            kind = _misplaced(page, text, (x0, y0, x1, y1))
            if kind:
                kinds[index] = kind
                continue
        begin = begins[index]
        if begin and begin == ends[index] and complete:
            ink = inks.get(begin) or ink_of(begin)
            place = around(begin, (x0, y0, x1, y1))
            if ink.plain and place is NOTHING:
                continue
            kind = _doubt(ink, place, (x0, y0, x1, y1))
            doubts = [Suspect(index, kind, {begin})] if kind else []
        else:
            doubts = _mixed(objects, layer, index, spans[index], (x0, y0, x1, y1))
        if any(doubt.kind == "invisible" for doubt in doubts):
            invisible.append(index)
        else:
            suspects += doubts
    if invisible:
        kinds |= _invisible(page, objects, found, invisible)
    if suspects:
        kinds |= _unseen(page, objects, found, suspects)
    return kinds


def _misplaced(page: OpenPage, text: str, box: Box) -> str:
    """Why a word isn't seen wherever it stands on the page; empty if nothing says so."""
    x0, y0, x1, y1 = box
    if x1 <= 0 or y1 <= 0 or x0 >= page.width or y0 >= page.height:
        return "off_page"
    if y1 - y0 < TINY and (x1 - x0) / len(text) < TINY:
        return "tiny"
    if not text.isascii() and any("\U000e0000" <= sign <= "\U000e007f" for sign in text):
        return "smuggled"
    return ""


def _mixed(
    objects: PageObjects, layer: TextLayer, index: int, span: tuple[int, int], box: Box
) -> list[Suspect]:
    """The doubts about a word made of several text objects: about each by itself, and the whole."""
    texts = {layer.object_at(place) for place in range(span[0], span[1] + 1)} - {0}
    doubts: list[Suspect] = []
    for text in texts:
        kind = _doubt(objects.ink(text), objects.around(text, box), box)
        if kind and len(texts) > 1:
            doubts.append(Suspect(index, kind, {text}, alone=True))
        elif kind:
            doubts.append(Suspect(index, kind, texts))
    if len(texts) > 1 and doubts:
        doubts.append(Suspect(index, doubts[0].kind, texts))
    if not (doubts or objects.complete):
        doubts.append(Suspect(index, "covered", texts))
    return doubts


def _doubt(ink: Ink, place: Around, box: Box) -> str:
    """Why a text may not be seen; empty if nothing speaks for that."""
    if ink.invisible:
        return "invisible"
    if place.covered:
        return "covered"
    if ink.optional:
        return "switched_off"
    if ink.clip and not _within(box, ink.clip):
        return "clipped"
    seen = all(stands_out(ink.colour, ground) for ground in place.grounds)
    return "" if seen else "no_contrast"


def _within(box: Box, clip: Box) -> bool:
    """Whether a clip leaves all letters of a word."""
    edge = EDGE * (box[3] - box[1])
    left, top, right, low = clip
    wide = left <= box[0] + edge and box[2] - edge <= right
    return wide and top <= box[1] + edge and box[3] - edge <= low


def _invisible(
    page: OpenPage, objects: PageObjects, found: Sequence[FoundWord], invisible: list[int]
) -> dict[int, str]:
    """Words without ink: hidden, unless they lie over the same words in the picture of a scan."""
    scan = objects.pictures >= SCAN_PICTURES * page.width * page.height
    if not scan or len(invisible) < SCAN_WORDS * len(found):
        return dict.fromkeys(invisible, "invisible")
    width, height, scale = _size(page)
    pixels = page.gray(width, height)
    kinds: dict[int, str] = {}
    for index in invisible:
        x0, y0, x1, y1 = (int(side * scale) for side in found[index][1:])
        inked = raster.ink(pixels, width, height, (x0, y0, x1 + 1, y1 + 1)) > SCAN_INK
        kinds[index] = "scan_layer" if inked else "invisible"
    return kinds


def _unseen(
    page: OpenPage, objects: PageObjects, found: Sequence[FoundWord], suspects: list[Suspect]
) -> dict[int, str]:
    """Those of the suspects without which the page looks the same, as a whole or in a part."""
    alone = [suspect for suspect in suspects if suspect.alone]
    groups = _clusters(found, [suspect for suspect in suspects if not suspect.alone])
    kinds: dict[int, str] = {}
    for group in [*groups, *([one] for one in alone[:MAX_ALONE])]:
        for suspect in _unchanged(page, objects, found, group):
            kinds.setdefault(suspect.index, suspect.kind)
    return kinds


def _unchanged(
    page: OpenPage, objects: PageObjects, found: Sequence[FoundWord], group: Sequence[Suspect]
) -> Iterator[Suspect]:
    """Those without whose texts the page looks the same, in all of a word or in a part of it."""
    width, height, scale = _size(page)
    boxes = [_pixels(found[suspect.index], scale, width, height) for suspect in group]
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    part = (left, top, max(b[2] for b in boxes), max(b[3] for b in boxes))
    texts = {text for suspect in group for text in suspect.texts}
    whole = page.colours((width, height), part)
    objects.activate(texts, active=False)
    bare = page.colours((width, height), part)
    objects.activate(texts, active=True)
    wide = part[2] - left
    for suspect, (x0, y0, x1, y1) in zip(group, boxes, strict=True):
        letters = len(found[suspect.index][0])
        parts = 1 if suspect.alone else min(letters, max(1, int((x1 - x0) / (PART * (y1 - y0)))))
        edges = [x0 - left + (x1 - x0) * n // parts for n in range(parts + 1)]
        slices = [(start, y0 - top, end, y1 - top) for start, end in pairwise(edges)]
        seen = (
            raster.differs(whole, bare, wide, each, least=SEEN, share=SEEN_SHARE) for each in slices
        )
        if not all(seen):
            yield suspect


def _clusters(found: Sequence[FoundWord], suspects: list[Suspect]) -> list[list[Suspect]]:
    """Suspects that stand at about the same height: what lies between them needn't be drawn."""
    clusters: list[list[Suspect]] = []
    bottom = 0.0
    for suspect in sorted(suspects, key=lambda one: found[one.index][2]):
        _, _, top, _, low = found[suspect.index]
        if not clusters or (top > bottom + NEAR and len(clusters) < MAX_CLUSTERS):
            clusters.append([])
            bottom = low
        clusters[-1].append(suspect)
        bottom = max(bottom, low)
    return clusters


def _pixels(word: FoundWord, scale: float, width: int, height: int) -> tuple[int, int, int, int]:
    """The box of a word in pixels, at least one of them."""
    x0, y0 = (max(0, int(side * scale)) for side in word[1:3])
    x1, y1 = int(word[3] * scale) + 1, int(word[4] * scale) + 1
    x0, y0 = min(x0, width - 1), min(y0, height - 1)
    return x0, y0, max(x0 + 1, min(x1, width)), max(y0 + 1, min(y1, height))


def _size(page: OpenPage) -> tuple[int, int, float]:
    scale = min(DPI / 72, (MAX_PIXELS / (page.width * page.height)) ** 0.5)
    return max(1, round(page.width * scale)), max(1, round(page.height * scale)), scale
