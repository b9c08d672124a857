"""A pipeline's reference standard, checks and expectations, tried out before anything is run.

Mistakes come back as `KeyProblem`s of the pipeline's file. Judges no record.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from docmill.checks.expectations import check_expectations
from docmill.checks.judge import compile_judge
from docmill.checks.problems import CheckSpecError
from docmill.checks.reference import ReferenceTable, load_reference
from docmill.checks.table import Table
from docmill.errors import KeyProblem
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline


class Standard(NamedTuple):
    """A pipeline's reference standard, or what is wrong with it."""

    table: ReferenceTable | None
    problems: tuple[KeyProblem, ...] = ()


def read_standard(pipeline: Pipeline, root: Path) -> Standard:
    """The reference standard the pipeline names; no table if it names none or it can't be used."""
    if pipeline.reference is None:
        return Standard(None)
    try:
        return Standard(load_reference(pipeline.reference, root))
    except CheckSpecError as error:
        return Standard(None, error.problems)


def check_problems(
    pipeline: Pipeline, fields: Mapping[str, Field], standard: Standard
) -> tuple[KeyProblem, ...]:
    """Mistakes in the checks, given the record's fields."""
    try:
        compile_judge(pipeline, fields, standard.table)
    except CheckSpecError as error:
        return error.problems
    return ()


def expectation_problems(
    pipeline: Pipeline, fields: Mapping[str, Field], *, cache: Path, verify: bool
) -> list[KeyProblem]:
    """Mistakes in the expectations; with `verify` Great Expectations is asked, or `cache` knows."""
    columns = Table(fields).columns
    return check_expectations(pipeline.expectations, columns, cache=cache, verify=verify)
