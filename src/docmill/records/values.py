"""What a model hands in with `submit_record`: one claim per field, each with page and quote."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from docmill.base import Frozen

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in PDF points; origin at the top left of the page as it is displayed."""

Scalar = str | bool | Decimal


class Range(Frozen):
    """A stated interval such as `-40 to +85 °C` or `max. 12 mA`; an open end is None."""

    min: Decimal | None = None
    typ: Decimal | None = None
    max: Decimal | None = None


class Claim(Frozen):
    """One value the model says it read, with where it read it."""

    value: Any
    """Number, text, ISO date, true/false, or `{min, typ, max}` for a field of type `range`."""
    unit: str | None = None
    """Unit as printed or in the field's own spelling; None for a value without one."""
    page: Annotated[int, Field(ge=1)]
    """Page number, counted from 1."""
    quote: Annotated[str, Field(min_length=1, max_length=2000)]
    """The words of the page that prove the value, verbatim, value and unit included."""
    box: Box | None = None
    """Where the quote stands, if the model knows; code finds it again by itself."""
    label: str | None = None
    """The label beside the value, verbatim, if there is one on the page."""
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


class Ambiguous(Frozen):
    """Two or more different values that could each be the field's; never a guess between them."""

    candidates: Annotated[tuple[Claim, ...], Field(min_length=2)]
    reason: str = ""
