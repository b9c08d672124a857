"""Words and signs around numbers: at least, up to, between, plus-minus, in six languages.

All patterns are matched at one place and bounded, so that hostile text costs linear time.
"""

import re
from collections.abc import Iterable
from typing import Literal

CHARACTERS = str.maketrans({
    **dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a", " "),
    **dict.fromkeys("\u202f\u3000\t", " "),
    **dict.fromkeys("\u2010\u2011\ufe63\uff0d\u2043", "-"),
    **dict.fromkeys("\u2014\u2015", "–"),
    "μ": "µ", "Ω": "Ω", "∼": "~", "～": "~", "≅": "≈", "≦": "≤", "⩽": "≤", "≧": "≥", "⩾": "≥",
    "\uf0b0": "°", "\uf0b1": "±", "\uf06d": "µ", "\uf0b3": "≥", "\uf0a3": "≤", "\uf057": "Ω",
    "⌀": "Ø", "∅": "Ø", "ø": "Ø", "’": "'", "ʼ": "'", "\u2018": "'",
})  # fmt: skip
"""One character for one, so that places in the text stay what they are."""

Bound = Literal["<", "<=", ">", ">=", "~", "="]

SIGNS: dict[str, Bound] = {
    "<=": "<=", "=<": "<=", "≤": "<=", "<": "<", ">=": ">=", "=>": ">=", "≥": ">=", ">": ">",
    "~": "~", "≈": "~",
}  # fmt: skip
AT_MOST = (
    "max", "maxi", "maxim", "maximal", "maximum", "maximaal", "maks", "maksimum", "maksymalnie",
    "máx", "maximo", "máximo", "massimo", "höchstens", "hoechstens",
)  # fmt: skip
AT_MOST_PHRASES = (
    "up to", "at most", "not more than", "no more than", "not exceeding", "bis zu", "bis", "do",
    "nicht mehr als", "jusqu'à", "jusqu'a", "au plus", "au maximum", "pas plus de",
    "nie więcej niż", "co najwyżej",
    "como máximo", "no más de", "hasta", "al massimo", "fino a", "non più di", "nicht über",
)  # fmt: skip
AT_LEAST = (
    "min", "mini", "minimal", "minimum", "mindestens", "mind", "minimalnie", "mín", "minimo",
    "mínimo",
)  # fmt: skip
AT_LEAST_PHRASES = (
    "ab", "od", "at least", "not less than", "no less than", "nicht weniger als", "nicht unter",
    "au moins",
    "au minimum", "pas moins de", "co najmniej", "nie mniej niż", "como mínimo", "al menos",
    "no menos de", "almeno", "non meno di",
)  # fmt: skip
LESS = ("less than", "below", "kleiner als", "weniger als", "moins de", "mniej niż", "menos de",
        "meno di", "poniżej")  # fmt: skip
MORE = ("more than", "greater than", "above", "größer als", "mehr als", "plus de", "więcej niż",
        "más de", "più di", "powyżej")  # fmt: skip
ABOUT = ("approx", "approximately", "ca", "circa", "about", "etwa", "ungefähr", "env", "environ",
         "około", "aprox", "typ", "typical", "typisch", "nom", "nominal")  # fmt: skip

_MEANING: dict[str, Bound] = {
    **dict.fromkeys((*AT_MOST, *AT_MOST_PHRASES), "<="),
    **dict.fromkeys((*AT_LEAST, *AT_LEAST_PHRASES), ">="),
    **dict.fromkeys(LESS, "<"),
    **dict.fromkeys(MORE, ">"),
    **dict.fromkeys(ABOUT, "~"),
    **dict.fromkeys(("typ", "typical", "typisch", "nom", "nominal"), "="),
}


def _alternatives(words: Iterable[str]) -> str:
    ordered = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", " {1,2}") for word in ordered)


BEFORE = re.compile(
    rf"(?:(?P<word>{_alternatives(_MEANING)})(?![^\W_])\.?|(?P<sign><=|=<|≤|<|>=|=>|≥|>|~|≈))"
    r" {0,3}[:=]? {0,3}",
    re.IGNORECASE,
)
AFTER = re.compile(
    r" {0,2}(?P<open>\(?)"
    rf"(?P<word>{_alternatives((*AT_MOST, *AT_LEAST, 'typ', 'typical', 'nom'))})"
    r"(?![^\W_])\.?(?P<close>\)?)",
    re.IGNORECASE,
)
BETWEEN = re.compile(
    r"(?:from|between|von|zwischen|de|du|entre|od|między|pomiędzy|da|tra|desde)(?![^\W_]) {1,2}",
    re.IGNORECASE,
)
TO = re.compile(
    r" {0,2}(?:\.{2,4}|…|‥|÷|~) {0,2}|"
    r" {1,2}(?:to|bis|à|do|a|al|until|till|through|thru) {1,2}|"
    r"(?<=[^\W\d_%])(?:to|bis)(?= ?[+\-−–]?[0-9])|"
    r" {1,2}[-–−] {1,2}|[-–−](?! )",
    re.IGNORECASE,
)
AND = re.compile(r" {1,2}(?:and|und|et|i|a|e|y)(?: {1,2})", re.IGNORECASE)
PLUS_MINUS = re.compile(r" {0,2}\(? {0,1}(?:±|\+ ?/ ?[-−–]|\+[-−–]|[-−–]/\+|∓) {0,2}")
ORDER = re.compile(r" {0,2}(<=|≤|<) {0,2}")
SYMBOL = re.compile(r"[^\W\d_]\w{0,11}(?:[ ,_]\w{1,8})?")


def meaning(match: re.Match[str]) -> Bound:
    """What a match of `BEFORE` or `AFTER` says about the number beside it."""
    groups = match.groupdict()
    if groups.get("sign"):
        return SIGNS[groups["sign"]]
    return _MEANING[" ".join(groups["word"].lower().split())]
