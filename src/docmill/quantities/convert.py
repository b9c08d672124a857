"""Conversion between whitelisted units: pint multiplies the factors, offsets are ours.

pint gets a registry of our own definitions only, is imported on first use, and never sees text of a
document. Exact decimal arithmetic; results are rounded to 20 significant digits.
"""

from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from docmill.quantities.unit_data import BASES, CURRENCIES, HARDNESS, TWINS
from docmill.quantities.units import LOADED, SYMBOLS, Compound, canonical_unit, split_unit

WORK = Context(prec=40)
RESULT = Context(prec=20)
KELVIN_OFFSET = Decimal("273.15")
FAHRENHEIT_OFFSET = Decimal("459.67")


class IncompatibleUnits(ValueError):  # noqa: N818 - reads as what it is
    """Two units that can't be converted into each other, or aren't known."""

    def __init__(self, from_: str, to: str, reason: str = "") -> None:
        super().__init__(reason or f"{from_!r} and {to!r} measure different things")
        self.from_ = from_
        self.to = to


class _Root(NamedTuple):
    factor: Decimal
    dimension: str


def convert(value: Decimal, from_: str, to: str, *, difference: bool = False) -> Decimal:
    """`value` in unit `from_` expressed in unit `to`.

    `difference=True` converts a difference (a tolerance, an uncertainty): 5 °C is then 5 K.

    Raises:
        IncompatibleUnits: another kind of quantity, or a unit outside the whitelist.
    """
    source, target = canonical_unit(from_), canonical_unit(to)
    if source is None or target is None:
        raise IncompatibleUnits(from_, to, f"unknown unit {(to if source else from_)!r}")
    if source == target or _same_scale(source, target):
        return value
    if not difference and (source in ("°C", "°F") or target in ("°C", "°F")):
        return RESULT.plus(_from_kelvin(_to_kelvin(value, source, to), target, from_))
    start, end = _root(source), _root(target)
    if start.dimension != end.dimension:
        start, end = _root(TWINS.get(source, source)), _root(target)
    if start.dimension != end.dimension:
        start, end = _root(source), _root(TWINS.get(target, target))
    if start.dimension != end.dimension:
        raise IncompatibleUnits(from_, to)
    return RESULT.plus(WORK.divide(WORK.multiply(value, start.factor), end.factor))


def compatible(a: str, b: str) -> bool:
    """Whether values in unit `a` can be converted to unit `b`."""
    try:
        convert(Decimal(0), a, b, difference=True)
    except IncompatibleUnits:
        return False
    return True


def _same_scale(source: str, target: str) -> bool:
    """A hardness with its load is also one on the scale without load, not the other way round."""
    loaded = LOADED.fullmatch(source)
    return loaded is not None and loaded["scale"] == target


def _to_kelvin(value: Decimal, unit: str, to: str) -> Decimal:
    if unit == "°C":
        return WORK.add(value, KELVIN_OFFSET)
    if unit == "°F":
        return WORK.divide(
            WORK.multiply(WORK.add(value, FAHRENHEIT_OFFSET), Decimal(5)), Decimal(9)
        )
    return WORK.multiply(value, _kelvin_factor(unit, unit, to))


def _from_kelvin(kelvin: Decimal, unit: str, from_: str) -> Decimal:
    if unit == "°C":
        return WORK.subtract(kelvin, KELVIN_OFFSET)
    if unit == "°F":
        return WORK.subtract(
            WORK.divide(WORK.multiply(kelvin, Decimal(9)), Decimal(5)), FAHRENHEIT_OFFSET
        )
    return WORK.divide(kelvin, _kelvin_factor(unit, from_, unit))


def _kelvin_factor(unit: str, from_: str, to: str) -> Decimal:
    root = _root(unit)
    if root.dimension != _root("K").dimension:
        raise IncompatibleUnits(from_, to)
    return root.factor


@lru_cache(maxsize=4096)
def _root(unit: str) -> _Root:
    """Factor to, and name of, the product of base units; `°C` here means a difference."""
    parts = Compound(((unit, 1),)) if unit in SYMBOLS else split_unit(unit)
    if parts is None:  # a hardness with its load
        return _Root(Decimal(1), unit)
    registry, names = _registry()
    scale = Decimal(1)
    product: Any = registry.Unit("")
    for symbol, power in parts.powers:
        simple = SYMBOLS[symbol]
        scale = WORK.multiply(scale, WORK.power(Decimal(simple.scale), power))
        product *= registry.Unit(names[simple.base]) ** power
    factor, root = registry.get_root_units(product)
    dimension = str(root)
    if dimension == str(registry.Unit("")):  # mV/V is a share of volts, mm/m one of lengths
        dimension = "/".join(sorted(SYMBOLS[symbol].base for symbol, _ in parts.powers))
    return _Root(WORK.multiply(scale, Decimal(factor)), dimension)


@lru_cache(maxsize=1)
def _registry() -> tuple[Any, dict[str, str]]:
    import pint  # noqa: PLC0415 - 0.4 s, needed only where units differ

    simple = (*BASES, *CURRENCIES, *HARDNESS)
    names = {symbol: f"u{index}" for index, symbol in enumerate(simple)}
    make: Any = pint.UnitRegistry  # its types know neither None nor Decimal here
    registry: Any = make(None, non_int_type=Decimal)
    for symbol, name in names.items():
        base = BASES.get(symbol)
        if base is None or not base.factor:
            registry.define(f"{name} = [d_{name}]")
            continue
        expression = " ".join(names.get(token, token) for token in base.of.split())
        registry.define(f"{name} = {base.factor} * {expression}")
    kelvin = names["K"]
    registry.define(f"delta_f = 5 / 9 * {kelvin}")
    return registry, names | {"°C": kelvin, "°F": "delta_f"}
