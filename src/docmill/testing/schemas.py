"""What a JSON Schema may say where the model's output is promised to keep to it.

Neighbours: `checking` asks for strict tools and for `output_config.format`. Schemas of ordinary
tools may say anything.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

ANYWHERE = {
    "type",
    "title",
    "description",
    "default",
    "enum",
    "const",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "definitions",
}
BY_TYPE = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems"},
    "string": {"format", "pattern"},
    "integer": set[str](),
    "number": set[str](),
    "boolean": set[str](),
    "null": set[str](),
}
FORMATS = {
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
}


def check_schema(schema: Any) -> str:
    """The first thing in it that can't be promised; empty if there is none."""
    return next(_problems(schema), "")


def _problems(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield "Schema should be a dictionary"
        return
    given = cast("dict[str, Any]", schema)
    kinds = given.get("type", [])
    kinds = cast("list[str]", kinds if isinstance(kinds, list) else [kinds])
    known = set[str]().union(ANYWHERE, *(BY_TYPE.get(kind, set[str]()) for kind in kinds))
    for key in given:
        if key not in known:
            yield f"For {kinds[0] if kinds else 'any'!r} type, property {key!r} is not supported"
    if "object" in kinds and given.get("additionalProperties") is not False:
        yield "For 'object' type, 'additionalProperties' must be explicitly set to false"
    if given.get("format", "date") not in FORMATS:
        yield f"For 'string' type, format {given['format']!r} is not supported"
    if given.get("minItems", 0) > 1:
        yield "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    if not str(given.get("$ref", "#")).startswith("#"):
        yield "External $ref is not supported"
    for part in _parts(given):
        yield from _problems(part)


def _parts(schema: Mapping[str, Any]) -> Iterator[Any]:
    for key in ("properties", "$defs", "definitions"):
        yield from (schema.get(key) or {}).values()
    for key in ("anyOf", "allOf"):
        yield from schema.get(key) or ()
    if "items" in schema:
        yield schema["items"]
