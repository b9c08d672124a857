"""Unit spellings: from what a page prints to one canonical spelling, or to None.

Whitelist only (`unit_data`): an unknown word is no unit. Conversion stands in `convert`.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from docmill.quantities.unit_data import (
    BASES,
    CURRENCIES,
    EXACT_SPELLINGS,
    HARDNESS,
    NEVER_ALONE,
    PREFIXES,
    SHARED_SYMBOLS,
    WORD_SPELLINGS,
)

MAX_LENGTH = 24
CHARACTERS = str.maketrans({"μ": "µ", "Ω": "Ω", "⋅": "·", "∙": "·", "•": "·", "*": "·", "×": "·",
                            "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\uf0b0": "°",
                            "\uf06d": "µ", "\uf057": "Ω", "∕": "/", "⁄": "/"})  # fmt: skip
LENGTHS_AND_TIME = re.compile(r"(?:[pnµumcdk]?m|in|ft|yd|s)$")
FACTOR = re.compile(
    r"(?P<symbol>[^\W\d_¹²³⁴]+|°[CF]|[°º˚%‰℃$€£¥])"
    r"(?:\^?\(?(?P<caret>(?<=[\^(])-?[1-4])\)?|(?P<digit>[2-4])|(?P<raised>⁻?[¹²³⁴]))?$"
)
RAISED = str.maketrans("¹²³⁴⁻", "1234-")
LOWERED = {1: "", 2: "²", 3: "³", 4: "⁴"}
LOADED = re.compile(
    rf"(?P<scale>{'|'.join(HARDNESS)}) ?"
    r"(?P<load>[0-9]+(?:[.,][0-9]+)?(?:/[0-9]+(?:[.,][0-9]+)?){0,2})"
)
STANDARD_LOADS = {"0.01", "0.05", "0.1", "0.2", "0.3", "0.5", "1", "2", "3", "5", "10", "20", "30",
                  "50", "100"}  # fmt: skip
RUN = re.compile(r"[^\s<>=,;:\[\]{}|±+]{1,24}")
SPACED = re.compile(
    r"(?:[°º˚] [CF]|deg\.? ?[CF]|V [AD]C|N m|ft lbf?|ft lbs|lbf? ft|in lbf|Shore[ -][AD]|"
    r"% (?:RH|rF|r\.F\.|\([mv]/[mv]\))|"
    r"(?i:grad|degrees?|degrés) (?i:celsius)|per cent)(?![\w/])"
)


class Symbol(NamedTuple):
    """A simple unit: `scale` times the base unit named `base`."""

    scale: str
    base: str


def _symbols() -> dict[str, Symbol]:
    found = {symbol: Symbol("1", symbol) for symbol in BASES}
    for symbol, base in BASES.items():
        for prefix in base.prefixes.split():
            found.setdefault(prefix + symbol, Symbol(PREFIXES[prefix], symbol))
    found |= {code: Symbol("1", code) for code in (*CURRENCIES, *HARDNESS)}
    found |= {"°C": Symbol("1", "°C"), "°F": Symbol("1", "°F")}
    return found


SYMBOLS = _symbols()


class Compound(NamedTuple):
    """A product of simple units: symbol → exponent, in the order of their first appearance."""

    powers: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        over = [f"{symbol}{LOWERED[power]}" for symbol, power in self.powers if power > 0]
        under = [f"{symbol}{LOWERED[-power]}" for symbol, power in self.powers if power < 0]
        top = "·".join(over) or "1"
        if not under:
            return top
        return f"{top}/{under[0]}" if len(under) == 1 else f"{top}/({'·'.join(under)})"


def canonical_unit(text: str) -> str | None:
    """The one spelling of a unit (`N/mm2` → `N/mm²`, `uA` → `µA`, `€` → `EUR`), or None.

    Brackets around it are dropped. `C`, `F` and `B` alone are None: they could be anything.
    """
    if len(text) > MAX_LENGTH + 8:
        return None
    return _canonical(text)


@lru_cache(maxsize=8192)
def _canonical(text: str) -> str | None:
    clean = " ".join(text.translate(CHARACTERS).split())
    if clean[:1] + clean[-1:] in ("[]", "()"):
        clean = clean[1:-1].strip()
    clean = re.sub(r" ?([/·]) ?", r"\1", clean)
    if not clean or clean in NEVER_ALONE:
        return None
    spelled = EXACT_SPELLINGS.get(clean) or WORD_SPELLINGS.get(clean.lower())
    if spelled:
        return spelled
    simple = _symbol(clean)
    if simple and simple not in NEVER_ALONE:
        return simple
    loaded = LOADED.fullmatch(clean)
    if loaded:
        return loaded["scale"] + loaded["load"].replace(",", ".")
    compound = split_unit(clean)
    if compound is None:
        return None
    spelling = str(compound)
    return EXACT_SPELLINGS.get(spelling, spelling)


def _symbol(text: str) -> str | None:
    """A simple unit symbol in canonical spelling; `u` counts as micro."""
    spelled = EXACT_SPELLINGS.get(text, text)
    if spelled in SYMBOLS:
        return spelled
    micro = "µ" + spelled[1:]
    return micro if spelled.startswith("u") and micro in SYMBOLS else None


@lru_cache(maxsize=4096)
def split_unit(text: str) -> Compound | None:
    """The simple units a canonical or printed compound consists of; None if it isn't one."""
    top, slash, bottom = text.partition("/")
    if slash and (not bottom or "/" in bottom):
        return None
    if bottom[:1] + bottom[-1:] == "()":
        bottom = bottom[1:-1]
    elif "·" in bottom:  # `W/m·K` can be read in two ways
        return None
    powers: dict[str, int] = {}
    factors = [(part, 1) for part in top.split("·") if top != "1"]
    factors += [(part, -1) for part in bottom.split("·") if slash]
    if len(factors) > 5:
        return None
    for part, sign in factors:
        factor = _factor(part)
        if factor is None or factor[0] in powers:
            return None
        powers[factor[0]] = factor[1] * sign
    return Compound(tuple(powers.items())) if powers else None


def _factor(text: str) -> tuple[str, int] | None:
    match = FACTOR.match(text)
    if match is None:
        simple = _symbol(text)
        return (simple, 1) if simple else None
    symbol = _symbol(match["symbol"])
    if symbol is None:
        whole = _symbol(text)
        return (whole, 1) if whole else None
    if match["digit"] and not LENGTHS_AND_TIME.match(symbol):
        return None
    power = int((match["caret"] or match["digit"] or match["raised"] or "1").translate(RAISED))
    return (symbol, power)


class UnitSpan(NamedTuple):
    """A unit found at a place in a text."""

    unit: str
    end: int


def scan_unit(text: str, start: int) -> UnitSpan | None:
    """The longest unit that begins exactly at `start` and ends at a word boundary."""
    spaced = SPACED.match(text, start)
    if spaced:
        unit = canonical_unit(spaced[0])
        if unit:
            return UnitSpan(unit, spaced.end())
    loaded = LOADED.match(text, start)
    if loaded and _is_load(text, loaded):
        return UnitSpan(canonical_unit(loaded[0]) or "", loaded.end())
    run = RUN.match(text, start)
    if run is None:
        return None
    for end in range(run.end(), start, -1):
        if _is_boundary(text, end):
            unit = canonical_unit(text[start:end])
            if unit and not text[start:end].startswith(("(", "[")):
                return UnitSpan(unit, end)
    return None


def _is_load(text: str, match: re.Match[str]) -> bool:
    attached = match.start("load") == match.end("scale")
    return _is_boundary(text, match.end()) and (
        attached or "/" in match["load"] or match["load"].replace(",", ".") in STANDARD_LOADS
    )


def _is_boundary(text: str, end: int) -> bool:
    """Whether a unit may end here: not in the middle of a word."""
    if end >= len(text):
        return True
    last, following = text[end - 1], text[end]
    if following in "²³⁴⁻¹^":
        return False
    if following == "/" and end + 1 < len(text) and text[end + 1].isalnum():
        return False
    in_word = last.isalnum() or last == "_"
    return not (in_word and (following.isalnum() or following == "_"))


def resolve_shared(unit: str, hint: str | None) -> str:
    """`$`, `¥` and `kr` as the currency `hint`, where that is one they can stand for."""
    wanted = canonical_unit(hint) if hint else None
    return wanted if wanted and wanted in SHARED_SYMBOLS.get(unit, ()) else unit
