"""Plain values of a submitted record, held against bounds of a JSON Schema and the user's model.

Numbers are converted to the field's unit where that is exact. The user's code runs here, on the
host: it is the workspace's own, not the document's.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError

from docmill.output.claims import ReadClaim
from docmill.output.imports import USER_FAULTS
from docmill.output.outcome import RecordError
from docmill.output.shape import Bounds, RecordShape
from docmill.output.submitted import Leaf, Submission
from docmill.output.units import in_unit
from docmill.records.checked import ROW_NUMBER
from docmill.records.values import Range
from docmill.spec.fields import Field


def check_plain_values(submission: Submission, shape: RecordShape) -> None:
    """Add to the submission's errors what bounds and the user's model find wrong."""
    if shape.bounds:
        for path, message in _out_of_bounds(submission, shape.bounds):
            submission.error(path, "out_of_bounds", message)
    if shape.model is not None:
        settled = {leaf.path for leaf in submission.leaves if len(leaf.claims) == 1}
        for error in _model_errors(shape.model, plain_record(submission, shape.fields), settled):
            submission.error(error.path, error.code, error.message)


def plain_value(claim: ReadClaim, field: Field) -> Any:
    """The value without its proof: in the field's unit if it converts exactly, else as claimed."""
    value, unit = claim.value, claim.claim.unit
    if isinstance(value, Decimal):
        return in_unit(value, unit, field.unit)
    if isinstance(value, Range):
        ends = {"min": value.min, "typ": value.typ, "max": value.max}
        return {
            name: in_unit(end, unit, field.unit) for name, end in ends.items() if end is not None
        }
    return value


def plain_record(submission: Submission, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The record as the user's model knows it; values missing or ambiguous are left out."""
    values = {
        leaf.path: plain_value(leaf.claims[0], leaf.field)
        for leaf in submission.leaves
        if len(leaf.claims) == 1
    }
    return _plain_object(values, submission.rows, fields, "")


def _plain_object(
    values: Mapping[str, Any], rows: Mapping[str, int], fields: Mapping[str, Field], place: str
) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, field in fields.items():
        path = f"{place}.{name}" if place else name
        if field.fields is not None:
            plain[name] = [
                _plain_object(values, rows, field.fields, f"{path}[{row}]")
                for row in range(rows.get(path, 0))
            ]
        elif path in values:
            plain[name] = values[path]
    return plain


def _model_errors(
    model: type[BaseModel], plain: dict[str, Any], settled: set[str]
) -> Iterator[RecordError]:
    """What the user's model says, except that a value the document doesn't state is absent."""
    try:
        model.model_validate(plain, strict=False, by_alias=False, by_name=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False):
            path = _path(detail["loc"])
            if detail["type"] == "missing" and path not in settled:
                continue
            message = detail["msg"].removeprefix("Value error, ")
            yield RecordError(path=path, code="model_invalid", message=message)
    except USER_FAULTS as error:
        message = f"the record's model failed: {type(error).__name__}: {error}"
        yield RecordError(path="", code="model_raised", message=message[:500])


def _path(location: Sequence[str | int]) -> str:
    """`("lines", 2, "amount")` as `lines[2].amount`; parts of a range belong to their field."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def _out_of_bounds(
    submission: Submission, bounds: Mapping[str, Bounds]
) -> Iterator["tuple[str, str]"]:
    for path, count in submission.rows.items():
        limits = bounds.get(ROW_NUMBER.sub("", path), Bounds())
        yield from (
            (path, text) for text in _count(count, limits.min_items, limits.max_items, "rows")
        )
    for leaf in submission.leaves:
        limits = bounds.get(ROW_NUMBER.sub("", leaf.path))
        if limits is not None and len(leaf.claims) == 1:
            yield from ((leaf.path, text) for text in _leaf_bounds(leaf, limits))


def _leaf_bounds(leaf: Leaf, limits: Bounds) -> Iterator[str]:
    value = plain_value(leaf.claims[0], leaf.field)
    if isinstance(value, str):
        yield from _count(len(value), limits.min_length, limits.max_length, "characters")
    if isinstance(value, Decimal):
        yield from _number(value, limits)


def _number(value: Decimal, limits: Bounds) -> Iterator[str]:
    if limits.minimum is not None and value < limits.minimum:
        yield f"{value} is below the minimum of {limits.minimum}"
    if limits.exclusive_minimum is not None and value <= limits.exclusive_minimum:
        yield f"{value} is not above {limits.exclusive_minimum}"
    if limits.maximum is not None and value > limits.maximum:
        yield f"{value} is above the maximum of {limits.maximum}"
    if limits.exclusive_maximum is not None and value >= limits.exclusive_maximum:
        yield f"{value} is not below {limits.exclusive_maximum}"


def _count(count: int, least: int | None, most: int | None, what: str) -> Iterator[str]:
    if least is not None and count < least:
        yield f"{count} {what}; at least {least}"
    if most is not None and count > most:
        yield f"{count} {what}; at most {most}"
