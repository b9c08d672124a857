"""What a document does that an honest one doesn't: flags, found inside the sandbox.

`sandboxes.toolbox` finds them, `session.suspicion` validates them and weighs them by the pipeline's
`documents.hostile`. A flag is data: it never holds more of the document than a short excerpt.
"""

from typing import Literal, get_args

from docmill.base import Frozen
from docmill.records.values import Box

Topic = Literal["hidden_text", "instructions", "text_layer", "active_content", "structure"]
"""Key of `documents.hostile` that decides what a flag means."""
HiddenKind = Literal[
    "invisible",
    "off_page",
    "no_contrast",
    "tiny",
    "clipped",
    "covered",
    "switched_off",
    "smuggled",
]
FlagKind = Literal[
    HiddenKind,
    "instructions",
    "disagrees",
    "scan_layer",
    "ocr",
    "javascript",
    "launch",
    "submits",
    "embedded_file",
    "form",
    "annotation",
    "odd_structure",
]
FlagSeverity = Literal["warning", "info"]
HIDDEN: frozenset[str] = frozenset(get_args(HiddenKind))
"""Kinds of words that no reader of the printed page sees."""
REMARKS: frozenset[str] = frozenset({"scan_layer", "ocr"})
"""Kinds that say where words come from; never more than information."""
_TOPICS: dict[str, Topic] = {
    **dict.fromkeys(HIDDEN, "hidden_text"),
    "instructions": "instructions",
    **dict.fromkeys(("disagrees", "scan_layer", "ocr"), "text_layer"),
    **dict.fromkeys(("javascript", "launch", "submits", "embedded_file"), "active_content"),
    **dict.fromkeys(("form", "annotation"), "active_content"),
    "odd_structure": "structure",
}
_SAYINGS: dict[FlagKind, str] = {
    "invisible": "text printed without ink",
    "off_page": "text beside the page",
    "no_contrast": "text in the colour of what is behind it",
    "tiny": "text too small to be read",
    "clipped": "text cut away by a clip",
    "covered": "text under a picture or a filled area",
    "switched_off": "text on a layer that is switched off",
    "smuggled": "characters that show nothing and spell out text",
    "instructions": "text that speaks to a language model",
    "disagrees": "the text layer says something else than the printed page",
    "scan_layer": "the text layer of a scanned page, made by somebody's OCR",
    "ocr": "words read by OCR",
    "javascript": "JavaScript",
    "launch": "an action that starts a program",
    "submits": "an action that sends or loads data",
    "embedded_file": "an embedded file",
    "form": "a form, whose fields aren't in the text of the pages",
    "annotation": "annotations, whose text isn't in the text of the pages",
    "odd_structure": "an odd structure",
}


class Flag(Frozen):
    """One thing found; `count` says how often, or in how many words."""

    kind: FlagKind
    page: int = 0
    """Counted from 1; 0 where it is about the document as a whole."""
    boxes: tuple[Box, ...] = ()
    """Where on the page, one box per line."""
    excerpt: str = ""
    """The beginning of its words, or its name."""
    count: int = 1
    severity: FlagSeverity = "warning"
    """`warning` flags the document, `info` is only told."""

    @property
    def topic(self) -> Topic:
        """The key of `documents.hostile` it falls under."""
        return _TOPICS[self.kind]

    @property
    def hidden(self) -> bool:
        """Whether it is about words nobody sees on the page."""
        return self.kind in HIDDEN

    @property
    def sentence(self) -> str:
        """One line for a person: `page 2: text under a picture or a filled area (3 words): ...`."""
        where = f"page {self.page}: " if self.page else ""
        often = f" ({self.count}×)" if self.count > 1 else ""
        excerpt = f": {self.excerpt}" if self.excerpt else ""
        return f"{where}{_SAYINGS[self.kind]}{often}{excerpt}"
