"""Where a run's results go besides its report: files in a folder or bucket, a database's table.

`handover` writes them; what stands in them is the same as in report.json.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from docmill.base import Frozen

PLACES = ("pipeline", "run")
"""What an address may leave open, in braces."""
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")
TableName = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,50}(\.[A-Za-z_][A-Za-z0-9_]{0,50})?$")
]


class Results(Frozen):
    """One hand-over, by one of `to` and `table`."""

    to: str | None = None
    """Folder in the workspace or fsspec address: `s3://bucket/results/{pipeline}/{run}/`."""
    formats: Annotated[tuple[Literal["csv", "parquet"], ...], Field(min_length=1)] = ("csv",)
    """Files to write there; `parquet` needs `pip install docmill[parquet]`."""
    table: TableName | None = None
    """Table, or `SCHEMA.TABLE`; made if it isn't there."""
    database_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Name of the environment variable with the database's address as SQLAlchemy has it."""
    rows: Literal["values", "documents"] = "values"
    """`values` is a row for each value with its proof, `documents` a row for each document."""

    @field_validator("formats", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> "Results":
        if (self.to is None) == (self.table is None):
            raise ValueError("give one of `to` and `table`")
        if (self.table is None) != (self.database_env is None):
            raise ValueError("`table` and `database_env` go together")
        for found in _BRACES.finditer(self.to or ""):
            if found[1] not in PLACES:
                raise ValueError(f"`{found[0]}` means nothing; known: {{pipeline}}, {{run}}")
        return self

    @property
    def target(self) -> str:
        """Where they go, for people."""
        if self.table is not None:
            return f"table {self.table} ({self.database_env})"
        return (self.to or "").partition("?")[0]
