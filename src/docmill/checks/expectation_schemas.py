"""The arguments of expectations, checked against the JSON Schemas that Great Expectations ships.

Reading a schema takes milliseconds where importing the library takes seconds; `expectations` asks
the library itself only about the few types that come without one.
"""

import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft7Validator
from jsonschema import exceptions as schema_errors

from docmill.errors import KeyProblem
from docmill.spec.checks import Expectation
from docmill.spec.suggest import remedy_for

_OWN = {
    "id", "meta", "notes", "description", "catch_exceptions", "rendered_content", "severity",
    "windows", "batch_id", "metadata", "result_format",
}  # fmt: skip
"""Properties of every expectation that are no arguments, or that docmill sets itself."""


def core_folder() -> Path | None:
    """Folder of the library's expectations; None if it isn't installed."""
    package = find_spec("great_expectations")
    folders = package.submodule_search_locations if package else None
    return Path(folders[0]) / "expectations" / "core" if folders else None


def argument_problems(index: int, each: Expectation) -> list[KeyProblem] | None:
    """Mistakes in an expectation's `kwargs`; None where no schema tells."""
    schema = _schemas().get(each.type.replace("_", ""))
    if schema is None:
        return None
    place = ("expectations", index, "kwargs")
    properties = cast("dict[str, Any]", schema["properties"])
    known = sorted(properties.keys() - _OWN)
    problems = [
        KeyProblem((*place, key), "unknown argument", remedy_for(key, known))
        for key in each.kwargs
        if key not in known
    ]
    required = cast("list[str]", schema.get("required", []))
    problems += [
        KeyProblem(place, f"`{key}` is missing") for key in required if key not in each.kwargs
    ]
    for key in each.kwargs.keys() & set(known):
        message = _value_problem(schema, key, each.kwargs[key])
        if message:
            problems.append(KeyProblem((*place, key), message))
    return problems


def _value_problem(schema: dict[str, Any], key: str, value: Any) -> str:
    """What is wrong with one argument's value; empty if nothing is."""
    part = {**schema["properties"][key], "definitions": schema.get("definitions", {})}
    errors = cast("Any", Draft7Validator(part)).iter_errors(value)
    worst: Any = cast("Any", schema_errors).best_match(errors)
    return str(worst.message)[:200] if worst else ""


@lru_cache(maxsize=1)
def _schemas() -> dict[str, dict[str, Any]]:
    """Schemas by type without underscores and capitals: `expectcolumnmaxtobebetween`."""
    core = core_folder()
    if core is None:
        return {}
    files = (core / "schemas").glob("*.json")
    return {path.stem.lower(): json.loads(path.read_text()) for path in files}
