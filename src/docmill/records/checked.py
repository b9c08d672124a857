"""What code made of a submitted record: every leaf field once, with status and evidence."""

import re
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast

from pydantic import field_serializer, field_validator

from docmill.base import Frozen
from docmill.records.flags import FlagKind
from docmill.records.values import Box, Range

ROW_NUMBER = re.compile(r"\[\d+\]")
ValueStatus = Literal["verified", "unverified", "missing", "ambiguous"]
ReadingValue = bool | Decimal | date | Range | str | None
Qualifier = Literal["=", "<", "<=", ">", ">=", "~"]


class Evidence(Frozen):
    """Where a value was found again by code."""

    page: int
    quote: str
    """The verbatim words of the page, as the document's text layer has them."""
    boxes: tuple[Box, ...] = ()
    """One box per visual line of the quote; the value's own words, not its label's."""
    label_box: Box | None = None
    ocr: bool = False
    """True if the words came from OCR; then the quote isn't verbatim in the document."""
    confidence: float | None = None


class Reading(Frozen):
    """One candidate value in normal form."""

    value: ReadingValue
    """Decimal for number, integer and quantity; `date` for dates; `Range` for ranges. In JSON
    tagged with its kind, `{"number": "3.30"}`, so that it comes back as what it was."""
    unit: str | None = None
    """Unit in the field's own spelling (`mm`, `EUR`, `°C`); None without one."""
    qualifier: Qualifier = "="
    evidence: Evidence | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _untag(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        match cast("dict[str, Any]", value):
            case {"number": str(number)}:
                return Decimal(number)
            case {"date": str(day)}:
                return date.fromisoformat(day)
            case {"range": bounds}:
                return Range.model_validate(bounds)
            case other:
                return other

    @field_serializer("value", when_used="json")
    def _tag(self, value: ReadingValue) -> object:
        match value:
            case Decimal():
                return {"number": str(value)}
            case date():
                return {"date": value.isoformat()}
            case Range():
                return {"range": value.model_dump(mode="json", exclude_none=True)}
            case _:
                return value


class CheckedValue(Frozen):
    """One leaf of the record after schema check and grounding."""

    path: str
    """Place in the record: `supply_voltage`, `lines[2].amount`; rows count from 0."""
    status: ValueStatus
    reading: Reading | None = None
    """The value, present if verified or unverified."""
    candidates: tuple[Reading, ...] = ()
    """All rivals, if ambiguous; never reduced to one."""
    code: str = ""
    """Why it isn't verified: `quote_not_found`, `number_differs`, `no_ink`, ... or empty."""
    reason: str = ""
    """The same as one sentence."""
    required: bool = True
    by: str = ""
    """The model that delivered it, where several were asked; else empty."""
    session: str = ""
    """The session that found it, where that is an earlier one than the document's; else empty."""
    flags: tuple[FlagKind, ...] = ()
    """What is odd about the words it stands in, as `DocumentResult.flags` has it with places."""

    @property
    def field(self) -> str:
        """The path without row numbers: `lines.amount`."""
        return ROW_NUMBER.sub("", self.path)


class CheckedRecord(Frozen):
    """A record that passed its schema; `values` are in the order of the record's fields."""

    values: tuple[CheckedValue, ...]
    rows: dict[str, int] = {}
    """Number of rows of each list field, also where it is 0."""
