"""The shape of the spec classes: which keys, kinds and words are allowed at a path.

`translate` walks pydantic's error locations with it; the digest's completeness test walks all
classes with it. Reads type annotations only, never values.
"""

import types
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

KeyPath = tuple[str | int, ...]

_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    bool: "true or false",
}


Kind = Literal["simple", "mapping", "list"]


class Branch(NamedTuple):
    """A member of a union without a discriminator that a location goes through."""

    place: KeyPath
    """Of the union."""
    kind: Kind
    """Of the member."""
    kinds: frozenset[Kind]
    """Of all members."""


class Located(NamedTuple):
    """A pydantic location in terms of the YAML file."""

    path: KeyPath
    """Keys and indices as they stand in the file."""
    annotation: Any
    """What is allowed there."""
    branches: tuple[Branch, ...]
    """Unions without a discriminator on the way."""


def plain(annotation: Any) -> Any:
    """The annotation without `Annotated` and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
            continue
        members = [m for m in union_members(annotation) if m is not types.NoneType]
        if len(members) == 1 and members[0] is not annotation:
            annotation = members[0]
            continue
        return annotation


def union_members(annotation: Any) -> tuple[Any, ...]:
    """Members of a union, or the annotation itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def is_model(annotation: Any) -> bool:
    """Whether it is one of our classes."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def tags(model: type[BaseModel]) -> tuple[str, ...]:
    """Words a model's `type` may have; empty if it has no such key."""
    info = model.model_fields.get("type")
    return () if info is None else tuple(str(word) for word in get_args(info.annotation))


def step(annotation: Any, key: str | int) -> Any:
    """What is allowed one key further; None where the shape says nothing."""
    annotation = plain(annotation)
    if is_model(annotation):
        info = annotation.model_fields.get(key)
        return None if info is None else info.annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is dict:
        return arguments[1]
    if origin in (tuple, list):
        return arguments[0]
    return None


def locate(model: type[BaseModel], location: KeyPath) -> Located:
    """Where in the file a pydantic error location points, without its branch names and tags."""
    path: list[str | int] = []
    branches: list[Branch] = []
    annotation: Any = model
    for key in location:
        annotation = plain(annotation)
        members = union_members(annotation)
        if key == "[key]":
            continue
        if len(members) > 1:
            annotation = _branch(members, str(key))
            if not _tagged(members):
                kinds = frozenset[Kind](_kind(member) for member in members)
                branches.append(Branch(tuple(path), _kind(annotation), kinds))
            continue
        path.append(key)
        annotation = step(annotation, key)
    return Located(tuple(path), annotation, tuple(branches))


def _tagged(members: tuple[Any, ...]) -> bool:
    return all(is_model(member) and "type" in member.model_fields for member in members)


def _branch(members: tuple[Any, ...], name: str) -> Any:
    for member in members:
        if is_model(member) and (name in tags(member) or member.__name__ == name):
            return member
    if name.startswith(("tuple[", "list[")):
        return next((m for m in members if _kind(m) == "list"), None)
    return next((m for m in members if getattr(m, "__name__", "") == name), None)


def _kind(annotation: Any) -> Kind:
    annotation = plain(annotation)
    if get_origin(annotation) in (tuple, list):
        return "list"
    return "mapping" if is_model(annotation) or get_origin(annotation) is dict else "simple"


def known_keys(annotation: Any) -> tuple[str, ...]:
    """Keys a mapping may have at this place."""
    annotation = plain(annotation)
    return tuple(annotation.model_fields) if is_model(annotation) else ()


def known_words(annotation: Any) -> tuple[str, ...]:
    """Words a value may be at this place, or the `type`s of a discriminated union."""
    annotation = plain(annotation)
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation))
    members = union_members(annotation)
    if len(members) > 1 and _tagged(members):
        return tuple(word for member in members for word in tags(member))
    return ()


def describe(annotation: Any) -> str:
    """What a value must be, in plain words."""
    annotation = plain(annotation)
    if is_model(annotation):
        return "a mapping"
    members = union_members(annotation)
    if len(members) > 1:
        return " or ".join(dict.fromkeys(describe(member) for member in members))
    origin = get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(known_words(annotation))
    if origin in (tuple, list):
        return "a list"
    if origin is dict:
        return "a mapping"
    return _WORDS.get(annotation, "another kind of value")


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """All model classes an annotation mentions, itself included, not those below them."""
    annotation = plain(annotation)
    if is_model(annotation):
        yield annotation
        return
    for argument in get_args(annotation):
        yield from models_of(argument)
