"""A pipeline's reference standard, checks and expectations, tried out before anything is run.

Mistakes come back as `KeyProblem`s of the pipeline's file. Judges no record.
"""

from typing import NamedTuple

from docmill.errors import KeyProblem
from docmill.output.shape import RecordShape
from docmill.records.results import ReferenceInfo
from docmill.spec.load import LoadedWorkspace
from docmill.spec.pipeline import Pipeline


class Judging(NamedTuple):
    """What was found out about a pipeline's checks."""

    references: tuple[ReferenceInfo, ...] = ()
    problems: tuple[KeyProblem, ...] = ()


def resolve_checks(
    loaded: LoadedWorkspace, pipeline: Pipeline, shape: RecordShape, *, verify_expectations: bool
) -> Judging:
    """Load the reference standard, compile the checks, try the expectations' names."""
    return Judging()
