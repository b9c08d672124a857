"""`-c key=value`: single keys of a pipeline set from the command line, as YAML would set them."""

from decimal import Decimal
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from docmill.errors import Problem, SpecError
from docmill.spec.agent import Agent
from docmill.spec.pipeline import Pipeline
from docmill.spec.translate import validate

PLACE = "command line"
_OPENING = ("[", "{", '"', "'")
"""What begins with none of these and is no YAML is meant as text: `documents.glob=*.pdf`."""


def override_pipeline(pipeline: Pipeline, settings: list[str]) -> Pipeline:
    """The pipeline with keys such as `limits.turns=5` replaced; all mistakes at once.

    Raises:
        SpecError: a setting isn't `KEY=VALUE`, or the pipeline would be wrong with it.
    """
    data = cast("dict[str, Any]", _as_yaml(pipeline.model_dump(exclude_defaults=True)))
    problems: list[Problem] = []
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator or not key:
            problems.append(
                Problem(PLACE, 0, 0, setting, "isn't KEY=VALUE", "e.g. -c limits.turns=5")
            )
            continue
        try:
            value: Any = cast("Any", YAML(typ="safe")).load(text)
        except YAMLError:
            if text.lstrip()[:1] in _OPENING:
                problems.append(Problem(PLACE, 0, 0, key, f"`{text}` is no YAML value", "close it"))
                continue
            value = text
        _set(data, key.split("."), value)
    validated = validate(Pipeline, data, {})
    for finding in validated.problems:
        path, message, remedy = finding.problem
        problems.append(Problem(PLACE, 0, 0, ".".join(map(str, path)), message, remedy))
    if problems or validated.model is None:
        raise SpecError(problems)
    return validated.model


def override_model(agent: Agent, text: str) -> Agent:
    """The agent with another model, or several, as YAML would write them.

    Raises:
        SpecError: that is no model's name.
    """
    try:
        value: Any = cast("Any", YAML(typ="safe")).load(text)
    except YAMLError:
        value = text
    data = cast("dict[str, Any]", _as_yaml(agent.model_dump(exclude_defaults=True)))
    validated = validate(Agent, {**data, "model": value}, {})
    if validated.model is None or validated.problems:
        problems = [finding.problem for finding in validated.problems]
        raise SpecError(
            [Problem(PLACE, 0, 0, "model", each.message, each.remedy) for each in problems]
        )
    return validated.model


def _as_yaml(value: Any) -> Any:
    """The value as a YAML file would give it; JSON would make texts of decimal numbers."""
    match value:
        case dict():
            return {key: _as_yaml(inner) for key, inner in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [_as_yaml(inner) for inner in cast("list[Any]", value)]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value


def _set(data: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            inner = data[part] = {}
        data = cast("dict[str, Any]", inner)
    data[path[-1]] = value
