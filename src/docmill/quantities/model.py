"""What a quantity on a page is, once it was read without any doubt; and the refusal if it wasn't.

Read by `grammar`, used by every layer above. Nothing here parses or converts.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

Kind = Literal["exact", "bounded", "interval", "toleranced"]
Qualifier = Literal["=", "<", "<=", ">", ">=", "~"]
DecimalMark = Literal[".", ","]


class QuantityError(ValueError):
    """A text that is no quantity, or could be read as more than one; `code` is stable.

    Codes: `empty`, `too_long`, `no_number`, `bad_number`, `ambiguous_separator`,
    `decimal_conflict`, `superscript`, `ambiguous_sign`, `ambiguous_percent`, `ambiguous_min`,
    `ambiguous_bound`, `ambiguous_range`, `ambiguous_power`, `reversed`, `unit_missing`,
    `unit_conflict`, `fit_unknown`, `identifier`, `extra_text`.
    """

    def __init__(self, code: str, message: str, *, end: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.end = end
        """Where reading may go on in a longer text."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One quantity as stated; all numbers are in `unit`, which is None where none was printed.

    `exact`: `value` (qualifier `=` or `~`). `bounded`: `value` is the bound, and also `low` or
    `high`. `interval`: `low` and `high`. `toleranced`: `nominal` (also in `value`) with deviations
    `lower` <= `upper` and the limits `low` and `high`; a tolerance printed without nominal
    value (`±5 %`) has deviations only.
    """

    kind: Kind
    value: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    low_inclusive: bool = True
    high_inclusive: bool = True
    nominal: Decimal | None = None
    lower: Decimal | None = None
    """Lower deviation from the nominal value, with its sign."""
    upper: Decimal | None = None
    """Upper deviation from the nominal value, with its sign."""
    relative: bool = False
    """True if the deviations were printed as a percentage of the nominal value."""
    unit: str | None = None
    """Canonical spelling: `mm`, `N/mm²`, `°C`, `EUR`."""
    qualifier: Qualifier = "="
    fit: str | None = None
    """ISO 286 tolerance class the limits come from: `h7`."""
    spaced: bool = False
    """True if digits were joined across ordinary spaces (`1 200`): two numbers are conceivable."""
    raw: str = ""
    """The text as it stands in the document."""


class Span(NamedTuple):
    """A quantity in a longer text: `text[start:end]` is `parsed.raw`."""

    start: int
    end: int
    parsed: Parsed
