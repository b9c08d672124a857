"""Commands about files: validate, plan, init, schemas. No run, no server."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Docmill

pytestmark = pytest.mark.timeout(120)

AGENT = """\
name: reader
modle: rules
"""
PIPELINE = """\
name: parts
documents: inbox
agent: raeder
record:
  fields:
    length: {type: quantity, unit: mm}
limits:
  trns: 20
"""
MISTAKES = """\
agent_specs/reader.yaml:2:1 modle — unknown key — did you mean `model`? (known: name, description, \
model, system, tools, mcp_servers, skills, multiagent, metadata)
pipelines/parts.yaml:3:8 agent — `raeder` has no file in agent_specs/ — did you mean `reader`? \
(known: reader)
pipelines/parts.yaml:8:3 limits.trns — unknown key — did you mean `turns`? (known: \
usd_per_document, usd_per_run, turns, output_tokens, minutes, minutes_per_run, approval_minutes)
3 problems. Nothing was run, nothing was spent.
Check again: docmill validate
"""


@pytest.fixture
def mistaken(tmp_path: Path) -> Path:
    """A small workspace with mistakes in two files."""
    (tmp_path / "agent_specs").mkdir()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "docmill.yaml").write_text("")
    (tmp_path / "agent_specs" / "reader.yaml").write_text(AGENT)
    (tmp_path / "pipelines" / "parts.yaml").write_text(PIPELINE)
    return tmp_path


def test_a_workspace_in_order_has_no_problems(docmill: "Docmill", bare: Path) -> None:
    """And says what was looked at."""
    answer = docmill("validate", at=bare)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "4 pipelines, 4 agents, 1 environment: no problems.\n"
    assert docmill("validate", "--json", at=bare).json == {"problems": []}


def test_all_mistakes_of_all_files_are_told_at_once(docmill: "Docmill", mistaken: Path) -> None:
    """Place, key, problem, remedy, a line each."""
    answer = docmill("validate", at=mistaken)
    assert (answer.code, answer.out, answer.err) == (2, "", MISTAKES)


@pytest.mark.parametrize("command", [("plan", "parts"), ("run", "parts")])
def test_a_run_is_stopped_by_the_mistakes_of_its_own_files(
    docmill: "Docmill", mistaken: Path, command: tuple[str, ...]
) -> None:
    """Nothing was spent; what is wrong elsewhere doesn't keep this pipeline from running."""
    answer = docmill(*command, at=mistaken)
    own = MISTAKES.partition("\n")[2].replace("3 problems", "2 problems")
    assert (answer.code, answer.out, answer.err) == (2, "", own)


def test_mistakes_are_data_too(docmill: "Docmill", mistaken: Path) -> None:
    """For an editor that marks them; other commands say them as JSON as well."""
    answer = docmill("validate", "--json", at=mistaken)
    assert answer.code == 2
    places = [(entry["file"], entry["line"]) for entry in answer.json["problems"]]
    assert places == [
        ("agent_specs/reader.yaml", 2),
        ("pipelines/parts.yaml", 3),
        ("pipelines/parts.yaml", 8),
    ]
    run = docmill("run", "parts", "--json", at=mistaken)
    assert run.json["error"]["problems"] == answer.json["problems"][1:]


def test_yaml_that_cannot_be_read_is_told_at_its_place(docmill: "Docmill", mistaken: Path) -> None:
    """A tab, a missing bracket: line and column, no traceback."""
    (mistaken / "agent_specs" / "reader.yaml").write_text("name: reader\nmodel: [rules\n")
    answer = docmill("validate", at=mistaken)
    assert answer.code == 2
    assert answer.err.startswith("agent_specs/reader.yaml:")
    assert "Traceback" not in answer.err


def test_a_pipeline_has_to_be_named_where_there_are_several(docmill: "Docmill", bare: Path) -> None:
    """A mistake on the command line is told like one in a file; names come with a suggestion."""
    answer = docmill("run", at=bare)
    assert answer.code == 2
    assert "name one of: datasheets, invoices, material-certificates, spec-check" in answer.err
    answer = docmill("run", "spec-chek", at=bare)
    assert answer.code == 2
    assert "there is no pipeline `spec-chek` — did you mean `spec-check`?" in answer.err


def test_settings_are_checked_like_the_file(docmill: "Docmill", bare: Path) -> None:
    """Also the short option for one of them."""
    answer = docmill("run", "spec-check", "-j", "0", "-c", "limits.trns=3", at=bare)
    assert answer.code == 2
    assert "command line concurrency — must be" in answer.err
    assert "command line limits.trns — unknown key — did you mean `turns`?" in answer.err


def test_the_only_pipeline_need_not_be_named(docmill: "Docmill", bare: Path) -> None:
    """`docmill plan` alone is enough then."""
    for path in (bare / "pipelines").glob("*.yaml"):
        if path.stem != "spec-check":
            path.unlink()
    assert docmill("plan", at=bare).out.startswith("spec-check: ")


def test_a_workspace_without_pipelines_says_what_to_do(docmill: "Docmill", tmp_path: Path) -> None:
    """An empty docmill.yaml makes a workspace; nothing can be run in it yet."""
    (tmp_path / "docmill.yaml").write_text("")
    answer = docmill("plan", at=tmp_path)
    assert (answer.code, answer.err.splitlines()[0]) == (
        2,
        "command line PIPELINE — which pipeline? — write one into pipelines/",
    )


def test_the_plan_starts_nothing(docmill: "Docmill", bare: Path) -> None:
    """Documents, model, sandbox, limits and standard; no server, no report."""
    answer = docmill("plan", "spec-check", "-c", "documents.exclude=['TMI*']", at=bare)
    assert answer.code == 0
    assert "  model      rules\n  sent to    nobody: read on this machine\n" in answer.out
    assert "  reference  sample_data/spec-check/standard.xlsx" in answer.out
    assert "0 B     document_empty: The file is empty" in answer.out
    assert "same content as pruefbericht-2023-0442\n" in answer.out
    assert answer.out.endswith("7 documents: 5 new, 0 cached, 1 duplicate, 1 skipped. "
                               "Nothing was run.\n")  # fmt: skip
    assert answer.err.splitlines() == [
        "left out: TMI-57-0231.pdf",
    ]
    assert not (bare / ".docmill" / "prefect").exists()
    assert not (bare / "reports" / "spec-check").exists()


def test_the_plan_is_data_too(docmill: "Docmill", bare: Path) -> None:
    """With each document's key and what would happen to it."""
    told = docmill("plan", "spec-check", "--json", at=bare).json
    assert told["pipeline"] == "spec-check"
    assert told["limits"]["turns"]
    assert len({entry["key"] for entry in told["documents"] if entry["kind"] == "new"}) == 6


@pytest.mark.parametrize("command", [("run",), ("plan",), ("validate",), ("runs", "list")])
def test_outside_a_workspace_the_way_in_is_told(
    docmill: "Docmill", elsewhere: Path, command: tuple[str, ...]
) -> None:
    """Exit code 3: something is missing on the machine."""
    answer = docmill(*command, at=elsewhere)
    assert answer.code == 3
    assert answer.err.splitlines()[-1] == "Make one: docmill init NAME"


def test_init_makes_a_workspace_and_says_what_is_next(docmill: "Docmill", tmp_path: Path) -> None:
    """The two lines to type; a folder with something in it is left alone."""
    answer = docmill("init", "demo", at=tmp_path)
    assert answer.code == 0
    assert answer.out.endswith("Next:\n  cd demo\n  docmill run spec-check\n")
    again = docmill("init", "demo", at=tmp_path)
    assert again.code == 3
    assert again.err.startswith("demo exists and is not empty; nothing was changed.\n")


def test_init_can_use_the_folder_it_stands_in(docmill: "Docmill", tmp_path: Path) -> None:
    """`docmill init .` in an empty folder needs no `cd` afterwards."""
    answer = docmill("init", ".", at=tmp_path)
    assert "  cd" not in answer.out
    (tmp_path / "more").mkdir()
    told = docmill("init", "more", "--json", at=tmp_path).json
    assert told["workspace"] == str(tmp_path / "more")
    assert "invoices" in told["pipelines"]


def test_schemas_are_written_for_editors(docmill: "Docmill", bare: Path) -> None:
    """Only those that changed are named."""
    schema = bare / "pipelines" / ".schema" / "pipeline.json"
    text = schema.read_text()
    assert docmill("schemas", at=bare).err == "All schemas are up to date.\n"
    schema.unlink()
    assert docmill("schemas", at=bare).out == f"{schema}\n"
    assert schema.read_text() == text
    assert docmill("schemas", "--json", at=bare).json == {"written": []}
