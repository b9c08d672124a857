"""Fields from a JSON Schema: of a file in the workspace, or the one a pydantic model generates.

Understood: objects, arrays of objects, scalar types, `enum`, `const`, `pattern`, `format: date`,
bounds, local `$ref`, `null` as an alternative, and `x-type, x-unit, x-aliases, x-section, x-pick`.
Everything else is a problem, never ignored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, TypeGuard, cast

from pydantic import ValidationError

from docmill.errors import KeyProblem
from docmill.output.shape import FIELD_NAME, Bounds
from docmill.spec.fields import Field

Schema = dict[str, Any]

_MAX_DEPTH = 4
_ANNOTATIONS = {
    "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default",
    "examples", "deprecated", "readOnly", "writeOnly", "nullable",
}  # fmt: skip
_EXTENSIONS = {
    "x-type": "type", "x-unit": "unit", "x-aliases": "aliases", "x-section": "section",
    "x-pick": "pick",
}  # fmt: skip
_NUMBER_BOUNDS = {
    "minimum": "minimum", "exclusiveMinimum": "exclusive_minimum",
    "maximum": "maximum", "exclusiveMaximum": "exclusive_maximum",
}  # fmt: skip
_COUNT_BOUNDS = {
    "minLength": "min_length", "maxLength": "max_length",
    "minItems": "min_items", "maxItems": "max_items",
}  # fmt: skip
_UNDERSTOOD = (
    {"type", "enum", "const", "format", "pattern", "properties", "required", "items"}
    | {"additionalProperties"} | _ANNOTATIONS | set(_EXTENSIONS) | set(_NUMBER_BOUNDS)
    | set(_COUNT_BOUNDS)
)  # fmt: skip


@dataclass
class SchemaFields:
    """What a JSON Schema says of a record; `problems` is empty if all of it was understood."""

    fields: dict[str, Field] = field(default_factory=dict[str, Field])
    bounds: dict[str, Bounds] = field(default_factory=dict[str, Bounds])
    problems: list[KeyProblem] = field(default_factory=list[KeyProblem])


def read_schema(schema: object, *, key: str, name: str) -> SchemaFields:
    """Fields of a JSON Schema; `key` and `name` say where it comes from, for the problems."""
    return _Reader(schema, key, name).read()


class _Place(NamedTuple):
    pointer: str
    path: str
    depth: int

    def property(self, name: str) -> "_Place":
        path = f"{self.path}.{name}" if self.path else name
        return _Place(f"{self.pointer}/properties/{name}", path, self.depth)

    def rows(self) -> "_Place":
        return _Place(f"{self.pointer}/items", self.path, self.depth + 1)


class _Reader:
    def __init__(self, schema: object, key: str, name: str) -> None:
        self._root = schema
        self._key = key
        self._name = name
        self._found = SchemaFields()

    def read(self) -> SchemaFields:
        place = _Place("#", "", 1)
        node = self._plain(self._root, place)
        if node is not None:
            self._found.fields = self._fields(node.schema, place)
        return self._found

    def _problem(self, place: _Place, message: str, remedy: str = "") -> None:
        text = f"{self._name}{place.pointer}: {message}"
        self._found.problems.append(KeyProblem((self._key,), text, remedy))

    def _fields(self, node: Schema, place: _Place) -> dict[str, Field]:
        properties = node.get("properties")
        if node.get("type", "object") != "object" or not _is_object(properties) or not properties:
            self._problem(place, "a record and its rows are objects with `properties`")
            return {}
        if place.depth > _MAX_DEPTH:
            self._problem(place, f"lists are nested more than {_MAX_DEPTH - 1} deep")
            return {}
        required = node.get("required", [])
        fields: dict[str, Field] = {}
        for name, child in properties.items():
            here = place.property(name)
            if not FIELD_NAME.fullmatch(name):
                self._problem(here, f"`{name}` can't be a field's name", "use letters, digits, _")
                continue
            found = self._field(child, here, required=name in required)
            if found is not None:
                fields[name] = found
        return fields

    def _field(self, child: object, place: _Place, *, required: bool) -> Field | None:
        plain = self._plain(child, place)
        if plain is None:
            return None
        node = plain.schema
        for key in sorted(node.keys() - _UNDERSTOOD):
            if not key.startswith("x-"):
                self._problem(place, f"`{key}` isn't supported", "use `python: module:Model`")
        values = self._shape(node, place)
        if values is None:
            return None
        values |= {ours: node[theirs] for theirs, ours in _EXTENSIONS.items() if theirs in node}
        values |= {"required": required and not plain.nullable}
        values |= _naming(node, values, place)
        self._bound(node, place)
        try:
            return Field.model_validate(values)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                where = "".join(f" `{part}`" for part in detail["loc"])
                self._problem(place, f"{detail['msg'].removeprefix('Value error, ')}{where}")
            return None

    def _shape(self, node: Schema, place: _Place) -> Schema | None:
        kind = node.get("type")
        if kind == "array":
            return self._list(node, place)
        if kind == "object":
            return self._range(node, place)
        if kind in ("number", "integer", "boolean"):
            if "enum" in node or "const" in node:
                self._problem(place, f"`enum` of type `{kind}` isn't supported", "use strings")
            return {"type": "quantity" if "x-unit" in node and kind != "boolean" else kind}
        if kind == "string" or "enum" in node or "const" in node:
            return self._text(node, place)
        self._problem(place, f"type {kind!r} isn't supported", "string, number, integer, boolean")
        return None

    def _text(self, node: Schema, place: _Place) -> Schema | None:
        style = node.get("format")
        if style == "date":
            return {"type": "date"}
        if style is not None:
            self._problem(place, f"format {style!r} isn't supported", "known: date")
        allowed = [node["const"]] if "const" in node else node.get("enum")
        values: Schema = {"type": "text"}
        if allowed is not None:
            if not _is_list(allowed) or not all(isinstance(item, str) for item in allowed):
                self._problem(place, "`enum` has to be a list of strings")
                return None
            values["enum"] = allowed
        if "pattern" in node:
            values["pattern"] = _whole(str(node["pattern"]))
        return values

    def _list(self, node: Schema, place: _Place) -> Schema | None:
        items = self._plain(node.get("items", {}), place.rows())
        if items is None:
            return None
        if items.schema.get("type", "object") != "object":
            remedy = 'e.g. `{"type": "object", "properties": {"value": …}}`'
            self._problem(place, "rows of an array have to be objects", remedy)
            return None
        rows = self._fields(items.schema, place.rows())
        return {"type": "list", "fields": rows} if rows else None

    def _range(self, node: Schema, place: _Place) -> Schema | None:
        properties = node.get("properties")
        if _is_object(properties) and properties and properties.keys() <= {"min", "typ", "max"}:
            return {"type": "range"}
        remedy = "put its properties into the record, or make it an array of objects"
        self._problem(place, "an object inside the record isn't supported", remedy)
        return None

    def _bound(self, node: Schema, place: _Place) -> None:
        limits: dict[str, Decimal | int] = {}
        for theirs, ours in (_NUMBER_BOUNDS | _COUNT_BOUNDS).items():
            limit = node.get(theirs)
            if limit is None:
                continue
            if isinstance(limit, bool) or not isinstance(limit, (int, float)):
                self._problem(place, f"`{theirs}` has to be a number")
            elif theirs in _NUMBER_BOUNDS:
                limits[ours] = Decimal(str(limit))
            else:
                limits[ours] = int(limit)
        if limits:
            self._found.bounds[place.path] = Bounds(**cast("dict[str, Any]", limits))

    def _plain(self, node: object, place: _Place) -> "_Plain | None":
        """The node with references, single `allOf` and the alternative `null` resolved."""
        nullable = False
        for _ in range(20):
            if not _is_object(node):
                self._problem(place, "a schema has to be an object")
                return None
            step = self._step(node, place)
            if step is None:
                break
            node, nullable = step.schema, nullable or step.nullable
        else:
            self._problem(place, "references go in a circle")
            return None
        kinds = node.get("type")
        if _is_list(kinds):
            rest = [kind for kind in kinds if kind != "null"]
            nullable = nullable or len(rest) < len(kinds)
            node = {**node, "type": _one_kind(rest)}
        return _Plain(node, nullable)

    def _step(self, node: Schema, place: _Place) -> "_Plain | None":
        if "$ref" in node:
            target = self._target(node["$ref"], place)
            own = {key: value for key, value in node.items() if key != "$ref"}
            return _Plain({**target, **own}, nullable=False)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in node:
                own = {name: value for name, value in node.items() if name != key}
                return self._alternative(list(_members(node[key])), own, place)
        return None

    def _target(self, reference: object, place: _Place) -> Schema:
        target: object = self._root
        for part in str(reference).removeprefix("#").strip("/").split("/"):
            target = target.get(part.replace("~1", "/")) if _is_object(target) else None
        if not str(reference).startswith("#/") or not _is_object(target):
            self._problem(place, f"`$ref` {reference!r} leads nowhere", "use `#/$defs/NAME`")
            return {"type": "string"}
        return target

    def _alternative(self, members: list[Schema], own: Schema, place: _Place) -> "_Plain":
        rest = [member for member in members if member.get("type") != "null"]
        nullable = len(rest) < len(members)
        numbers = [member for member in rest if member.get("type") in ("number", "integer")]
        if numbers and all(m.get("type") in ("number", "integer", "string") for m in rest):
            rest = numbers[:1]  # how pydantic describes Decimal: a number, or a string of digits
        if len(rest) != 1:
            self._problem(place, "alternatives aren't supported, `null` apart")
            return _Plain({"type": "string", **own}, nullable)
        return _Plain({**rest[0], **own}, nullable)


class _Plain(NamedTuple):
    schema: Schema
    nullable: bool


def _is_object(node: object) -> TypeGuard[Schema]:
    return isinstance(node, dict)


def _is_list(node: object) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _members(node: object) -> Iterator[Schema]:
    for member in node if _is_list(node) else []:
        if _is_object(member):
            yield member


def _whole(pattern: str) -> str:
    """A JSON Schema's pattern may match anywhere in the text, a field's has to match all of it."""
    if pattern[:1] == "^" and pattern[-1:] == "$" and pattern[-2:] != r"\$" and "|" not in pattern:
        return pattern[1:-1]
    return rf"[\s\S]*?(?:{pattern})[\s\S]*"


def _one_kind(kinds: list[Any]) -> Any:
    if set(kinds) == {"number", "string"} or set(kinds) == {"integer", "number"}:
        return "number"
    return kinds[0] if len(kinds) == 1 else kinds


def _naming(node: Schema, values: Schema, place: _Place) -> Schema:
    """`title` is a name the field goes by, unless it only repeats the key."""
    title = str(node.get("title", "")).strip()
    name = place.path.rpartition(".")[2]
    named: Schema = {"description": str(node.get("description", ""))}
    if title and title.casefold().replace(" ", "") != name.casefold().replace("_", ""):
        aliases = values.get("aliases", ())
        given = [aliases] if isinstance(aliases, str) else list(aliases)
        named["aliases"] = [title, *(alias for alias in given if alias != title)]
    return named
