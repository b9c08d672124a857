"""A workspace is read whole, and every mistake is told with its place and remedy."""

import re
from pathlib import Path

import pytest

from docmill.errors import KeyProblem, PrerequisiteError, SpecError
from docmill.spec.load import LoadedWorkspace, find_workspace, load_workspace
from docmill.spec.pipeline import Limits

CASES = Path(__file__).parent / "cases"
JARGON = re.compile(
    r"Input should|valid (string|integer|array|number)|pydantic|str\b|tuple|NoneType"
)

GOOD = {
    "docmill.yaml": "",
    "agent_specs/reader.yaml": "name: reader\nmodel: rules\n",
    "pipelines/check.yaml": (
        "name: check\ndocuments: in\nagent: reader\nrecord: {fields: {voltage: {}}}\n"
    ),
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def load(root: Path, **changed: str) -> LoadedWorkspace:
    """The good workspace with some files' text changed; `pipelines` stands for its pipeline."""
    names = {"config": "docmill.yaml", "agent": "agent_specs/reader.yaml"}
    names |= {"pipeline": "pipelines/check.yaml", "environment": "sandbox/python.yaml"}
    return load_workspace(write(root, GOOD | {names[key]: text for key, text in changed.items()}))


def lines(loaded: LoadedWorkspace) -> list[str]:
    return [str(problem) for problem in loaded.problems]


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_every_mistake_of_all_files_is_reported_at_once(case: str) -> None:
    """The whole text an author sees, place first, remedy last, equals the case's expected.txt."""
    loaded = load_workspace(CASES / case)
    with pytest.raises(SpecError) as caught:
        loaded.check()
    assert f"{caught.value}\n" == (CASES / case / "expected.txt").read_text()


def test_no_message_speaks_the_validators_language() -> None:
    """Authors of YAML read plain sentences, never the words of a validation library."""
    for problem in load_workspace(CASES / "many_mistakes").problems:
        assert not JARGON.search(problem.message + problem.remedy), problem


def test_good_files_become_specs(tmp_path: Path) -> None:
    """Without a mistake the workspace holds one spec per file, and the built-in environment."""
    loaded = load(tmp_path).check()
    assert loaded.workspace.pipelines["check"].agent == "reader"
    assert loaded.workspace.agents["reader"].model_id == "rules"
    assert set(loaded.workspace.environments) == {"default"}


def test_a_mistake_found_later_gets_the_nearest_place(tmp_path: Path) -> None:
    """A key path that is longer than the file goes to the nearest key that is written."""
    loaded = load(tmp_path)
    problem = loaded.locate("pipelines/check.yaml", KeyProblem(("record", "fields", "x"), "odd"))
    assert str(problem) == "pipelines/check.yaml:4:10 record.fields.x — odd"
    unknown = loaded.locate("pipelines/gone.yaml", KeyProblem(("agent",), "odd", "mend"))
    assert str(unknown) == "pipelines/gone.yaml agent — odd — mend"


def test_the_short_form_of_an_environment_keeps_its_places(tmp_path: Path) -> None:
    """`packages` at the top means `config.packages.pip`; mistakes point at what was written."""
    short = "name: python\nruntime: python3.12\npackages: [pandas]\nnetwork_access: restricted\n"
    loaded = load(tmp_path, environment=short)
    assert loaded.check().workspace.environments["python"].config.packages.pip == ("pandas",)
    found = loaded.locate(
        "sandbox/python.yaml", KeyProblem(("config", "packages", "pip", 0), "unknown package")
    )
    assert str(found) == "sandbox/python.yaml:3:12 packages[0] — unknown package"


@pytest.mark.parametrize("text", ["config: [1]\nruntime: python3", "network_access: [restricted]"])
def test_a_crooked_short_form_is_a_mistake_not_a_crash(tmp_path: Path, text: str) -> None:
    """Lists and mappings in the wrong place are reported like any other mistake."""
    assert lines(load(tmp_path, environment=f"name: python\n{text}\n"))


def test_a_broken_agent_file_is_one_mistake(tmp_path: Path) -> None:
    """A pipeline that names an agent whose file has mistakes isn't blamed for it."""
    loaded = load(tmp_path, agent="name: reader\nmodell: rules\n")
    assert [problem.file for problem in loaded.problems] == ["agent_specs/reader.yaml"]


def test_limits_read_the_same_written_or_not() -> None:
    """A report stored with the default is derived again from specs that were read back."""
    written = Limits.model_validate({"minutes": 15, "usd_per_run": "5.00"})
    assert Limits().texts(asks=False)["minutes"] == written.texts(asks=False)["minutes"] == "15"
    assert written.texts(asks=True)["approval_minutes"] == "60"
    assert Limits(minutes=0.5).texts(asks=False)["minutes"] == "0.5"


def test_a_slip_of_the_embedded_models_name_is_found_before_it_is_sent_anywhere(
    tmp_path: Path,
) -> None:
    """Any other name without an endpoint is taken for one of Anthropic's: those come and go."""
    agent = GOOD["agent_specs/reader.yaml"]
    (found,) = lines(load(tmp_path, agent=agent.replace("rules", "ruels")))
    assert found.endswith("model — `ruels` is no model — did you mean `rules`?")
    assert not load(tmp_path, agent=agent.replace("rules", "claude-new")).problems


def test_a_missing_key_names_what_it_is_for(tmp_path: Path) -> None:
    """The remedy says which key to add and what it means."""
    loaded = load(tmp_path, pipeline="name: check\ndocuments: in\nrecord: {fields: {a: {}}}\n")
    assert lines(loaded) == [
        (
            "pipelines/check.yaml:1:1 agent — is missing — add `agent:`"
            " (Name of a file in agent_specs/)"
        )
    ]


def test_a_union_gives_the_one_relevant_mistake(tmp_path: Path) -> None:
    """`model` may be text or a mapping; a mapping with a wrong key is judged as a mapping only."""
    mapping = load(tmp_path, agent="name: reader\nmodel: {id: rules, efort: low}\n")
    assert lines(mapping) == [
        (
            "agent_specs/reader.yaml:2:20 model.efort — unknown key"
            " — did you mean `effort`? (known: id, effort, speed)"
        )
    ]
    number = load(tmp_path, agent="name: reader\nmodel: 3\n")
    assert lines(number) == [
        (
            "agent_specs/reader.yaml:2:8 model — must be text, but is the number 3"
            ' — write it in quotes: "3"'
        )
    ]
    cascade = load(tmp_path, agent="name: reader\nmodel: [rules, {id: rules, efort: low}, 3]\n")
    assert lines(cascade) == [
        (
            "agent_specs/reader.yaml:2:28 model[1].efort — unknown key"
            " — did you mean `effort`? (known: id, effort, speed)"
        ),
        (
            "agent_specs/reader.yaml:2:41 model[2] — must be text, but is the number 3"
            ' — write it in quotes: "3"'
        ),
    ]
    empty = load(tmp_path, agent="name: reader\nmodel: []\n")
    assert lines(empty) == [
        (
            "agent_specs/reader.yaml:2:1 model — needs at least one entry"
            " — add one, or remove the key"
        )
    ]


def test_tools_of_an_agent_must_fit_together(tmp_path: Path) -> None:
    """MCP toolsets name a server of the agent, one each; no server is there for nothing."""
    agent = (
        "name: reader\n"
        "mcp_servers:\n"
        "  - {type: url, name: disk, url: 'http://x'}\n"
        "  - {type: url, name: disk, url: 'ftp://y'}\n"
        "  - {type: stdio, name: lab, command: [lab]}\n"
        "tools:\n"
        "  - {type: mcp_toolset, mcp_server_name: disc}\n"
        "  - {type: mcp_toolset, mcp_server_name: disk, configs: [{name: a}, {name: a}]}\n"
        "  - {type: mcp_toolset, mcp_server_name: disk}\n"
    )
    place = "agent_specs/reader.yaml"
    assert lines(load(tmp_path, agent=agent)) == [
        f"{place}:4:23 mcp_servers[1].name — a second MCP server is named `disk` — rename one",
        (
            f"{place}:4:34 mcp_servers[1].url — `ftp://y` is no address of the web"
            " — write one such as https://crm.example/mcp"
        ),
        (
            f"{place}:5:25 mcp_servers[2].name — no tools of `lab` are asked for"
            " — add `{type: mcp_toolset, mcp_server_name: lab}` to `tools`"
        ),
        (
            f"{place}:7:42 tools[0].mcp_server_name — `disc` is not in mcp_servers"
            " — add it there (known: disk, disk, lab)"
        ),
        (f"{place}:8:76 tools[1].configs[1].name — `a` has settings already — keep one of them"),
        (
            f"{place}:9:42 tools[2].mcp_server_name — a second toolset is about `disk`"
            " — put both into one"
        ),
    ]


def test_custom_tools_have_nobody_to_answer_them(tmp_path: Path) -> None:
    """A hosted service asks the program that opened the session; docmill says what else to do."""
    agent = (
        "name: reader\ntools:\n  - {type: custom, name: look, description: d, input_schema: {}}\n"
    )
    assert lines(load(tmp_path, agent=agent)) == [
        (
            "agent_specs/reader.yaml:3:12 tools[0].type — `look` is answered by a program of"
            " yours, and docmill asks none — offer it as an MCP server (`mcp_servers`), or as a"
            " command in the sandbox"
        )
    ]


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a mistake of that file, at its line."""
    write(tmp_path, GOOD)
    (tmp_path / "pipelines/odd.yaml").write_bytes(b"name: odd\nagent: \xff\n")
    assert lines(load_workspace(tmp_path)) == [
        "pipelines/odd.yaml:2:1 — is not UTF-8 text — save the file as UTF-8"
    ]


def test_a_link_to_nothing_is_reported(tmp_path: Path) -> None:
    """A YAML file that vanished is told, not skipped."""
    write(tmp_path, GOOD)
    (tmp_path / "pipelines/gone.yaml").symlink_to(tmp_path / "nowhere")
    assert lines(load_workspace(tmp_path)) == [
        "pipelines/gone.yaml — can't be read: No such file or directory — mend it"
    ]


def test_a_workspace_is_found_from_below(tmp_path: Path) -> None:
    """From any folder below, the nearest docmill.yaml upward marks the workspace."""
    deep = write(tmp_path, GOOD) / "reports" / "x"
    deep.mkdir(parents=True)
    assert find_workspace(deep) == tmp_path


def test_a_workspace_without_docmill_yaml_is_known_by_its_folders(tmp_path: Path) -> None:
    """`docmill.yaml` may be left out; `pipelines/` and `agent_specs/` together are enough."""
    write(tmp_path, {name: text for name, text in GOOD.items() if name != "docmill.yaml"})
    assert find_workspace(tmp_path / "pipelines") == tmp_path
    assert not load_workspace(tmp_path).problems


def test_outside_of_a_workspace_the_remedy_is_init(tmp_path: Path) -> None:
    """Where there is no workspace the error names the command that makes one."""
    with pytest.raises(PrerequisiteError, match="docmill init"):
        find_workspace(tmp_path)
    with pytest.raises(PrerequisiteError, match="docmill init"):
        load_workspace(tmp_path / "nowhere")


def test_of_the_pipelines_only_the_one_named_is_read(tmp_path: Path) -> None:
    """A run needs no other; a name that isn't there is looked for among all."""
    (tmp_path / "pipelines").mkdir()
    for name in ("first", "second"):
        (tmp_path / "pipelines" / f"{name}.yaml").write_text(f"name: {name}\n")
    assert {p.file for p in load_workspace(tmp_path, only="first").problems} == {
        "pipelines/first.yaml"
    }
    assert len({p.file for p in load_workspace(tmp_path, only="third").problems}) == 2
