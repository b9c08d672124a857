"""Did-you-mean: the nearest known name, or nothing where none is near."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_NEAR = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`; None if none is like it.

    Case, `-` and `_` are taken as equal; ties go to the name that comes first in the alphabet.
    """
    wanted = _plain(name)
    best, best_score = None, _NEAR
    for candidate in sorted(known):
        score = SequenceMatcher(None, wanted, _plain(candidate)).ratio()
        if score > best_score:
            best, best_score = candidate, score
    return best


def remedy_for(name: str, known: Iterable[str], *, empty: str = "") -> str:
    """`did you mean `x`? (known: x, y)`, or what is left of it; `empty` where nothing is known."""
    names = list(known)
    if not names:
        return empty
    near = nearest(name, names)
    listed = f"known: {', '.join(names)}"
    return f"did you mean `{near}`? ({listed})" if near else listed


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_").strip()
