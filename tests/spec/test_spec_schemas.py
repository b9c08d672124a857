"""Editors complete and check the YAML files by schemas made from the same classes."""

import json
from pathlib import Path

import pytest

from docmill.spec.schemas import FILES, main, schema_text, write_schemas

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", sorted(FILES))
def test_the_schemas_in_the_workspace_are_up_to_date(file: str) -> None:
    """If this fails, write them anew: python -m docmill.spec.schemas"""
    assert (ROOT / file).read_text(encoding="utf-8") == schema_text(FILES[file])


def test_schemas_are_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second call finds nothing to change."""
    assert main([str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(FILES)
    assert write_schemas(tmp_path) == []


def test_short_forms_are_in_the_schemas() -> None:
    """What validators accept beyond the types is no error in an editor either."""
    pipeline = json.loads(schema_text(FILES["pipelines/.schema/pipeline.json"]))
    forms = pipeline["properties"]["failure_threshold"]["anyOf"]
    assert {"type": "integer"} in forms
    assert {"type": "string"} in pipeline["properties"]["documents"]["anyOf"]
    environment = json.loads(schema_text(FILES["sandbox/.schema/environment.json"]))
    assert "network_access" in environment["properties"]
    assert environment["additionalProperties"] is False


def test_every_key_of_a_pipeline_is_described_or_named_by_its_class() -> None:
    """Hovering over a key in an editor tells what it is for."""
    schema = json.loads(schema_text(FILES["pipelines/.schema/pipeline.json"]))
    assert schema["properties"]["agent"]["description"] == "Name of a file in agent_specs/."
    assert schema["$defs"]["Documents"]["description"]


@pytest.mark.parametrize("folder", ["agent_specs", "pipelines", "sandbox"])
def test_every_yaml_file_opens_with_its_schema(folder: str) -> None:
    """The first line names the schema, so that completion works without any setting."""
    for path in (ROOT / folder).glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        name = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / name).is_file(), path
