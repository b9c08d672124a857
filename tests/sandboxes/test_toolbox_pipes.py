"""Programs that are spoken to in lines, run outside of a sandbox."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docmill.sandboxes.toolbox import pipes, server
from docmill.sandboxes.toolbox.errors import OpError
from docmill.sandboxes.toolbox.waiting import finish, pause

SETTINGS = server.Settings(memory=8 << 30, pids=50, disk=1 << 20, seconds=10, output=300)
ECHO = "import sys\nfor line in sys.stdin: print(line.strip()[::-1], flush=True)"


@pytest.fixture(autouse=True)
def programs_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test starts is ended."""
    monkeypatch.setattr(pipes, "FOLDER", str(tmp_path))
    yield
    for program in pipes.PROGRAMS.values():
        program.stop()
    pipes.PROGRAMS.clear()
    assert not server.KEPT


def call(op: str, timeout: float = 10.0, **args: Any) -> Any:
    """One call of an operation; its result."""
    operation = getattr(pipes, op)
    begun = operation(server.Call({"name": "p", **args}, b"", timeout, SETTINGS))
    answer = begun if isinstance(begun, server.Answer) else finish(begun)
    return answer.result


def start(text: str, **more: Any) -> None:
    """Start a Python program."""
    call("pipe_start", command=[sys.executable, "-c", text], **more)


def test_lines_go_in_and_come_out() -> None:
    """Those that are there come together, in order, blank ones left out."""
    start(ECHO)
    call("pipe_send", line="abc")
    assert call("pipe_receive", seconds=5) == {"lines": ["cba"], "ended": ""}
    call("pipe_send", line="x" * 200_000)
    (line,) = call("pipe_receive", seconds=5)["lines"]
    assert len(line) == 200_000


def test_waiting_for_a_line_ends() -> None:
    """With nothing, and the program goes on."""
    start(ECHO)
    assert call("pipe_receive", seconds=0) == {"lines": [], "ended": ""}


def test_it_runs_in_the_workspace_with_its_variables(tmp_path: Path) -> None:
    """As a command of the agent does."""
    start("import os; print(os.getcwd(), os.environ['SEEN'])", env={"SEEN": "yes"})
    assert call("pipe_receive", seconds=5)["lines"] == [f"{tmp_path} yes"]


def test_a_program_that_ends_is_told_with_its_last_words() -> None:
    """Lines it wrote before still come."""
    start("import sys; print('one'); sys.exit('no licence')")
    assert call("pipe_receive", seconds=5)["lines"] == ["one"]
    assert call("pipe_receive", seconds=5) == {"lines": [], "ended": "it has ended: no licence"}
    with pytest.raises(OpError, match="no licence"):
        call("pipe_send", line="hello" * 100_000)


def test_a_command_that_isn_t_there_is_told() -> None:
    """By its name."""
    call("pipe_start", command=["no-such-program"])
    assert "no-such-program: No such file" in call("pipe_receive", seconds=5)["ended"]


def test_a_line_without_end_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can't fill the memory of whoever listens."""
    monkeypatch.setattr(pipes, "LONGEST", 1000)
    start("import sys, time; sys.stdout.write('x' * 100_000); sys.stdout.flush(); time.sleep(60)")
    assert "a line of over 1000 bytes" in call("pipe_receive", seconds=5)["ended"]
    with pytest.raises(OpError, match="isn't running"):
        call("pipe_receive", seconds=5)


def test_a_program_that_doesn_t_read_is_told() -> None:
    """Sending to it ends with the call's time."""
    start("import time; time.sleep(60)")
    with pytest.raises(OpError, match="doesn't read"):
        call("pipe_send", line="x" * 1_000_000, timeout=1.0)


def test_stopping_wakes_whoever_waits() -> None:
    """Calls that wait for its lines, or for it to read, end at once; its streams are closed."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    start("import time; time.sleep(60)")
    hears = pipes.pipe_receive(server.Call({"name": "p", "seconds": 60}, b"", 70, SETTINGS))
    sends = pipes.pipe_send(server.Call({"name": "p", "line": "abc"}, b"", 70, SETTINGS))
    waits = [next(hears), next(sends)]
    call("pipe_stop")
    ready = pause(waits)
    with pytest.raises(OpError, match="was stopped"):
        sends.send(ready)
    with pytest.raises(StopIteration) as told:
        hears.send(ready)
    assert told.value.value.result["ended"] == "it was stopped"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_there_is_one_program_of_a_name_and_few_in_all() -> None:
    """Starting it again ends the first one; stopping what doesn't run does no harm."""
    start(ECHO)
    (first,) = pipes.PROGRAMS.values()
    start(ECHO)
    assert list(pipes.PROGRAMS.values()) != [first]
    for number in range(pipes.MOST - 1):
        call("pipe_start", name=f"p{number}", command=["true"])
    with pytest.raises(OpError, match="are running already"):
        call("pipe_start", name="one-more", command=["true"])
    call("pipe_stop")
    call("pipe_stop")
