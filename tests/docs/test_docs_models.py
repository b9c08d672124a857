"""What the page on models shows is valid, and names the codes there are."""

import re
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML

from docmill.models.messages import failures
from docmill.models.registry import BUILT_IN
from docmill.spec.agent import Agent
from docmill.spec.workspace import Capabilities, WorkspaceConfig

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (agent|workspace) -->\n```yaml\n(.*?)```", re.DOTALL)


def test_every_block_is_part_of_a_valid_file() -> None:
    """Of `docmill.yaml` or of an agent."""
    blocks = BLOCK.findall(PAGE)
    assert len(blocks) == PAGE.count("```yaml")
    for kind, text in blocks:
        data: Any = cast("Any", YAML(typ="safe")).load(text)
        {"agent": Agent, "workspace": WorkspaceConfig}[kind].model_validate(data)


def test_every_capability_is_explained_with_the_built_in_endpoints_choice() -> None:
    """A row each."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([✓–]) \|$", PAGE, re.MULTILINE)
    has = BUILT_IN.capabilities.model_dump()
    assert {name: mark == "✓" for name, mark in rows} == has
    assert set(has) == set(Capabilities.model_fields)


def test_every_code_of_a_failed_call_is_in_the_table() -> None:
    """With whether it is tried again."""
    rows = re.findall(r"^\| `(model_\w+)` \| [^|]+ \| (yes|no) \|$", PAGE, re.MULTILINE)
    assert {code: again == "yes" for code, again in rows} == failures.CODES
