"""Numbers, units, intervals and dates as documents print them.

The grammar is ours and strict: what is ambiguous is refused, never guessed. pint converts between
whitelisted units only. Decimal arithmetic throughout, no binary floats.
"""

from docmill.quantities.convert import IncompatibleUnits, compatible, convert
from docmill.quantities.dates import DateSpan, find_dates, parse_dates
from docmill.quantities.fits import Deviations, fit_deviations
from docmill.quantities.model import DecimalMark, Kind, Parsed, Qualifier, QuantityError, Span
from docmill.quantities.numbers import detect_decimal, numbers_equal, parse_number
from docmill.quantities.reading import find_quantities, parse_quantity
from docmill.quantities.tolerances import Tolerance, parse_tolerance
from docmill.quantities.units import canonical_unit

__all__ = [
    "DateSpan",
    "DecimalMark",
    "Deviations",
    "IncompatibleUnits",
    "Kind",
    "Parsed",
    "Qualifier",
    "QuantityError",
    "Span",
    "Tolerance",
    "canonical_unit",
    "compatible",
    "convert",
    "detect_decimal",
    "find_dates",
    "find_quantities",
    "fit_deviations",
    "numbers_equal",
    "parse_dates",
    "parse_number",
    "parse_quantity",
    "parse_tolerance",
]
