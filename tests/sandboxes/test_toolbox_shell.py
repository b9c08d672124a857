"""The lasting shell, the reader's child process and forked searches, run outside of a sandbox."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from docmill.sandboxes.toolbox import files, reader, reading, search, server, shell
from docmill.sandboxes.toolbox.errors import OpError
from docmill.sandboxes.toolbox.waiting import finish

SETTINGS = server.Settings(memory=8 << 30, pids=10, disk=1 << 20, seconds=10, output=300)


@pytest.fixture(autouse=True)
def nothing_runs() -> Iterator[None]:
    """End the shell and the reader a test has started."""
    yield
    if shell.State.shell:
        shell.State.shell.kill()
    if reader.State.child:
        reader.State.child.bury()
    shell.State.shell = reader.State.child = None
    reader.State.digest = reader.State.password = None
    assert not server.KEPT


def bash(**args: Any) -> dict[str, Any]:
    """One call of the tool."""
    return finish(shell.bash(server.Call(args, b"", 10, SETTINGS))).result


def test_folder_and_variables_last_between_calls(tmp_path: Path) -> None:
    """And a restart forgets them."""
    bash(command=f"cd {tmp_path}; NAME=gauge; greet() {{ echo hello $NAME; }}")
    assert bash(command="pwd; greet") == {"output": f"{tmp_path}\nhello gauge\n", "exit_code": 0}
    assert bash(restart=True)["exit_code"] == 0
    assert bash(command="echo [$NAME]")["output"] == "[]\n"


@pytest.mark.parametrize(
    ("command", "output", "code"),
    [
        ("echo out; echo err >&2", "out\nerr\n", 0),
        ("false", "", 1),
        ("echo 'it'\"'\"'s'", "it's\n", 0),
        ("cat", "", 0),
        ("if true", "", 1),
        ("printf '%s' \"$(seq 3 | tr '\\n' ,)\"", "1,2,3,", 0),
        ("echo a\necho b", "a\nb\n", 0),
        ("x" * 100_000, "", 127),
    ],
)
def test_a_commands_output_and_exit_code(command: str, output: str, code: int) -> None:
    """Both streams in order; nothing to read on stdin; quotes and lines as written."""
    result = bash(command=command)
    if output:
        assert result["output"] == output
    assert (result["exit_code"] == 0) == (code == 0)


def test_an_exit_ends_the_shell_and_says_so() -> None:
    """The next command finds a fresh one."""
    result = bash(command="echo bye; exit 3")
    assert result["output"] == "bye\n\n[the shell ended; the next command gets a fresh shell]"
    assert result["exit_code"] == -1
    assert bash(command="echo again")["output"] == "again\n"


def test_a_command_has_its_time() -> None:
    """Whatever it ignores."""
    result = bash(command="trap '' TERM; echo start; while :; do :; done", timeout_ms=200)
    assert result["output"].startswith("start\n\n[timed out after 0.2 s")
    assert result["exit_code"] == -1


def test_output_is_cut_and_counted() -> None:
    """The first bytes are kept."""
    output = bash(command="seq 1000")["output"]
    assert output.startswith("1\n2\n")
    assert output.endswith("\n[cut: 3893 bytes printed, shown 300]")


def test_a_command_is_needed() -> None:
    """Unless the shell is to start afresh."""
    with pytest.raises(OpError, match="needs a command"):
        bash()


def test_the_status_cannot_be_forged() -> None:
    """The descriptor that carries it is closed to commands."""
    assert bash(command="echo 0 >&9; (exit 5)")["exit_code"] == 5


def test_searches_run_in_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that never ends is cut; a good one answers."""
    monkeypatch.setattr(files, "WORKSPACE", str(tmp_path))
    (tmp_path / "f").write_text("a" * 40 + "!\n12 mm\n")
    call = server.Call({"pattern": r"\d+ mm"}, b"", 10, SETTINGS)
    assert finish(search.grep(call)).result == {"content": f"{tmp_path}/f:2:12 mm"}
    assert finish(search.glob(server.Call({"pattern": "*"}, b"", 10, SETTINGS))).result
    with pytest.raises(OpError, match="simpler pattern"):
        finish(search.grep(server.Call({"pattern": "(a+)+$"}, b"", 0.5, SETTINGS)))
    with pytest.raises(OpError, match="not a regular"):
        finish(search.grep(server.Call({"pattern": "("}, b"", 10, SETTINGS)))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document where the reader looks for it."""
    for name in ("SOURCE", "LAYOUT", "PICTURES"):
        monkeypatch.setattr(reading, name, str(tmp_path / name.lower()))
    canvas = Canvas(str(tmp_path / "source"))
    canvas.drawString(50, 100, "Bore 12.5 mm")
    canvas.save()
    return tmp_path / "source"


def ask(op: str, timeout: float = 20, **args: Any) -> Any:
    """One call of the reader."""
    return finish(getattr(reader, op)(server.Call(args, b"", timeout, SETTINGS))).result


def test_the_reader_answers_from_its_own_process(source: Path) -> None:
    """Words, picture and ink; the document stays open between the calls."""
    assert ask("prepare", max_pages=5)["words"] == 3
    child = reader.State.child
    assert child
    assert ask("render", page=1, dpi=50)["bytes"] > 0
    assert ask("ink", page=1, boxes=[[0, 0, 5, 5]]) == [0.0]
    assert reader.State.child is child
    assert ask("prepare", max_pages=5)["words"] == 3
    assert reader.State.child is not child


def test_a_refusal_keeps_the_reader(source: Path) -> None:
    """It is an answer like any other."""
    source.write_bytes(b"no document")
    with pytest.raises(OpError, match="document_corrupt"):
        ask("prepare", max_pages=5)
    assert reader.State.child


def test_a_reader_that_takes_too_long_is_ended(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer would come too late for anyone."""
    monkeypatch.setattr(reading.Reader, "prepare", lambda *_: [None for _ in iter(int, 1)])  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    with pytest.raises(OpError, match="prepare_timeout"):
        ask("prepare", timeout=0.2, max_pages=5)
    assert reader.State.child is None


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (0, "prepare_crashed"),
        (256, "prepare_crashed"),
        (11, "prepare_crashed"),
        (6, "prepare_memory"),
        (9, "prepare_memory"),
        (24, "prepare_timeout"),
    ],
)
def test_a_death_has_a_cause(status: int, code: str) -> None:
    """pdfium aborts when memory is refused; the kernel kills what takes it all the same."""
    assert reader._cause(status).startswith(code)  # pyright: ignore[reportPrivateUsage]
