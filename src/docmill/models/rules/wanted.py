"""The fields to look for, read from the input schema of `submit_record`.

docmill's own schemas carry each field in `x-docmill`; of foreign ones the field is derived from
title, description and type. Parsed once per schema, for a batch asks the same for every document.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from pydantic import ValidationError

from docmill.errors import ModelError
from docmill.models.rules.forms import Forms, make_forms
from docmill.spec.fields import Field, FieldType

_TYPES: dict[str, FieldType] = {
    "string": "text",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a record asks for."""

    fields: dict[str, Field]
    """All whose labels count, those that aren't asked for too."""
    asked: tuple[str, ...]
    """Those to be handed in, in record order."""
    forms: Forms
    """Labels of the fields outside lists, by field name."""
    shared: frozenset[str]
    """Fields that share a label with another one, such as the rate and the amount of a tax."""
    rows: dict[str, Forms]
    """Labels of each list's fields, by list name."""


def read_wanted(schema: Mapping[str, Any]) -> Wanted:
    """Fields and labels of a record's JSON Schema.

    Raises:
        ModelError: the schema is no object with properties, or an annotation is broken.
    """
    return _read(json.dumps(schema, sort_keys=False))


@lru_cache(maxsize=64)
def _read(text: str) -> Wanted:
    schema = cast("dict[str, Any]", json.loads(text))
    try:
        fields = _fields(schema)
        known = _in_order(schema, fields)
    except (ValidationError, ValueError, LookupError, AttributeError) as error:
        raise ModelError(
            f"the record's schema can't be read by `rules`: {error}", code="model_schema"
        ) from None
    if not fields:
        raise ModelError("the record's schema has no properties", code="model_schema")
    return wanted_of(known, asked=tuple(fields))


def wanted_of(fields: Mapping[str, Field], *, asked: tuple[str, ...] | None = None) -> Wanted:
    """The fields with their labels; `asked`: those to be handed in, all if it is None."""
    leaves = {name: field for name, field in fields.items() if field.type != "list"}
    rows = {name: make_forms(field.fields) for name, field in fields.items() if field.fields}
    forms = make_forms(leaves)
    names = [{form.field for form in several} for several in forms.by_text.values()]
    shared = frozenset(name for several in names if len(several) > 1 for name in several)
    return Wanted(dict(fields), tuple(fields) if asked is None else asked, forms, shared, rows)


def _in_order(schema: dict[str, Any], asked: dict[str, Field]) -> dict[str, Field]:
    """The asked fields among those of the record that aren't asked for, as the record has them."""
    annotation = cast("dict[str, Any]", schema.get("x-docmill") or {})
    beside = cast("dict[str, Any]", annotation.get("beside") or {})
    known = asked | {name: Field.model_validate(part) for name, part in beside.items()}
    order = cast("list[str]", annotation.get("order") or list(asked))
    return {name: known[name] for name in order}


def _fields(schema: dict[str, Any]) -> dict[str, Field]:
    properties = cast("dict[str, dict[str, Any]]", schema.get("properties") or {})
    return {name: _field(part) for name, part in properties.items()}


def _field(schema: dict[str, Any]) -> Field:
    annotation = cast("dict[str, Any] | None", schema.get("x-docmill"))
    items = cast("dict[str, Any]", schema.get("items") or {})
    if annotation is not None:
        data = dict(annotation)
        if data.get("type") == "list" and "fields" not in data:
            data["fields"] = _fields(items)
        return Field.model_validate(data)
    title = str(schema.get("title") or "")
    description = str(schema.get("description") or "")
    aliases = (title,) if title else ()
    kind = _foreign_type(schema)
    if kind == "array" and items.get("properties"):
        return Field(type="list", aliases=aliases, description=description, fields=_fields(items))
    if schema.get("format") == "date":
        return Field(type="date", aliases=aliases, description=description)
    enum = schema.get("enum")
    spelled = {str(item): () for item in cast("list[Any]", enum)} if enum else None
    leaf = _TYPES.get(kind, "text")
    return Field(
        type="text" if spelled else leaf, aliases=aliases, description=description, enum=spelled
    )


def _foreign_type(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        names = [str(item) for item in cast("list[Any]", kind) if item != "null"]
        return names[0] if names else "string"
    if kind is None:
        branches = cast("list[dict[str, Any]]", schema.get("anyOf") or schema.get("oneOf") or [])
        typed = [branch for branch in branches if branch.get("type") not in (None, "null")]
        return str(typed[0]["type"]) if typed else "string"
    return str(kind)
