"""Pydantic's errors as plain sentences about keys, one per mistake.

Gives `KeyProblem`s for `load` to place. Also refuses what pydantic would silently convert:
`yes` for true, `"3"` for 3, `true` for 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar, cast, get_origin

from pydantic import BaseModel, ValidationError

from docmill.base import attribute_docstrings
from docmill.errors import KeyProblem
from docmill.spec import shape
from docmill.spec.suggest import nearest, remedy_for

KeyPath = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


class Finding(NamedTuple):
    """A mistake, and whether the key itself is wrong rather than its value."""

    problem: KeyProblem
    at_key: bool = False


_NAMES = {
    r"^[a-z0-9][a-z0-9-]{0,62}$": "lower-case letters, digits and `-`, beginning with a letter "
    "or digit, 63 at most",
    r"^[a-z0-9][a-z0-9_-]{0,62}$": "lower-case letters, digits, `-` and `_`, beginning with a "
    "letter or digit, 63 at most",
    r"^[a-z][a-z0-9_]{0,62}$": "lower-case letters, digits and `_`, beginning with a letter, "
    "63 at most",
    r"^[a-zA-Z0-9_-]{1,64}$": "letters, digits, `-` and `_`, 64 at most",
    r"^python3(\.\d+)?$": "`python3` or a version such as `python3.12`",
}
_BOUNDS = {
    "greater_than": ("gt", "must be greater than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
UNKNOWN_KEY = "unknown key"
MISSING = "is missing"
_TRUTHY = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@dataclass(frozen=True, slots=True)
class Validated(Generic[M]):
    """A model, or every mistake that keeps the data from being one."""

    model: M | None
    problems: tuple[Finding, ...]


def validate(model: type[M], data: Any, raw: Mapping[KeyPath, str | None]) -> Validated[M]:
    """The data as a model, or every mistake in it.

    `raw` holds the scalars as written in the file, for messages about `1.10` or `on`.
    """
    problems = [Finding(problem) for problem in _converted(model, data, (), raw)]
    found: M | None = None
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        reported = {finding.problem.path for finding in problems}
        problems += [f for f in _translated(model, error, raw) if f.problem.path not in reported]
    return Validated(None if problems else found, tuple(_without_echoes(problems)))


def _without_echoes(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Leaves out "`agent` is missing" where "unknown key `agnt`" already says it."""
    unknown = [f.problem for f in findings if f.problem.message == UNKNOWN_KEY]
    for finding in findings:
        path, message, _ = finding.problem
        hint = f"did you mean `{path[-1] if path else ''}`?"
        echo = any(p.path[:-1] == path[:-1] and p.remedy.startswith(hint) for p in unknown)
        if message != MISSING or not echo:
            yield finding


def _translated(
    model: type[BaseModel], error: ValidationError, raw: Mapping[KeyPath, str | None]
) -> Iterator[Finding]:
    seen: set[tuple[KeyPath, str]] = set()
    for details in error.errors(include_url=False):
        detail = cast("dict[str, Any]", details)
        place = shape.locate(model, detail["loc"])
        if _wrong_branch(place, detail) or _is_echo(detail):
            continue
        problem = _plain(detail, place, model, raw)
        if (problem.path, problem.message) not in seen:
            seen.add((problem.path, problem.message))
            at_key = detail["type"] == "extra_forbidden" or "[key]" in detail["loc"]
            yield Finding(problem, at_key)


def _wrong_branch(place: shape.Located, detail: Mapping[str, Any]) -> bool:
    """Whether the error belongs to a union's branch the author didn't mean.

    A mapping means the branch that is a mapping, a list the one that is a list, if there are such;
    anything else means a simple branch.
    """
    value = detail["input"]
    given: shape.Kind = "simple"
    if isinstance(value, dict):
        given = "mapping"
    elif isinstance(value, list):
        given = "list"
    return any(
        branch.kind != (given if given in branch.kinds else "simple")
        for branch in place.branches
        if len(place.path) == len(branch.place)
    )


def _is_echo(detail: Mapping[str, Any]) -> bool:
    """A list all of whose entries have mistakes is called too short on top of them."""
    if detail["type"] != "too_short" or not isinstance(detail["input"], list):
        return False
    return len(cast("list[Any]", detail["input"])) >= detail["ctx"]["min_length"]


def _plain(
    detail: Mapping[str, Any],
    place: shape.Located,
    model: type[BaseModel],
    raw: Mapping[KeyPath, str | None],
) -> KeyProblem:
    kind, path, value = str(detail["type"]), place.path, detail["input"]
    context: Mapping[str, Any] = detail.get("ctx", {})
    if kind == "missing":
        return _missing(path, _parent(model, detail["loc"]))
    if kind == "extra_forbidden":
        known = shape.known_keys(_parent(model, detail["loc"]))
        return KeyProblem(path, UNKNOWN_KEY, remedy_for(str(path[-1]), known))
    if kind.startswith("union_tag"):
        return _tag(path, context, shape.known_words(place.annotation))
    if kind == "literal_error" and value is not None:
        return _word(path, raw.get(path) or value, shape.known_words(place.annotation))
    return _value(kind, place, value, raw.get(path), context)


def _tag(path: KeyPath, context: Mapping[str, Any], known: Sequence[str]) -> KeyProblem:
    if "tag" in context:
        return _word((*path, "type"), context["tag"], known)
    return KeyProblem(path, "`type` is missing", f"add `type:`, one of {', '.join(known)}")


def _value(
    kind: str, place: shape.Located, value: Any, raw: str | None, context: Mapping[str, Any]
) -> KeyProblem:
    path = place.path
    if kind == "value_error":
        return _own_words(path, str(context["error"]))
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return KeyProblem(path, f"{words} {context[name]}, but is {written(value, raw)}")
    if kind == "string_pattern_mismatch":
        return _pattern(path, str(value), str(context["pattern"]))
    if kind in ("too_short", "string_too_short"):
        return KeyProblem(path, "needs at least one entry", "add one, or remove the key")
    return _kind(path, place.annotation, value, raw)


def _parent(model: type[BaseModel], location: KeyPath) -> Any:
    return shape.locate(model, location[:-1]).annotation


def _missing(path: KeyPath, parent: Any) -> KeyProblem:
    description = attribute_docstrings(shape.plain(parent)).get(str(path[-1]), "")
    about = description.replace("\n", " ").split(". ")[0].strip()
    remedy = f"add `{path[-1]}:`" + (f" ({about.rstrip('.')})" if about else "")
    return KeyProblem(path, MISSING, remedy)


def _word(path: KeyPath, value: object, known: Sequence[str]) -> KeyProblem:
    near = nearest(str(value), known)
    hint = f"did you mean `{near}`?" if near else ""
    return KeyProblem(path, f"`{value}` is not one of {', '.join(known)}", hint)


def _own_words(path: KeyPath, text: str) -> KeyProblem:
    """A validator's own message; what follows `; ` is its remedy."""
    message, _, remedy = text.partition("; ")
    return KeyProblem(path, message, remedy)


def _pattern(path: KeyPath, value: str, pattern: str) -> KeyProblem:
    allowed = _NAMES.get(pattern)
    if allowed is None:
        return KeyProblem(path, f"`{value}` doesn't match the pattern `{pattern}`")
    return KeyProblem(path, f"`{value}` is not allowed here", f"use {allowed}")


def _kind(path: KeyPath, annotation: Any, value: Any, raw: str | None) -> KeyProblem:
    wanted = shape.describe(annotation)
    message = f"must be {wanted}, but is {written(value, raw)}"
    if value is None:
        return KeyProblem(
            path, f"has no value; it must be {wanted}", "write one, or remove the key"
        )
    if shape.plain(annotation) is str and isinstance(value, (bool, int, float)):
        return KeyProblem(path, message, f'write it in quotes: "{raw or value}"')
    if wanted == "a list" and isinstance(value, (str, int, float)):
        return KeyProblem(path, message, f"write [{raw or value}]")
    return KeyProblem(path, message)


def written(value: Any, raw: str | None) -> str:
    """A value as the author sees it: `the text `3``, `the number 1.10`, `a list`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(raw or str(value).lower())
    if isinstance(value, (int, float, Decimal)):
        return f"the number {raw or value}"
    if isinstance(value, str):
        shown = value if len(value) <= 60 else value[:57] + "..."
        return f"the text `{shown}`"
    return "a mapping" if isinstance(value, dict) else "a list"


def _converted(
    annotation: Any, data: Any, path: KeyPath, raw: Mapping[KeyPath, str | None]
) -> Iterator[KeyProblem]:
    """Scalars that pydantic would convert without a word."""
    annotation = shape.plain(annotation)
    if isinstance(data, dict):
        mapping = cast("dict[str, Any]", data)
        branch = _branch_for(annotation, mapping)
        for key, value in mapping.items():
            yield from _converted(shape.step(branch, key), value, (*path, key), raw)
    elif isinstance(data, list):
        if get_origin(annotation) in (tuple, list):
            for index, value in enumerate(cast("list[Any]", data)):
                yield from _converted(shape.step(annotation, index), value, (*path, index), raw)
    elif annotation is bool and isinstance(data, (str, int, float)) and not isinstance(data, bool):
        fix = _TRUTHY.get(str(data).lower(), "true or false")
        yield KeyProblem(
            path, f"must be true or false, but is {written(data, raw.get(path))}", f"write {fix}"
        )
    elif annotation in (int, float, Decimal) and isinstance(data, (bool, str)):
        wanted = shape.describe(annotation)
        number = isinstance(data, str) and _is_number(data)
        yield KeyProblem(
            path,
            f"must be {wanted}, but is {written(data, raw.get(path))}",
            "remove the quotes" if number else "",
        )


def _branch_for(annotation: Any, mapping: Mapping[str, Any]) -> Any:
    """The member of a union a mapping is meant for."""
    members = shape.union_members(annotation)
    if len(members) == 1:
        return annotation
    models = [member for member in members if shape.is_model(member)]
    for member in models:
        if mapping.get("type") in shape.tags(member):
            return member
    return models[0] if len(models) == 1 else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
