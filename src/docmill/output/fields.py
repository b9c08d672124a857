"""Fields of a record, whichever way the pipeline gives them: `fields`, JSON Schema, python model.

Finds every mistake at once, with its place. Schemas are read by `jsonschema`, the user's module by
`imports`; what a field means when a record arrives is the business of `check`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import SchemaError, SchemaValidator, core_schema

from docmill.documents.text import normalise
from docmill.errors import KeyProblem
from docmill.output.claims import did_you_mean
from docmill.output.imports import import_model
from docmill.output.jsonschema import SchemaFields, read_schema
from docmill.output.schema import record_schema
from docmill.output.shape import RecordShape, RecordSpecError
from docmill.quantities.units import SYMBOLS, canonical_unit
from docmill.spec.fields import Field, RecordSpec

_MAX_SCHEMA_BYTES = 1_000_000
_MAX_FIELDS = 500
_UNITS = tuple(SYMBOLS)
_MORE = 2
"""Letters by which a unit meant may be longer or shorter than the one written."""

Key = tuple[str | int, ...]


def resolve_record(spec: RecordSpec, root: Path) -> RecordShape:
    """The shape of a pipeline's record; `root` is the workspace.

    Raises:
        RecordSpecError: with every problem; their paths are relative to the pipeline's `record`.
    """
    model: type[BaseModel] | None = None
    if spec.fields is not None:
        found, key = SchemaFields(dict(spec.fields)), "fields"
    elif spec.json_schema is not None:
        found, key = _from_file(spec.json_schema, root), "json_schema"
    else:
        model, key = import_model(spec.python or "", root), "python"
        found = _from_model(model, spec.python or "")
    problems = [*found.problems]
    if not found.fields and not problems:
        problems.append(KeyProblem((key,), "the record has no fields", "name at least one"))
    problems += _field_problems(found.fields, key)
    if problems:
        raise RecordSpecError(problems)
    return RecordShape(found.fields, record_schema(found.fields), model, found.bounds)


def _from_file(name: str, root: Path) -> SchemaFields:
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()):
        return _failed(f"`{name}` lies outside the workspace", "copy it into the workspace")
    try:
        if file.stat().st_size > _MAX_SCHEMA_BYTES:
            return _failed(f"`{name}` is larger than {_MAX_SCHEMA_BYTES} bytes")
        schema: object = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        return _failed(f"`{name}` can't be read: {error.strerror}", f"expected at {file}")
    except json.JSONDecodeError as error:
        return _failed(f"`{name}`:{error.lineno}:{error.colno}: no JSON: {error.msg}")
    except (UnicodeDecodeError, RecursionError) as error:
        return _failed(f"`{name}` is no JSON Schema: {type(error).__name__}")
    return read_schema(schema, key="json_schema", name=name)


def _failed(message: str, remedy: str = "") -> SchemaFields:
    return SchemaFields(problems=[KeyProblem(("json_schema",), message, remedy)])


def _from_model(model: type[BaseModel], name: str) -> SchemaFields:
    try:
        schema = model.model_json_schema(by_alias=False)
    except PydanticInvalidForJsonSchema as error:
        return SchemaFields(problems=[KeyProblem(("python",), f"`{name}`: {error.message}")])
    return read_schema(schema, key="python", name=name)


def _field_problems(fields: dict[str, Field], key: str) -> Iterator[KeyProblem]:
    flat = list(_walk(fields, ()))
    if len(flat) > _MAX_FIELDS:
        yield KeyProblem((key,), f"{len(flat)} fields are more than the {_MAX_FIELDS} allowed")
    for path, field in flat:
        for problem in _problems_of(field):
            if key == "fields":
                yield problem._replace(path=(key, *path, *problem.path))
            else:  # the place is in another file, so the message names the field
                message = f"`{_dotted(path)}`: {problem.message}"
                yield KeyProblem((key,), message, problem.remedy)


def _dotted(path: Key) -> str:
    return ".".join(str(part) for part in path if part != "fields")


def _walk(fields: dict[str, Field], path: Key) -> Iterator[tuple[Key, Field]]:
    for name, field in fields.items():
        yield (*path, name), field
        if field.fields is not None:
            yield from _walk(field.fields, (*path, name, "fields"))


def _problems_of(field: Field) -> Iterator[KeyProblem]:
    if field.fields is not None and not field.fields:
        yield KeyProblem(("fields",), "a list needs fields for its rows")
    if field.pattern is not None:
        yield from _pattern_problems(field.pattern)
    if field.unit is not None and canonical_unit(field.unit) is None:
        alike = tuple(unit for unit in _UNITS if abs(len(unit) - len(field.unit)) <= _MORE)
        message = f"`{field.unit}` is no unit docmill knows{did_you_mean(field.unit, alike)}"
        yield KeyProblem(("unit",), message, "for a count without a unit use type `number`")
    if field.enum is not None:
        yield from _enum_problems(field.enum)


def _pattern_problems(pattern: str) -> Iterator[KeyProblem]:
    try:
        SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError as error:
        reason = str(error).strip().rpartition("\n")[2].strip() or "not understood"
        remedy = "look-around and back-references are not available: matching takes linear time"
        yield KeyProblem(("pattern",), f"`{pattern}` is no regular expression: {reason}", remedy)


def _enum_problems(enum: dict[str, tuple[str, ...]]) -> Iterator[KeyProblem]:
    if not enum:
        yield KeyProblem(("enum",), "an enumeration needs at least one text")
    owner: dict[str, str] = {}
    for canonical, spellings in enum.items():
        for spelling in (canonical, *spellings):
            other = owner.setdefault(normalise(spelling).casefold(), canonical)
            if other != canonical:
                message = f"`{spelling}` stands for `{other}` and for `{canonical}`"
                yield KeyProblem(("enum", canonical), message, "give each spelling one meaning")
