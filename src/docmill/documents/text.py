"""One plain form for text that means the same, and quotes found again on a page.

`normalise` is for reading, `QuoteIndex` for searching: it also ignores where words and lines
break. Nothing here knows numbers or units; characters come from `glyphs`, words from `layout`.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmill.documents.glyphs import LEGIBLE, PLAIN

# A hyphen that text layers put where a word is broken, and nowhere else but in place of a real one.
_SOFT = "\u00ad\u0002\ufffe"
_HYPHEN = re.compile(rf"(?<=[^\W\d_])(?:[{_SOFT}]\s*|-[^\S\n]*\n\s*)(?=[^\W\d_])")
_IRREGULAR = re.compile(r"[^ -~]")
_SQUEEZED = re.compile(r"[!-{}~]*")
"""Text that is as plain as it can be: printable ASCII but spaces and `|`."""
_LETTERS_JOINED = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_PUNCTUATION = "()[]{}:;'\"*=#№°"
_MAX_HITS = 500


def normalise(text: str) -> str:
    """The plain form of a text: one space between words, no line-end hyphens, one sign per meaning.

    Ligatures and full-width forms are spelled out, dashes and minus signs become `-`, symbol
    fonts' private characters the signs they show. Idempotent, linear in the length of the text.
    """
    if _IRREGULAR.search(text):
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
        text = unicodedata.normalize("NFC", text.translate(PLAIN))
        text = _HYPHEN.sub("", text)
        for soft in _SOFT:
            text = text.replace(soft, "-")
    return unicodedata.normalize("NFC", " ".join(text.split()))


def legible(text: str) -> str:
    """A text for a grammar of numbers and units: symbol fonts and ligatures spelled out.

    Dashes and quotation marks stay as printed, for `10–20` isn't always `10-20`.
    """
    if not _IRREGULAR.search(text):
        return text
    text = _HYPHEN.sub("", unicodedata.normalize("NFC", text))
    for soft in _SOFT:
        text = text.replace(soft, "-")
    return " ".join(text.translate(LEGIBLE).split())


class NormalWords(NamedTuple):
    """Words in plain form, each character with the index of the word it came from."""

    text: str
    words: "array[int]"


def normalise_words(words: Sequence[str], *, fold_case: bool = False) -> NormalWords:
    """The words as one searchable text without spaces, with a map back to the words.

    Hyphens between letters are left out, for a text layer doesn't tell a broken word from a
    compound one; every other hyphen may be a minus sign and stays.
    """
    plain = _SQUEEZED.fullmatch("".join(words)) is not None
    parts = list(words) if plain else [_squeeze(word) for word in words]
    if fold_case:
        parts = [part.casefold() for part in parts]
    owners = array("l")
    for index, part in enumerate(parts):
        owners.extend((index,) * len(part))
    joined = "".join(parts)
    if "-" not in joined:
        return NormalWords(joined, owners)
    for match in reversed(list(_LETTERS_JOINED.finditer(joined))):
        del owners[match.start()]
    return NormalWords(_LETTERS_JOINED.sub("", joined), owners)


def search_form(text: str) -> str:
    """The form in which two spellings of one quote are equal, whatever breaks words and lines."""
    return _LETTERS_JOINED.sub("", _squeeze(text))


def _squeeze(text: str) -> str:
    """Plain and without whitespace and `|`, which divides cells in what models are shown."""
    if _SQUEEZED.fullmatch(text):
        return text
    if _IRREGULAR.search(text):
        for soft in _SOFT:
            text = text.replace(soft, "-")
        text = unicodedata.normalize("NFC", "".join(text.split()))
        text = unicodedata.normalize("NFC", text.translate(PLAIN))
    return "".join(text.replace("|", " ").split())


class Span(NamedTuple):
    """Words `first` to `last`, both included, that hold a quote."""

    first: int
    last: int
    whole: bool
    """Whether the quote begins and ends where words do, punctuation aside."""


class QuoteIndex:
    """The words of a page, ready to be searched for quotes."""

    def __init__(self, words: Sequence[str], *, fold_case: bool = False) -> None:
        self._fold = fold_case
        self._text, self._words = normalise_words(words, fold_case=fold_case)

    def __contains__(self, quote: str) -> bool:
        form = self._form(quote)
        return bool(form) and form in self._text

    def _form(self, quote: str) -> str:
        form = search_form(quote)
        return form.casefold() if self._fold else form

    def find(self, quote: str) -> Iterator[Span]:
        """Every place of a quote in reading order, at most 500; none for an empty quote."""
        form = self._form(quote)
        start = self._text.find(form) if form else -1
        for _ in range(_MAX_HITS):
            if start < 0:
                return
            end = start + len(form)
            yield Span(self._words[start], self._words[end - 1], self._whole(start, end))
            start = self._text.find(form, start + 1)

    def _whole(self, start: int, end: int) -> bool:
        return self._edge(start - 1, start) and self._edge(end, end - 1)

    def _edge(self, outer: int, inner: int) -> bool:
        """Whether a quote may end at `inner`: beyond it another word or mere punctuation begins."""
        if not self._same_word(outer, inner):
            return True
        char, beyond = self._text[outer], 2 * outer - inner
        if char in ".,!?":  # a full stop after the word, or `No.` stuck to the number
            ends = not self._same_word(beyond, outer)
            return ends if outer > inner else not ends and self._text[beyond].isalpha()
        return char in _PUNCTUATION

    def _same_word(self, one: int, other: int) -> bool:
        inside = min(one, other) >= 0 and max(one, other) < len(self._text)
        return inside and self._words[one] == self._words[other]
