"""Proof of texts, ids, enumerations and yes/no: the words have to say them themselves.

Case and spaces don't matter; a part of a word proves nothing, for `S235JR` is not `S235JR+N`.
"""

from typing import NamedTuple

from docmill.documents.text import QuoteIndex, Span
from docmill.output.claims import show
from docmill.output.pagetext import Passage
from docmill.output.proof import Case, Proof, Proven, Refused

_YES = frozenset(["yes", "ja", "oui", "si", "sí", "sì", "true", "wahr", "vrai", "✓", "✔", "☑"])
_NO = frozenset(["no", "nein", "non", "false", "falsch", "faux", "✗", "✘", "☐"])
_NOT = frozenset(["not", "nicht", "non", "no", "kein", "keine", "pas", "never"])
_EDGES = ".,:;()[]*\"'"


def prove_text(case: Case) -> Proof:
    """A text or id, contained in the words as whole words; an enumeration by its spellings."""
    value = str(case.claim.value)
    if case.field.enum is not None:
        return _prove_enum(case, value)
    index = _index(case.words)
    spans = list(index.find(value))
    for span in spans:
        if span.whole:
            return Proven(value, _part(case.words, span))
    if spans:
        words = _part(case.words, spans[0]).quote
        reason = f"{show(value)} is only a part of {show(words)} on the page; give the whole word"
        return Refused("text_incomplete", reason)
    reason = f"the quote {case.shown()} doesn't contain {show(value)}; give the value as printed"
    return Refused("text_not_in_quote", reason)


class _Hit(NamedTuple):
    canonical: str
    span: Span

    def inside(self, other: "_Hit") -> bool:
        longer = other.span.last - other.span.first > self.span.last - self.span.first
        return longer and (
            other.span.first <= self.span.first and self.span.last <= other.span.last
        )


def _prove_enum(case: Case, value: str) -> Proof:
    hits = _hits(case)
    names = {hit.canonical for hit in hits}
    own = [hit for hit in hits if hit.canonical == value]
    if not own:
        spellings = ", ".join((value, *(case.field.enum or {}).get(value, ())))
        reason = f"the quote {case.shown()} has none of the spellings of {show(value)}: {spellings}"
        return Refused("text_not_in_quote", reason)
    if len(names) > 1:
        both = " and ".join(sorted(names))
        reason = f"the quote {case.shown()} says {both}; quote only the words that apply"
        return Refused("enum_ambiguous", reason)
    first = own[0].span
    before = case.words.words[first.first - 1].text if first.first else ""
    if before.casefold().strip(_EDGES) in _NOT:
        return Refused("negated", f"the quote {case.shown()} denies {show(value)}")
    return Proven(value, _part(case.words, first))


def _hits(case: Case) -> list[_Hit]:
    """Whole-word hits of every spelling; `not passed` hides the `passed` in it."""
    index = _index(case.words)
    hits = [
        _Hit(canonical, span)
        for canonical, spellings in (case.field.enum or {}).items()
        for spelling in (canonical, *spellings)
        for span in index.find(spelling)
        if span.whole
    ]
    return [hit for hit in hits if not any(hit.inside(other) for other in hits)]


def prove_boolean(case: Case) -> Proof:
    """Yes or no in words; what a document says in other words, code can't judge."""
    wanted, other = (_YES, _NO) if case.claim.value else (_NO, _YES)
    plain = [word.text.casefold().strip(_EDGES) for word in case.words.words]
    said = [number for number, word in enumerate(plain) if word in wanted]
    if said and not any(word in other for word in plain):
        return Proven(bool(case.claim.value), Passage(case.words.words[said[0] : said[0] + 1]))
    word = "yes" if case.claim.value else "no"
    reason = f"the quote {case.shown()} doesn't say {word!r} in so many words; quote where it does"
    return Refused("boolean_not_stated", reason)


def _index(words: Passage) -> QuoteIndex:
    return QuoteIndex([word.text for word in words.words], fold_case=True)


def _part(words: Passage, span: Span) -> Passage:
    return Passage(words.words[span.first : span.last + 1])
