"""Reference standards, checks and expectations of a pipeline."""

from typing import Annotated, Any, Literal

from pydantic import Field

from docmill.base import Frozen

Severity = Literal["critical", "warning", "info"]


class ReferenceColumns(Frozen):
    """Names of the reference table's columns; a column that isn't there is left out."""

    parameter: str = "parameter"
    """Names the record field (or its last part, or an alias of it) the row is about."""
    min: str | None = "min"
    """Lower limit."""
    max: str | None = "max"
    """Upper limit."""
    nominal: str | None = "nominal"
    """Value the tolerance is around."""
    tolerance: str | None = "tolerance"
    """`±5 %`, `±0.1 mm`, `+0.2/-0.1`, `h7`."""
    unit: str | None = "unit"
    """Unit of the limits and the nominal value."""
    clause: str | None = "clause"
    """Where the demand stands in the standard; shown in the report."""
    condition: str | None = "condition"
    """Expression over the record; the row applies where it is true: `wall_thickness <= 16 mm`."""


class Reference(Frozen):
    """A reference standard: a table with one row per demand."""

    path: str
    """xlsx, csv or yaml file in the workspace."""
    sheet: str | None = None
    """Sheet of an xlsx file; the first one if left out."""
    key: dict[str, str] = {}
    """Record field → column; a row applies where values are equal. Empty or `*` fits any."""
    columns: ReferenceColumns = ReferenceColumns()
    version: str | None = None
    """Version of the standard, or `=Sheet!B2` for a cell of the xlsx file that holds it."""


class _Check(Frozen):
    name: str | None = None
    """Name in the report; made from the check's content if left out."""
    severity: Severity = "critical"
    """`info` is a remark: it flags no document."""
    when: str | None = None
    """Expression over the record; the check applies where it is true."""


class ReferenceCheck(_Check):
    """Judge fields against the rows of the reference standard."""

    type: Literal["reference"]
    fields: tuple[str, ...] | None = None
    """Fields to judge; all that the standard has rows for if left out."""
    guard_band: str | None = None
    """`10 %` of the tolerance or `0.02 mm`: closer to a limit than this is `marginal`."""


class ToleranceCheck(_Check):
    """Judge one field against limits written here."""

    type: Literal["tolerance"]
    field: str
    """Field to judge, such as `lines.amount` for each row of a list."""
    nominal: str | None = None
    """Quantity with unit: `5 V`."""
    tolerance: str | None = None
    """`±5 %`, `±0.1 V`, `+0.2/-0.1 V`, or an ISO 286 class such as `h7`."""
    min: str | None = None
    """Lower limit with unit."""
    max: str | None = None
    """Upper limit with unit."""
    guard_band: str | None = None
    """As in a check of type `reference`."""


class ExpressionCheck(_Check):
    """A statement about one record that has to be true."""

    type: Literal["expression"]
    expression: str
    """For instance `abs(sum(lines.amount) - net_total) <= 0.01 EUR`."""
    message: str = ""
    """What to tell the reader where it isn't true."""


class UniqueCheck(_Check):
    """No two documents of the batch may share the values of these fields."""

    type: Literal["unique"]
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    """Fields whose values are compared together."""


class ConsistentCheck(_Check):
    """Documents that share the values of `per` must agree on `field`."""

    type: Literal["consistent"]
    field: str
    """Field that has to agree."""
    per: Annotated[tuple[str, ...], Field(min_length=1)]
    """Fields that say which documents belong together."""


Check = Annotated[
    ReferenceCheck | ToleranceCheck | ExpressionCheck | UniqueCheck | ConsistentCheck,
    Field(discriminator="type"),
]


class Expectation(Frozen):
    """One Great Expectations expectation over the batch's table (a row per document)."""

    type: str
    """`expect_column_values_to_not_be_null`, ..."""
    kwargs: dict[str, Any] = {}
    """Its arguments; columns are fields, `document` and `status`."""
    severity: Severity = "critical"
    """How it is marked in the report."""
