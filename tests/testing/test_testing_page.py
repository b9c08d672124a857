"""The page on testing shows what works."""

import json
import re
from pathlib import Path

import pytest

from docmill.testing.files import make_policy

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text(encoding="utf-8")
FENCED = re.compile(r"```(python|json)\n(.*?)```", re.DOTALL)
EXAMPLES = [(kind, body) for kind, body in FENCED.findall(PAGE)]


@pytest.mark.parametrize(("kind", "body"), EXAMPLES)
def test_the_examples_on_the_page_work(kind: str, body: str) -> None:
    """Programs run, scripts are scripts."""
    if kind == "python":
        exec(compile(body, "docs/testing.md", "exec"), {})  # the page is ours
    else:
        assert callable(make_policy(json.loads(body)))


def test_there_are_examples() -> None:
    """Of both kinds."""
    assert {kind for kind, _ in EXAMPLES} == {"python", "json"}
