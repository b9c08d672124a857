"""The same commands where a person looks: a terminal, in a process of its own."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Answer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen(NamedTuple):
    """What a terminal received."""

    code: int
    raw: str

    @property
    def lines(self) -> list[str]:
        """What can be read, without colours."""
        return ANSI.sub("", self.raw).replace("\r\n", "\n").split("\n")


def on_terminal(
    *arguments: str, at: Path, columns: int = 80, interrupt: str = "", **variables: str
) -> Screen:
    """Run a command on a terminal; type Ctrl-C as soon as `interrupt` is to be read."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        ["setsid", "--ctty", sys.executable, "-m", "docmill.cli", *arguments],
        cwd=at, stdin=theirs, stdout=theirs, stderr=theirs,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color"} | variables,
    )  # fmt: skip
    os.close(theirs)
    received = b""
    while True:
        try:
            received += os.read(ours, 65536)
        except OSError:  # a terminal nobody writes to any more
            break
        if interrupt and interrupt in received.decode(errors="replace"):
            os.write(ours, b"\x03")
            interrupt = ""
    os.close(ours)
    return Screen(process.wait(), received.decode())


@pytest.mark.usefixtures("first_run")
def test_tables_fit_a_narrow_terminal(workspace: Path) -> None:
    """The last column is wrapped below its beginning; headers are bold."""
    screen = on_terminal("runs", "show", "1", at=workspace)
    table = screen.lines[screen.lines.index(_headers(screen)) :]
    table = table[: table.index("")]
    assert max(map(len, table)) <= 80
    assert f"\x1b[1m{_headers(screen)}" in screen.raw
    wrapped = next(n for n, line in enumerate(table) if line.startswith("kps-2405-0118.pdf"))
    assert "output_voltage" in table[wrapped]
    assert table[wrapped + 1].startswith(" " * 40)


def _headers(screen: Screen) -> str:
    return next(line for line in screen.lines if line.startswith("document "))


@pytest.mark.usefixtures("first_run")
def test_a_dumb_terminal_gets_plain_text(workspace: Path) -> None:
    """TERM=dumb takes everything away."""
    assert "\x1b" not in on_terminal("runs", "list", at=workspace, TERM="dumb").raw


@pytest.mark.usefixtures("first_run")
def test_a_run_moves_on_a_terminal(workspace: Path) -> None:
    """A line of totals goes along and is gone at the end; the table stays. NO_COLOR takes the
    colours away, and only them."""
    screen = on_terminal("run", "spec-check", at=workspace, columns=120, NO_COLOR="1")
    assert screen.code == 1
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", screen.raw)
    assert "━" in screen.raw
    assert "\x1b[?25h" in screen.raw
    assert "\x1b[2K" in screen.raw.rpartition("━")[2]
    assert any(line.startswith("upload-0.pdf ") for line in screen.lines)


def test_ctrl_c_ends_a_run_and_says_how_to_go_on(workspace: Path, first_run: "Answer") -> None:
    """Exit code 130; nothing that was done is lost, and there is no traceback."""
    assert first_run.code == 1
    screen = on_terminal(
        "run", "spec-check", "-c", "record.repairs=1", "-c", "expectations=[]", "-j", "1",
        at=workspace, columns=120, interrupt="upload-0.pdf",
    )  # fmt: skip
    assert screen.code == 130
    assert any(line.startswith("Go on: docmill resume run-") for line in screen.lines)
    assert "Traceback" not in screen.raw
    assert "Interrupted" in screen.raw or "What is done is kept." in screen.raw


@pytest.mark.usefixtures("first_run")
@pytest.mark.parametrize("command", [("runs", "list"), ("show", "1", "TMI-57-0231.pdf")])
def test_who_stops_reading_breaks_nothing(workspace: Path, command: tuple[str, ...]) -> None:
    """`docmill runs list | head -1`: no traceback, no error."""
    done = subprocess.run(
        f"'{sys.executable}' -u -m docmill.cli {' '.join(command)} | true; echo ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", cwd=workspace, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"]}, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")
