"""Flags of a page: words nobody sees, and words that speak to a model, as data for the host.

Neighbours: `hidden` finds the first, `phrases` the second, `active` what lies beside the pages. A
flag is `{kind, page?, boxes?, excerpt?, count?}`; what it means decides the pipeline, outside.
"""

from __future__ import annotations

from . import active, hidden, phrases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .pdfium import Document, OpenPage, TextLayer
    from .words import Box, FoundWord, Words

    Flag = dict[str, Any]

MAX_FLAGS = 200
"""Of a document; what is more is counted in the last of its kind."""
MAX_BOXES = 6
EXCERPT = 80


class Suspicion:
    """Collects what is found in one document."""

    def __init__(self, *, keep_hidden: bool) -> None:
        self._keep = keep_hidden
        self._layers = False
        self.flags: list[Flag] = []
        self.left_out = 0
        """Words that nobody sees and that aren't in the layout."""

    def look_at(self, document: Document | None, data: bytes) -> None:
        """Take in what the document holds besides pages; None: pdfium refuses it."""
        found = active.named(data)
        self._layers = "layers" in found
        for flag in active.document_flags(document, data, found):
            self._add(flag)

    def sift(self, page: OpenPage, layer: TextLayer, words: Words, number: int) -> list[FoundWord]:
        """The words of a page that go into the layout; what is odd about them becomes flags."""
        found = words.found
        kinds = hidden.look(page, layer, found, words.spans, layers=self._layers)
        for flag in _runs(found, kinds, number):
            self._add(flag)
        self.listen(found, number)
        self.comments(page, number)
        unseen = {index for index, kind in kinds.items() if kind != "scan_layer"}
        if self._keep or not unseen:
            return found
        self.left_out += len(unseen)
        return [word for index, word in enumerate(found) if index not in unseen]

    def comments(self, page: OpenPage, number: int) -> None:
        """Take in the annotations of a page."""
        flag, words = active.annotation_flag(page, number)
        if flag is not None:
            self._add(flag)
        for first, last in phrases.addressed(words):
            excerpt = " ".join(words[first : last + 1])[:EXCERPT]
            self._add({"kind": "instructions", "page": number, "excerpt": excerpt})

    def listen(self, found: Sequence[FoundWord], number: int) -> None:
        """Take in what the words of a page say to a model."""
        for first, last in phrases.addressed([word[0] for word in found]):
            self._add(_flag("instructions", number, found[first : last + 1], 1))

    def _add(self, flag: Flag) -> None:
        if len(self.flags) < MAX_FLAGS:
            self.flags.append(flag)
            return
        for known in reversed(self.flags):
            if known["kind"] == flag["kind"]:
                known["count"] = known.get("count", 1) + flag.get("count", 1)
                return
        self.flags[-1] = flag  # a kind not seen before is worth more than one more of another


def _runs(found: Sequence[FoundWord], kinds: dict[int, str], number: int) -> list[Flag]:
    """One flag per run of words of one kind that follow each other."""
    flags: list[Flag] = []
    run: list[int] = []
    for index in sorted(kinds):
        if run and (index != run[-1] + 1 or kinds[index] != kinds[run[0]]):
            flags.append(_flag(kinds[run[0]], number, [found[i] for i in run], len(run)))
            run = []
        run.append(index)
    if run:
        flags.append(_flag(kinds[run[0]], number, [found[i] for i in run], len(run)))
    return flags


def _flag(kind: str, number: int, words: Sequence[FoundWord], count: int) -> Flag:
    excerpt = " ".join(word[0] for word in words[:EXCERPT])[:EXCERPT]
    return {
        "kind": kind,
        "page": number,
        "boxes": _lines(words),
        "excerpt": excerpt,
        "count": count,
    }


def _lines(words: Sequence[FoundWord]) -> list[Box]:
    """A box per line of text; those beyond `MAX_BOXES` in the last."""
    lines: list[list[float]] = []
    for _, x0, y0, x1, y1 in words:
        low = lines[-1] if lines else None
        if low and (min(low[3], y1) - max(low[1], y0) > 0 or len(lines) == MAX_BOXES):
            lines[-1] = [min(low[0], x0), min(low[1], y0), max(low[2], x1), max(low[3], y1)]
        else:
            lines.append([x0, y0, x1, y1])
    return [tuple(round(side, 2) for side in line) for line in lines]  # pyright: ignore[reportReturnType]
