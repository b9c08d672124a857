"""Words folded to what labels are compared by: letters and digits, no case, no accents.

Also says where a label may begin and end: at separators such as `/`, `:`, brackets. Knows no
fields; the readable form of text is `documents.text`.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from docmill.documents.layout import Word
from docmill.documents.text import normalise

_SEPARATORS = re.compile(r"[/|:=()\[\]{};<>≤≥±~*•→]+")
_ALONE = re.compile(r"^[-–—−·.,_]+$")
_KEPT = "%‰°#"
_SPECIAL = str.maketrans({"№": "no", "µ": "u", "Ω": "ohm", "ω": "ohm", "ø": "o", "ł": "l"})


def vocabulary(text: str) -> frozenset[str]:
    """Words divided by spaces, as a set."""
    return frozenset(text.split())


class Token(NamedTuple):
    """A folded piece of a word."""

    text: str
    word: int
    """Index of the word it came from."""
    starts: bool
    """Whether a label may begin here."""
    ends: bool
    """Whether a label may end here."""


class Piece(NamedTuple):
    """A folded part of a single word, with the separators around it."""

    text: str
    before: bool
    after: bool


@lru_cache(maxsize=20_000)
def pieces(text: str) -> tuple[Piece, ...]:
    """Parts of a word between separators, folded; none for a word of separators only."""
    plain = normalise(text)
    if _ALONE.match(plain):
        return (Piece("", before=True, after=True),)
    found: list[Piece] = []
    parts = _SEPARATORS.split(plain)
    ratio = len(parts) == 2 and "/" in plain and all(1 <= len(fold(part)) < 4 for part in parts)
    for index, part in enumerate(parts):
        folded = fold(part)
        comma = part.endswith((",", ";"))
        before, after = index > 0 and not ratio, index < len(parts) - 1 and not ratio
        found.append(Piece(folded, before=before, after=after or comma))
    return tuple(found)


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """Letters and digits of a text in lower case without accents."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPECIAL).casefold())
    kept = "".join(char for char in plain if char.isalnum() or char in _KEPT)
    return kept.translate(_SPECIAL)


def fold_words(words: Sequence[Word]) -> tuple[Token, ...]:
    """Tokens of a cell."""
    tokens: list[Token] = []
    border = True
    for index, word in enumerate(words):
        for piece in pieces(word.text):
            if piece.before:
                border = True
                _close(tokens)
            if piece.text:
                tokens.append(Token(piece.text, index, starts=border, ends=piece.after))
                border = piece.after
            elif piece.after:
                border = True
                _close(tokens)
    _close(tokens)
    return tuple(tokens)


def _close(tokens: list[Token]) -> None:
    if tokens and not tokens[-1].ends:
        tokens[-1] = tokens[-1]._replace(ends=True)


def fold_text(text: str) -> str:
    """A whole label folded: `Yield strength Rp0,2` → `yieldstrengthrp02`."""
    return "".join(piece.text for word in text.split() for piece in pieces(word))
