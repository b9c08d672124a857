"""`-c key=value`: single keys of a pipeline set from the command line, as YAML would set them."""

from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from docmill.errors import Problem, SpecError
from docmill.spec.pipeline import Pipeline
from docmill.spec.translate import validate

PLACE = "command line"


def override_pipeline(pipeline: Pipeline, settings: list[str]) -> Pipeline:
    """The pipeline with keys such as `limits.turns=5` replaced; all mistakes at once.

    Raises:
        SpecError: a setting isn't `KEY=VALUE`, or the pipeline would be wrong with it.
    """
    data = pipeline.model_dump(mode="json", exclude_defaults=True)
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
            problems.append(Problem(PLACE, 0, 0, key, f"`{text}` is no YAML value", "quote it"))
            continue
        _set(data, key.split("."), value)
    validated = validate(Pipeline, data, {})
    for finding in validated.problems:
        path, message, remedy = finding.problem
        problems.append(Problem(PLACE, 0, 0, ".".join(map(str, path)), message, remedy))
    if problems or validated.model is None:
        raise SpecError(problems)
    return validated.model


def _set(data: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = data.get(part)
        if not isinstance(inner, dict):
            inner = data[part] = {}
        data = cast("dict[str, Any]", inner)
    data[path[-1]] = value
