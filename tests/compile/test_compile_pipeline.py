"""A pipeline compiles into a plan, or into every mistake of its files at its place."""

from pathlib import Path

import pytest

from docmill.compile import check_workspace, compile_pipeline
from docmill.compile.forms import sandbox_limits, sandbox_spec
from docmill.errors import SpecError
from docmill.sandboxes.base import SandboxLimits
from docmill.spec.environment import Environment
from docmill.spec.load import LoadedWorkspace, load_workspace

PIPELINE = """\
name: check
documents: {path: in, glob: "**/*.pdf"}
agent: reader
record:
  fields:
    voltage: {type: quantity, unit: V, aliases: [Supply], description: At the terminals.}
    grade: {enum: {good: [A]}, required: false, section: Result}
    lines: {type: list, fields: {amount: {type: quantity, unit: EUR, pick: max}}}
"""
AGENT = "name: reader\nmodel: rules\nsystem: You read reports.\n"


def workspace(root: Path, **files: str) -> LoadedWorkspace:
    """A workspace of the files above; `pipelines__x="..."` adds or replaces pipelines/x.yaml."""
    texts = {"pipelines__check": PIPELINE, "agent_specs__reader": AGENT, **files}
    for name, text in texts.items():
        path = root / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load_workspace(root)


def mistakes(loaded: LoadedWorkspace, name: str = "check") -> list[str]:
    with pytest.raises(SpecError) as caught:
        compile_pipeline(loaded, name)
    return [str(problem) for problem in caught.value.problems]


def test_everything_a_pipeline_names_is_resolved(tmp_path: Path) -> None:
    """Agent, built-in environment, fields and the schema of the record."""
    compiled = compile_pipeline(workspace(tmp_path), "check")
    assert compiled.agent.name == "reader"
    assert compiled.environment.name == "default"
    assert list(compiled.fields) == ["voltage", "grade", "lines"]
    assert compiled.record_schema["type"] == "object"
    assert compiled.root == tmp_path


def test_the_same_workspace_compiles_to_the_same_digests(tmp_path: Path) -> None:
    """Wherever it lies: the place of a workspace is not in its keys."""
    first = compile_pipeline(workspace(tmp_path / "a"), "check")
    second = compile_pipeline(workspace(tmp_path / "b"), "check")
    assert first.session_digest == second.session_digest
    assert first.spec_digest == second.spec_digest


def test_a_report_setting_changes_the_spec_but_no_session(tmp_path: Path) -> None:
    """Documents that were read stay read when only the report looks different."""
    plain = compile_pipeline(workspace(tmp_path / "a"), "check")
    titled = workspace(tmp_path / "b", pipelines__check=PIPELINE + "report: {title: Weekly}\n")
    changed = compile_pipeline(titled, "check")
    assert changed.session_digest == plain.session_digest
    assert changed.spec_digest != plain.spec_digest


def test_the_prompt_holds_agent_rules_outcome_and_fields(tmp_path: Path) -> None:
    """In this order; each field with type, unit, aliases and what else it says."""
    outcome = "outcome: {description: Find all., rubric: None is missing.}\n"
    loaded = workspace(tmp_path, pipelines__check=PIPELINE + outcome)
    system = compile_pipeline(loaded, "check").system
    parts = ["You read reports.", "# Rules of evidence", "# Outcome\nFind all.", "# Rubric"]
    places = [system.index(part) for part in [*parts, "# Fields of the record"]]
    assert places == sorted(places)
    assert system.endswith(
        "- `voltage`: quantity in V. At the terminals. Also called: Supply.\n"
        "- `grade`: text; optional; one of good (also A). Stands under: Result.\n"
        "- `lines`: list, one entry per row.\n"
        "  - `amount`: quantity in EUR; the max column where a table has several."
    )


def test_an_unknown_pipeline_shows_the_known_ones(tmp_path: Path) -> None:
    """With the nearest one first."""
    assert mistakes(workspace(tmp_path), "chekc") == [
        "pipelines/chekc.yaml — there is no pipeline `chekc` — did you mean `check`? (known: check)"
    ]


def test_mistakes_only_compiling_shows_have_their_places(tmp_path: Path) -> None:
    """Record, documents, schedule and environment are tried out; all is told at once."""
    text = """\
name: check
documents: {path: in, glob: "../*.pdf", exclude: ["a\\\\b"], max_size: big, password_env: "my pw"}
agent: reader
environment: small
record:
  fields:
    grade: {pattern: "(a"}
schedule:
  cron: 0 25 * * *
  timezone: Europe/Berlni
"""
    small = "name: small\ndocmill:\n  limits: {memory: 1MiB, disk: lots}\n"
    loaded = workspace(tmp_path, pipelines__check=text, sandbox__small=small)
    found = mistakes(loaded)
    assert [line.partition(" — ")[0] for line in found] == [
        "pipelines/check.yaml:2:29 documents.glob",
        "pipelines/check.yaml:2:51 documents.exclude[0]",
        "pipelines/check.yaml:2:70 documents.max_size",
        "pipelines/check.yaml:2:89 documents.password_env",
        "pipelines/check.yaml:7:22 record.fields.grade.pattern",
        "pipelines/check.yaml:9:9 schedule.cron",
        "pipelines/check.yaml:10:13 schedule.timezone",
        "sandbox/small.yaml:3:20 docmill.limits.memory",
        "sandbox/small.yaml:3:32 docmill.limits.disk",
    ]
    assert [str(problem) for problem in check_workspace(loaded)] == found


def test_a_missing_schema_file_is_told_at_its_key(tmp_path: Path) -> None:
    """The record may come from a JSON Schema file, which has to be there."""
    record = PIPELINE.partition("record:")[0] + "record: {json_schema: nothing.json}\n"
    (found,) = mistakes(workspace(tmp_path, pipelines__check=record))
    assert found.startswith("pipelines/check.yaml:4:23 record.json_schema — ")


def test_a_missing_price_table_is_told_at_its_key(tmp_path: Path) -> None:
    """Costs can't be counted without the table the workspace asks for."""
    loaded = workspace(tmp_path, docmill="prices: prices.yaml\n")
    assert mistakes(loaded) == [
        "docmill.yaml:1:9 prices — `prices.yaml` is not there — make it, or remove the key"
    ]


def test_mistakes_of_other_pipelines_do_not_stop_this_one(tmp_path: Path) -> None:
    """A colleague's draft must not break tonight's run; `validate` tells it all the same."""
    loaded = workspace(tmp_path, pipelines__draft="name: draft\n")
    assert compile_pipeline(loaded, "check").pipeline.name == "check"
    assert {problem.file for problem in check_workspace(loaded)} == {"pipelines/draft.yaml"}


@pytest.mark.parametrize("name", ["pipelines__check", "agent_specs__reader"])
def test_mistakes_of_its_own_files_stop_it(tmp_path: Path, name: str) -> None:
    """Pipeline, agent, environment and docmill.yaml: nothing is run, nothing is spent."""
    text = {"pipelines__check": PIPELINE, "agent_specs__reader": AGENT}[name]
    (found,) = mistakes(workspace(tmp_path, **{name: text + "colour: red\n"}))
    assert " colour — unknown key" in found


def test_sizes_become_bytes_once() -> None:
    """The sandbox gets plain numbers."""
    environment = Environment.model_validate({"name": "e", "packages": ["pandas"]})
    limits = SandboxLimits(2**30, 1.0, 128, 512 * 2**20, 900.0, 2**20, strict=True)
    assert sandbox_limits(environment) == limits
    spec = sandbox_spec(environment, {"run": "7"})
    assert (spec.limits, spec.packages.pip, spec.labels) == (limits, ("pandas",), {"run": "7"})
