"""Where the labels of fields stand: inside one cell, or wrapped over the lines of a cell.

Strength says how sure the label is: a cell, or a part of it between separators, that is nothing but
the label; a label with harmless company (`range`, a symbol); one word of a longer phrase.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from docmill.documents.layout import Word
from docmill.documents.text import normalise
from docmill.models.rules.folding import Token, fold, fold_words, vocabulary
from docmill.models.rules.forms import Form, Forms
from docmill.models.rules.sheet import Line, Sheet, Spot
from docmill.quantities.units import canonical_unit

EXACT = 40
CLOSE = 30
WEAK = 10

_MAX_TOKENS = 14
"""Tokens a label may have."""
_MOST_TOKENS = 120
"""Tokens at the beginning of a cell among which labels are looked for."""
_HARMLESS = vocabulary(
    "range value values rating nominal nom typ typical nenn measured actual result results level"
    " at of the a an in on for and und et de la le der die das des du no nr nummer number num ist"
)
_BOUNDS = {"max": "max", "maximum": "max", "maximal": "max", "min": "min", "minimum": "min"}
_SYMBOL = re.compile(r"^[A-Za-zΑ-ωµØ∆Δ][A-Za-z0-9,./_'-]{0,9}$")
_VALUE = re.compile(r"^[<>=≤≥±+\-−~]*[.,]?\d|^[€$£]\d?")
_IDENTIFIER = re.compile(
    r"^(?=(?:[^\d]*\d){2})[A-Z0-9][A-Za-z0-9]*(?:[-/.][A-Za-z0-9]+)+$|^[A-Z]*\d{3,}$"
)
_AFTERWARDS = vocabulary("during test tests measurement")
"""Harmless behind a label only: `Ambient temperature during the test`."""
_AT = vocabulary("at for in on bei zu mit with pour con @ vs over")
"""A number up to three words behind these belongs to the label: `Resistance at 500 V`."""
_AT_VALUE = vocabulary("at bei @")
_OF = vocabulary("of von de di a")
"""A number directly behind these does: `mean of 3`."""
_LINKS = _AT | _OF | vocabulary("the der die das des du la le les del della dello")
_OPERATOR = re.compile(r"^(?:[<>]=?|[≤≥±])$")
_MARKED = re.compile(r"^[a-z]{3,}\d$")
CODE = re.compile(r"^[A-Z]{1,2}\d{1,4}(?:\.\d{1,2})?$")


class Hit(NamedTuple):
    """A label of a field on the sheet."""

    field: str
    strength: int
    spots: tuple[Spot, ...]
    """The cell, or the lines of a wrapped label from top to bottom."""
    words: tuple[Word, ...]
    """The words of the label itself."""
    rest: tuple[Word, ...]
    """Words of the cell after the label; a value may stand there."""
    marked: bool
    """True if `:` or `=` stands between label and rest."""
    whole: bool
    """True if the cell holds nothing but this label, its code and its translations."""
    bound: str | None
    """`min` or `max` if the label says so: `Maximum supply voltage`."""
    after: tuple[Word, ...] = ()
    """All words of the cell behind the label."""
    inner: tuple[Word, ...] = ()
    """Words of a number in the middle of the label: `plus 19 % VAT`."""
    chain: tuple[Word, ...] = ()
    """All words of the cell, if the label stands between two limits: `-55 °C ≤ TJ ≤ 150 °C`."""
    code: bool = False
    """True if the label is a code such as `C71`."""

    @property
    def spot(self) -> Spot:
        """The cell the label begins in."""
        return self.spots[0]


def find_hits(sheet: Sheet, forms: Forms) -> dict[str, list[Hit]]:
    """All labels by field; of several in one cell for one field, the strongest."""
    found: dict[tuple[str, int, int], Hit] = {}
    carried: set[tuple[int, int]] = set()
    for line in sheet.lines:
        for spot in line.spots:
            if spot.lettered:
                for hit in _cell_hits(sheet, spot, carried, forms):
                    _keep(found, hit)
    exact = {(hit.spot.row, hit.spot.cell) for hit in found.values() if hit.whole}
    hits: dict[str, list[Hit]] = {}
    for hit in found.values():
        if hit.strength == EXACT or (hit.spot.row, hit.spot.cell) not in exact:
            hits.setdefault(hit.field, []).append(hit)
    return hits


def _cell_hits(
    sheet: Sheet, spot: Spot, carried: set[tuple[int, int]], forms: Forms
) -> Iterable[Hit]:
    """Labels in a cell, alone and together with the line below; `carried` are such lines."""
    if (spot.row, spot.cell) not in carried:
        yield from _hits(spot.tokens, spot.words, (spot,), forms)
    lower = _continuation(sheet, sheet.lines[spot.row], spot)
    if lower is not None:
        yield from _wrapped(spot, lower, forms)
        if _runs_on(spot):
            carried.add((lower.row, lower.cell))


def _keep(found: dict[tuple[str, int, int], Hit], hit: Hit) -> None:
    place = (hit.field, hit.spot.row, hit.spot.cell)
    known = found.get(place)
    if known is None or (hit.strength, len(hit.words)) > (known.strength, len(known.words)):
        found[place] = hit


def _continuation(sheet: Sheet, line: Line, spot: Spot) -> Spot | None:
    """The next line of a cell: right below, same left edge or same centre."""
    height = spot.y1 - spot.y0
    for below in sheet.near_below(line, reach=1.4):
        if below.middle - line.middle > 1.4 * height:
            return None
        for other in below.spots:
            offset = min(
                abs(other.x0 - spot.x0),
                abs(other.x1 - spot.x1),
                abs(other.centre - spot.centre),
            )
            if offset <= 2.5 and other.lettered and other.middle - spot.middle >= 0.6 * height:
                return other
    return None


def _runs_on(spot: Spot) -> bool:
    """Whether a cell stops in mid-phrase, so that the line below is no label of its own."""
    last = spot.words[-1].text
    return fold(last) in _LINKS or (last.endswith("-") and last[0].isalpha())


def _wrapped(upper: Spot, lower: Spot, forms: Forms) -> Iterable[Hit]:
    words = (*upper.words, *lower.words)
    border = len(upper.words)
    for hit in _hits(fold_words(words), words, (upper, lower), forms):
        first = words.index(hit.words[0])
        if first < border < first + len(hit.words):
            yield hit


class _Match(NamedTuple):
    form: Form
    first: int
    last: int


def _hits(
    tokens: Sequence[Token], words: tuple[Word, ...], spots: tuple[Spot, ...], forms: Forms
) -> Iterable[Hit]:
    tokens = tokens[:_MOST_TOKENS]
    matches = list(_matches(tokens, words, forms))
    covered: dict[str, set[int]] = {}
    for match in matches:
        span = range(match.first, match.last + 1)
        covered.setdefault(match.form.field, set()).update(span)
    for match in matches:
        hit = _hit(match, tokens, covered[match.form.field], words, spots)
        if hit is not None:
            yield hit
    yield from _around_number(tokens, words, spots, forms)


def _around_number(
    tokens: Sequence[Token], words: tuple[Word, ...], spots: tuple[Spot, ...], forms: Forms
) -> Iterable[Hit]:
    """Labels with a number in their middle, the cell holding nothing else."""
    inner = [
        index
        for index, word in enumerate(words)
        if _VALUE.match(word.text) or (index and canonical_unit(word.text) is not None)
    ]
    if not inner or inner[0] == 0 or inner[-1] == len(words) - 1:
        return
    if inner != list(range(inner[0], inner[-1] + 1)):
        return
    text = "".join(token.text for token in tokens if token.word not in inner)
    for form in forms.by_text.get(text, ()):
        number = words[inner[0] : inner[-1] + 1]
        yield Hit(
            form.field, EXACT, spots, words, (), marked=False, whole=False, bound=None, inner=number
        )


def _matches(tokens: Sequence[Token], words: tuple[Word, ...], forms: Forms) -> Iterable[_Match]:
    for first in range(len(tokens)):
        text = ""
        for last in range(first, min(first + _MAX_TOKENS, len(tokens))):
            text += tokens[last].text
            if text not in forms.beginnings:
                if _MARKED.match(tokens[last].text):  # a footnote mark stuck to the label: `error2`
                    yield from _known(forms, text[:-1], first, last, words)
                break
            yield from _known(forms, text, first, last, words)


def _known(
    forms: Forms, text: str, first: int, last: int, words: tuple[Word, ...]
) -> Iterable[_Match]:
    for form in forms.by_text.get(text, ()):
        if not form.code or (first == 0 and CODE.match(words[0].text.rstrip(":"))):
            yield _Match(form, first, last)


def _hit(
    match: _Match,
    tokens: Sequence[Token],
    covered: set[int],
    words: tuple[Word, ...],
    spots: tuple[Spot, ...],
) -> Hit | None:
    end = _end_of_label(tokens[match.last].word, words, leads=match.form.leads)
    first = tokens[match.first].word
    chained = first > 0 and bool(_OPERATOR.match(normalise(words[first - 1].text)))
    bound = _bound(tokens, covered, end)
    company = [] if match.form.code else _company(tokens, match, covered, end, words)
    strength = _strength(company, bound, words)
    length = sum(len(token.text) for token in tokens[match.first : match.last + 1])
    if length <= 2 and strength < EXACT:
        return None
    rest = () if chained else words[end:]
    return Hit(
        match.form.field,
        strength,
        spots,
        words[first : tokens[match.last].word + 1],
        rest,
        marked=end > 0 and words[end - 1].text.endswith((":", "=")),
        whole=strength == EXACT and not rest and not chained,
        bound=bound,
        chain=words if chained else (),
        after=words[tokens[match.last].word + 1 :],
        code=match.form.code,
    )


def _bound(tokens: Sequence[Token], covered: set[int], end: int) -> str | None:
    """`min` or `max` anywhere in the cell before the value; None if it says both."""
    said = {
        _BOUNDS[token.text]
        for index, token in enumerate(tokens)
        if index not in covered and token.word < end and token.text in _BOUNDS
    }
    return said.pop() if len(said) == 1 else None


def _company(
    tokens: Sequence[Token], match: _Match, covered: set[int], end: int, words: tuple[Word, ...]
) -> list[Token]:
    """Tokens beside the label in its part of the cell that may make it another label."""
    left, right = _part(tokens, match, end)
    coded = CODE.match(words[0].text) is not None and len(tokens) > 1
    beside = [*range(left, match.first), *range(match.last + 1, right + 1)]
    condition = [
        index for index in beside if index > match.last and tokens[index].text in _AT_VALUE
    ]
    if condition:  # `at 24 V input` says under which condition, not what
        beside = [index for index in beside if index < condition[0]]
    return [
        tokens[index]
        for index in beside
        if index not in covered
        and not (coded and tokens[index].word == 0)
        and not _is_unit(words[tokens[index].word].text)
        and tokens[index].text not in _BOUNDS
        and not (tokens[index].text in _AFTERWARDS and index > match.last)
    ]


def _part(tokens: Sequence[Token], match: _Match, end: int) -> tuple[int, int]:
    """First and last token of the part of the cell, between separators, that holds the label."""
    left, right = match.first, match.last
    while left > 0 and not tokens[left].starts:
        left -= 1
    while not tokens[right].ends and right + 1 < len(tokens) and tokens[right + 1].word < end:
        right += 1
    return left, right


def _end_of_label(start: int, words: tuple[Word, ...], *, leads: bool) -> int:
    """Index of the first word that may be a value: after a colon, or a number after the label.

    `start` is the label's last word; `leads` says that it goes on with a sign such as `@`.
    """
    if leads and start + 1 < len(words) and not fold(words[start + 1].text):
        start += 1
    if words[start].text.endswith((":", "=")):
        return start + 1
    for index in range(start + 1, len(words)):
        text = words[index].text
        in_phrase = _in_phrase(words, start + 1, index)
        if text.endswith(":") or (text.endswith("=") and not in_phrase):
            return index + 1
        if not in_phrase and (_VALUE.match(text) or _OPERATOR.match(text)):
            return index
        if not in_phrase and _IDENTIFIER.match(text):
            return index
    return len(words)


def _in_phrase(words: tuple[Word, ...], first: int, index: int) -> bool:
    """Whether a number at `index` would belong to a phrase of the label: `at full load 24 V`."""
    before = [fold(word.text) or word.text for word in words[max(first, index - 3) : index]]
    return bool(_AT & set(before)) or bool(before and before[-1] in _OF)


def _strength(company: list[Token], bound: str | None, words: tuple[Word, ...]) -> int:
    if not company:
        return EXACT if bound is None else CLOSE
    harmless = all(
        token.text in _HARMLESS or token.text.isdigit() or _is_symbol(words[token.word].text)
        for token in company
    )
    return CLOSE if harmless and len(company) <= 4 else WEAK


def _is_unit(text: str) -> bool:
    """A unit that can't be a word or a symbol: `%`, `MPa`, `[mm]`, not `A`."""
    bare = text.strip("[]()")
    return (len(bare) > 1 or not bare.isalpha()) and canonical_unit(bare) is not None


def _is_symbol(text: str) -> bool:
    """`Rm`, `VDD`, `ReH/RP0,2`: short, and with a capital or digit that ordinary words lack."""
    if not _SYMBOL.match(text):
        return False
    return len(text) <= 2 or any(char.isupper() or char.isdigit() for char in text[1:])
