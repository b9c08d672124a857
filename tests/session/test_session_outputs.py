"""Files an agent leaves: taken out at the session's end, kept by hash, and not believed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.errors import SandboxError
from docmill.events import OutputsCollected
from docmill.session.journal import Journal
from docmill.session.outputs import name_problem, plain_name, read_found
from docmill.session.run import SessionEnd, run_session
from docmill.testing import ScriptedModel, tool_use

if TYPE_CHECKING:
    from conftest import Bench  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

RECORD = {
    "voltage": {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"},
    "serial": {"value": "AB-12", "page": 1, "quote": "AB-12"},
}


async def session(bench: "Bench", command: str) -> SessionEnd:
    """A session whose agent runs a command and hands in its record."""
    steps = [
        [tool_use("bash", {"command": command}, call="b1")],
        [tool_use("submit_record", RECORD, call="s1")],
    ]
    with ScriptedModel(steps) as model:
        workbench = bench.for_model(model)
        return await run_session(workbench, bench.document(workbench), attempt=1)


async def test_files_are_kept_and_remembered(bench: "Bench") -> None:
    """In the blobs by their content, in the journal as an event, in the findings for good."""
    end = await session(bench, "cd outputs; echo a,b > table.csv; mkdir d; echo x > d/table.csv")
    found = {file.name: file for file in end.findings.outputs}
    assert sorted(found) == ["d/table.csv", "table.csv"]
    assert bench.blobs.get(found["table.csv"].sha256) == b"a,b\n"
    assert (found["d/table.csv"].file, found["d/table.csv"].size) == ("d__table.csv", 2)
    (event,) = (
        entry.event
        for entry in bench.store.journal(end.session)
        if isinstance(entry.event, OutputsCollected)
    )
    assert event.files == end.findings.outputs


async def test_what_is_refused_is_named(bench: "Bench") -> None:
    """The record stands all the same."""
    end = await session(bench, "ln -s /etc/passwd outputs/x; echo 1 > outputs/run.html")
    assert end.findings.record is not None
    assert [file.file for file in end.findings.outputs] == ["run.html.bin"]
    assert [(each.name, each.reason) for each in end.findings.refused_outputs] == [("x", "a link")]


async def test_the_environment_says_how_many(bench: "Bench", tmp_path: Path) -> None:
    """And how much; 0 files means that nobody looks."""
    (tmp_path / "sandbox").mkdir()
    environment = tmp_path / "sandbox" / "default.yaml"
    environment.write_text("name: default\ndocmill: {outputs: {files: 1, size: 5 B}}\n")
    end = await session(bench, "cd outputs; echo 1234567 > big; echo 1 > one; echo 2 > two")
    assert [file.name for file in end.findings.outputs] == ["one"]
    assert {each.name: each.reason for each in end.findings.refused_outputs} == {
        "big": "more than 5 bytes together",
        "two": "more than 1 files",
    }
    environment.write_text("name: default\ndocmill: {outputs: {files: 0}}\n")
    assert (await session(bench, "echo 1 > outputs/one")).findings.outputs == ()


async def test_an_agent_that_only_read_left_nothing(bench: "Bench") -> None:
    """So nobody looks, and reading costs no more than before."""
    steps = [
        [tool_use("read", {"file_path": "document/layout/page-0001.tsv"}, call="r1")],
        [tool_use("submit_record", RECORD, call="s1")],
    ]
    with ScriptedModel(steps) as model:
        workbench = bench.for_model(model)
        end = await run_session(workbench, bench.document(workbench), attempt=1)
    assert end.findings.outputs == ()
    journal = Journal(bench.store, bench.blobs, session=end.session, run=1, document="x")
    assert journal.tools == {"read"}


async def test_an_agent_without_tools_leaves_nothing(bench: "Bench") -> None:
    """So nobody looks either."""
    bench.tools = "[]"
    with ScriptedModel([[tool_use("submit_record", RECORD, call="s1")]]) as model:
        workbench = bench.for_model(model)
        end = await run_session(workbench, bench.document(workbench), attempt=1)
    events = [entry.event for entry in bench.store.journal(end.session)]
    assert not [event for event in events if isinstance(event, OutputsCollected)]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"files": [], "refused": []},
        {"files": [["a"]], "refused": [], "more": 0},
        {"files": [[1, 1]], "refused": [], "more": 0},
        {"files": [["a", "x"]], "refused": [], "more": 0},
        {"files": [], "refused": [["a", None]], "more": 0},
        {"files": 7, "refused": [], "more": 0},
    ],
)
def test_an_answer_of_another_form_is_a_lost_sandbox(told: object) -> None:
    """Our own toolbox never gives one."""
    with pytest.raises(SandboxError, match="malformed"):
        read_found(told)


def test_what_is_told_can_break_no_terminal() -> None:
    """Names and reasons of refusals come from inside."""
    told: Mapping[str, Any] = {"files": [], "refused": [["a\x1b[2J", "b\nc"]], "more": 3}
    first, rest = read_found(told).refused
    assert (first.name, first.reason) == ("a\ufffd[2J", "b\ufffdc")
    assert rest.reason == "and 3 more"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a//b",
        ".",
        "a\nb",
        "a\x00",
        "a/" * 9 + "a",
        "a" * 201,
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(name: str) -> None:
    """Whatever the toolbox says."""
    assert name_problem(name, set())


def test_the_same_name_twice_is_refused() -> None:
    """A folder can't hold it."""
    assert not name_problem("a", set())
    assert name_problem("a", {"a"}) == "told twice"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("table.csv", "table.csv"),
        ("a/b.json", "a__b.json"),
        (".htaccess", "htaccess.bin"),
        ("page.html", "page.html.bin"),
        ("macro.xlsm", "macro.xlsm.bin"),
        ("evil.svg", "evil.svg.bin"),
        ("run.CSV", "run.CSV"),
        ("a b;c&d.txt", "a_b_c_d.txt"),
        ("..", "file.bin"),
        ("con.txt", "_con.txt"),
        ("Größe.csv", "Größe.csv"),
        ("README", "README.bin"),
    ],
)
def test_names_become_plain(name: str, plain: str) -> None:
    """One part, no dots in front, no kind that a browser or an office program would run."""
    assert plain_name(name, set()) == plain


def test_names_that_would_be_alike_are_numbered() -> None:
    """Also where only their case differs, as for Windows and macOS."""
    assert plain_name("a/b.csv", {"a__b.csv"}) == "a__b-2.csv"
    assert plain_name("TABLE.csv", {"table.csv", "table-2.csv"}) == "TABLE-3.csv"


@given(st.text(max_size=300), st.sets(st.text(max_size=5)))
def test_any_name_becomes_one_that_is_safe(name: str, taken: set[str]) -> None:
    """A file name on every system: no separators, no spaces, nothing hidden, of bounded length."""
    plain = plain_name(name, taken)
    assert plain.casefold() not in taken
    assert plain[0] not in ".-"
    assert not set(plain) & set('/\\:*?"<>|\x00\n ')
    assert len(plain.encode()) <= 450
