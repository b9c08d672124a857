"""The documentation says what is so: examples are valid, pages are there, generated ones fresh."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest
from ruamel.yaml import YAML

from docmill.cli.docs import anchor, cli_page, reference_page, write_pages
from docmill.cli.dormant import KEYS
from docmill.compile import check_workspace
from docmill.scaffold import make_workspace
from docmill.spec import agent, checks, environment, fields, pipeline, workspace
from docmill.spec.load import load_workspace
from docmill.spec.pipeline import Pipeline
from docmill.spec.translate import validate

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
FENCED = re.compile(r"(?:<!-- (\w+) -->\n)?```yaml\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NOTHING: dict[str, Any] = {}
LEAST: dict[str, Any] = {
    "name": "x",
    "documents": "in",
    "agent": "y",
    "record": {"fields": {"a": NOTHING}},
}
"""The least a pipeline needs."""
FILES = {"agent": "agent_specs", "environment": "sandbox", "pipeline": "pipelines"}


class Example(NamedTuple):
    """A fenced block of YAML and the kind of file it is from."""

    kind: str
    text: str

    @property
    def data(self) -> Any:
        """The block as data."""
        return cast("Any", YAML(typ="safe")).load(self.text)

    @property
    def keys(self) -> dict[str, Any]:
        """The block as keys of a pipeline."""
        data: Any = self.data
        return cast("dict[str, Any]", data if isinstance(data, dict) else {"checks": data})


def examples(page: Path) -> Iterator[Example]:
    """The YAML of a page; without a comment before it a block is (part of) a pipeline."""
    for match in FENCED.finditer(page.read_text(encoding="utf-8")):
        yield Example(match[1] or "pipeline", match[2])


def problems(folder: Path, example: Example, whole: dict[str, Any]) -> list[str]:
    """Mistakes of an example put into the place it would have in a workspace."""
    data = {**whole, **example.data} if example.kind == "pipeline" else example.data
    path = folder / FILES[example.kind] / f"{data['name']}.yaml"
    with path.open("w", encoding="utf-8") as file:
        cast("Any", YAML()).dump(data, file)
    return [str(problem) for problem in check_workspace(load_workspace(folder))]


def pages_with_files() -> list[Path]:
    """Pages whose examples stand for whole files, or for parts of the page's first one."""
    pages = ("docs/pipelines.md", "docs/sandboxes.md", "docs/egress.md", "docs/mcp.md", "README.md")
    return [ROOT / page for page in pages]


@pytest.mark.parametrize("page", pages_with_files(), ids=lambda page: page.name)
def test_examples_are_valid_files(page: Path, tmp_path: Path) -> None:
    """Each block, written where it belongs, passes `docmill validate`; nothing is invented."""
    make_workspace(tmp_path)
    for file in (tmp_path / "pipelines").glob("*.yaml"):
        file.unlink()  # they aren't asked about, and checking them anew takes longer
    found = list(examples(page))
    assert found
    whole = next((example.keys for example in found if example.kind == "pipeline"), NOTHING)
    for example in found:
        assert problems(tmp_path, example, whole) == [], example.text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_fragments_use_keys_that_exist(page: Path) -> None:
    """On every page; a list alone is a list of checks."""
    for example in examples(page):
        if example.kind == "pipeline":
            assert validate(Pipeline, {**LEAST, **example.keys}, {}).problems == (), example.text


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Files exist, and headings that are linked to are there."""
    text = page.read_text(encoding="utf-8")
    headings = {anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
    for target in LINK.findall(text):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        if file:
            assert (page.parent / file).exists(), target
        elif page.name in ("reference.md", "cli.md"):
            assert heading in headings, target


def test_the_generated_pages_are_current(tmp_path: Path) -> None:
    """`make docs` writes what the code says today."""
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == cli_page()
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == reference_page()
    assert [path.name for path in write_pages(tmp_path)] == ["cli.md", "reference.md"]
    assert write_pages(tmp_path) == []


def test_every_key_is_explained() -> None:
    """Type, default and a word on what it means."""
    rows = [line for line in reference_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if "|  |" in row] == []


def test_every_command_has_its_section() -> None:
    """Also those of the groups."""
    page = cli_page()
    for command in ("run", "plan", "runs list", "runs show", "sandbox clean", "prefect status"):
        assert f"\n### docmill {command}\n" in page


def test_readme_names_only_commands_that_exist() -> None:
    """In its table and in its examples."""
    known = re.findall(r"### docmill ([a-z -]+)\n", cli_page())
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"(?:`|\$ )docmill ([a-z]+(?:-[a-z]+)*(?: [a-z]+)?)", text)
    assert len(named) > 10
    for command in named:
        assert {command, command.split()[0]} & set(known), command


def test_keys_without_effect_exist() -> None:
    """A key that was renamed must not lose its mark in silence."""
    modules = (agent, checks, environment, fields, pipeline, workspace)
    for entry in KEYS:
        name, _, key = entry.partition(".")
        (model,) = {getattr(module, name) for module in modules if hasattr(module, name)}
        assert key in model.model_fields, entry
