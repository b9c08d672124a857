"""Two pieces of data compared cell by cell; amounts of money as Decimals."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from docmill.bundle.findings import Check
from docmill.bundle.opening import BundleError

MISSING = "nothing"


def compare_cells(check: Check, place: str, found: object, wanted: object) -> None:
    """Count every leaf of `wanted` as a cell, and note each that `found` says differently.

    Raises:
        BundleError: the data are nested deeper than any honest ones.
    """
    try:
        for where, left, right in _leaves(place, found, wanted):
            check.cells += 1
            if not same(left, right):
                check.wrong(where, left, right)
    except RecursionError as error:
        raise BundleError(f"{place} is nested too deeply.") from error


def same(found: object, wanted: object) -> bool:
    """Whether two cells say the same; `1`, `1.0` and `true` are told apart where JSON does."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _leaves(place: str, found: object, wanted: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        left, right = cast("dict[str, Any]", found), cast("dict[str, Any]", wanted)
        for key in dict.fromkeys([*right, *left]):
            where = f"{place} {key}".strip()
            pair = left.get(key, MISSING), right.get(key, MISSING)
            yield from _money(where, *pair) if "usd" in key else _leaves(where, *pair)
    elif isinstance(found, list) and isinstance(wanted, list):
        old, new = cast("list[Any]", found), cast("list[Any]", wanted)
        for index in range(max(len(old), len(new))):
            one = old[index] if index < len(old) else MISSING
            other = new[index] if index < len(new) else MISSING
            yield from _leaves(f"{place}[{index}]", one, other)
    else:
        yield place, found, wanted


def _money(place: str, found: object, wanted: object) -> Iterator[tuple[str, object, object]]:
    """`0.10` and `0.1` are the same amount."""
    if not (isinstance(found, str) and isinstance(wanted, str)):
        yield from _leaves(place, found, wanted)
        return
    try:
        alike = Decimal(found) == Decimal(wanted)
    except InvalidOperation:
        alike = False
    yield place, wanted if alike else found, wanted
