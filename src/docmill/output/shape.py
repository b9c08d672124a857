"""The shape of a record: its fields, its JSON Schema, and the user's own model if there is one.

Made by `fields`, read by `check` and by everything that compiles a pipeline.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import BaseModel

from docmill.errors import DocmillError, KeyProblem
from docmill.spec.fields import Field

FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
"""Names a field may have; `fields` of a pipeline are stricter, schemas may use camel case."""


class RecordSpecError(DocmillError):
    """A pipeline's `record` has mistakes; `problems` holds all, paths relative to `record`."""

    def __init__(self, problems: Sequence[KeyProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in self.problems))


class Bounds(NamedTuple):
    """Limits a JSON Schema puts on a field: of a number, of a text's length, of a list's rows."""

    minimum: Decimal | None = None
    exclusive_minimum: Decimal | None = None
    maximum: Decimal | None = None
    exclusive_maximum: Decimal | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class RecordShape:
    """What a record of a pipeline looks like."""

    fields: dict[str, Field]
    """In the order of the record."""
    json_schema: dict[str, Any]
    """Input of `submit_record`, as `schema.record_schema` makes it."""
    model: type[BaseModel] | None = None
    """The user's pydantic model, validated with the plain values after everything else."""
    bounds: dict[str, Bounds] = field(default_factory=dict[str, Bounds])
    """By path without row numbers: `lines.amount`."""
