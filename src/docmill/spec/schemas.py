"""JSON Schemas for editors, made from the spec classes and kept beside the YAML they describe.

`python -m docmill.spec.schemas [ROOT]` writes them anew; a test compares. A YAML file names its own
in the first line: `# yaml-language-server: $schema=.schema/pipeline.json`.
"""

import json
import sys
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline
from docmill.spec.workspace import WorkspaceConfig

FILES: dict[str, type[BaseModel]] = {
    "agent_specs/.schema/agent.json": Agent,
    "sandbox/.schema/environment.json": Environment,
    "pipelines/.schema/pipeline.json": Pipeline,
    ".schema/docmill.json": WorkspaceConfig,
}
"""File relative to the workspace → class it is made from."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXTS = {"type": "array", "items": {"type": "string"}}


def schema_text(model: type[BaseModel]) -> str:
    """The JSON Schema of a spec file; the same classes give the same text."""
    schema = model.model_json_schema(mode="validation")
    _accept_short_forms(model, schema)
    titled = {"$schema": _DIALECT, "title": f"docmill {model.__name__}"}
    return json.dumps({**schema, **titled}, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write_schemas(root: Path) -> list[Path]:
    """Write all schemas below a workspace; returns the files whose content changed."""
    changed: list[Path] = []
    for file, model in FILES.items():
        path, text = root / file, schema_text(model)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _accept_short_forms(model: type[BaseModel], schema: dict[str, Any]) -> None:
    """Add what validators accept before the types apply; pydantic can't know of it."""
    properties = cast("dict[str, Any]", schema["properties"])
    definitions = cast("dict[str, Any]", schema.get("$defs", {}))
    if model is Environment:
        properties["runtime"] = definitions["SandboxBlock"]["properties"]["runtime"]
        properties["packages"] = {
            "anyOf": [_TEXTS, {"$ref": "#/$defs/Packages"}],
            "description": "Short for `config.packages`; a list is `pip`.",
        }
        properties["network_access"] = {
            "type": "string",
            "enum": ["restricted", "none", "limited", "unrestricted"],
            "description": "Short for `config.networking.type`; `restricted` is `limited`.",
        }
    if model is Pipeline:
        _also(properties, "documents", {"type": "string"})
        _also(properties, "watch", {"type": "string"})
        share = {"type": "string", "pattern": "^\\s*[0-9.]+\\s*%\\s*$"}
        _also(properties, "failure_threshold", {"type": "integer"}, share)
    if Field.__name__ in definitions:
        fields = cast("dict[str, Any]", definitions[Field.__name__]["properties"])
        _also(fields, "aliases", {"type": "string"})
        _also(fields, "section", {"type": "string"})
        _also(fields, "enum", _TEXTS)


def _also(properties: dict[str, Any], name: str, *forms: dict[str, Any]) -> None:
    given = dict(properties[name])
    about = {key: given.pop(key) for key in ("description", "default", "title") if key in given}
    branches = given.pop("anyOf", None) or [given]
    properties[name] = {**about, "anyOf": [*branches, *forms]}


def main(arguments: list[str]) -> int:
    """Write the schemas of the workspace named first, or of the current folder."""
    for path in write_schemas(Path(arguments[0]) if arguments else Path()):
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
