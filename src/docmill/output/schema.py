"""The JSON Schema of `submit_record`'s input, for language models and for the `rules` model.

Language models read the descriptions, `rules` reads `x-docmill`: the field as the pipeline has it.
Deterministic: the same fields give the same bytes, and with them the same document key.
"""

from collections.abc import Collection
from typing import Any, cast

from docmill.spec.fields import Field, FieldType

Schema = dict[str, Any]

_VALUE: dict[FieldType, Schema] = {
    "text": {"type": "string"},
    "id": {"type": "string"},
    "integer": {"type": ["integer", "string"]},
    "number": {"type": ["number", "string"]},
    "quantity": {"type": ["number", "string"]},
    "range": {
        "type": "object",
        "properties": {
            name: {"type": ["number", "string", "null"]} for name in ("min", "typ", "max")
        },
        "additionalProperties": False,
    },
    "date": {"type": "string", "description": "YYYY-MM-DD"},
    "boolean": {"type": "boolean"},
}
_HINT: dict[FieldType, str] = {
    "id": "identifier as printed",
    "integer": "whole number",
    "number": "number",
    "quantity": "number with unit",
    "range": "interval {min, typ, max}; leave an open end out",
    "date": "date as YYYY-MM-DD",
    "boolean": "true or false",
}
_WITH_UNIT: tuple[FieldType, ...] = ("number", "quantity", "range")


def record_schema(fields: dict[str, Field]) -> Schema:
    """JSON Schema of the record: an object with every field, `additionalProperties` false.

    A leaf is `anyOf [claim, ambiguous, null]` of its type, a list an array of objects of such.
    Claims stand once per type in `$defs` (`quantity`, `quantity_ambiguous`).
    """
    types = sorted(_leaf_types(fields))
    defs = {name: definition for kind in types for name, definition in _definitions(kind).items()}
    return {**_object(fields), "$defs": defs}


def partial_schema(fields: dict[str, Field], asked: Collection[str]) -> Schema:
    """JSON Schema of a part of the record.

    Of the other fields only `rules` is told, for their labels compete with those of the asked ones.
    """
    schema = record_schema({name: field for name, field in fields.items() if name in asked})
    beside = {name: annotation(each) for name, each in fields.items() if name not in asked}
    return {**schema, "x-docmill": {"beside": beside, "order": list(fields)}}


def _leaf_types(fields: dict[str, Field]) -> set[FieldType]:
    found: set[FieldType] = set()
    for field in fields.values():
        found |= _leaf_types(field.fields) if field.fields is not None else {field.type}
    return found


def _definitions(kind: FieldType) -> dict[str, Schema]:
    properties: Schema = {"value": _VALUE[kind]}
    if kind in _WITH_UNIT:
        properties["unit"] = {"type": ["string", "null"]}
    properties |= {
        "page": {"type": "integer", "minimum": 1},
        "quote": {
            "type": "string",
            "description": "verbatim words of the page that hold value and unit",
        },
        "label": {"type": ["string", "null"], "description": "verbatim label beside the value"},
    }
    claim: Schema = {
        "type": "object",
        "properties": properties,
        "required": ["value", "page", "quote"],
    }
    ambiguous: Schema = {
        "type": "object",
        "description": "different values that could each be meant; list all, don't choose",
        "properties": {
            "candidates": {"type": "array", "minItems": 2, "items": {"$ref": f"#/$defs/{kind}"}},
            "reason": {"type": "string"},
        },
        "required": ["candidates"],
    }
    return {kind: claim, f"{kind}_ambiguous": ambiguous}


def _object(fields: dict[str, Field]) -> Schema:
    return {
        "type": "object",
        "properties": {name: _property(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def _property(field: Field) -> Schema:
    described: Schema = {"description": describe(field), "x-docmill": annotation(field)}
    if field.fields is not None:
        return {**described, "type": "array", "items": _object(field.fields)}
    kinds = [f"#/$defs/{field.type}", f"#/$defs/{field.type}_ambiguous"]
    return {**described, "anyOf": [*({"$ref": kind} for kind in kinds), {"type": "null"}]}


def annotation(field: Field) -> Schema:
    """The field as JSON without what is default; `Field.model_validate` reads it back."""
    return field.model_dump(mode="json", exclude_defaults=True)


def without_annotations(schema: Schema) -> Schema:
    """The schema without `x-docmill`, a third of its size, for models that read descriptions."""
    return _stripped(schema)


def _stripped(node: Any) -> Any:
    if isinstance(node, dict):
        items = cast("Schema", node).items()
        return {key: _stripped(value) for key, value in items if key != "x-docmill"}
    if isinstance(node, list):
        return [_stripped(item) for item in cast("list[Any]", node)]
    return node


_PROMISED = frozenset(
    {"type", "title", "description", "enum", "const", "anyOf", "allOf", "$ref", "$defs"}
    | {"properties", "items"}
)


def promised(schema: Schema) -> Schema:
    """The schema in the form that an endpoint can promise to keep to.

    Closed objects with all properties required, and none of the bounds that compiled grammars
    don't know; those are checked afterwards, as for every other endpoint.
    """
    kept = {key: value for key, value in schema.items() if key in _PROMISED}
    for key in ("properties", "$defs"):
        if key in kept:
            kept[key] = {name: promised(part) for name, part in kept[key].items()}
    for key in ("anyOf", "allOf"):
        if key in kept:
            kept[key] = [promised(part) for part in kept[key]]
    if "items" in kept:
        kept["items"] = promised(kept["items"])
    if "properties" in kept:
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return kept


def describe(field: Field) -> str:
    """One line for a language model: what the field is, its form, the names it goes by."""
    parts = [field.description.strip()]
    parts.append(_HINT.get(field.type, "") + (f" in {field.unit}" if field.unit else ""))
    if field.aliases:
        parts.append("labelled " + ", ".join(field.aliases))
    if field.section:
        parts.append("under the heading " + " or ".join(field.section))
    if field.pick:
        parts.append(f"the {field.pick} column")
    if field.enum:
        parts.append("one of " + ", ".join(field.enum))
    if field.pattern:
        parts.append(f"matches {field.pattern}")
    return "; ".join(part for part in parts if part)
