"""Starts runs in processes that have everything imported: a template forks itself for each.

Of a run that is killed after a second its imports would be most of the time. What is forked is a
process of its own with the command line as its program; what it starts in turn is started as ever.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from docmill.children import ChildProcess

PRELOADED = (
    "docmill.cli.running",
    "docmill.models.messages.model",
    "docmill.checks.quantity",
    "docmill.report.build",
)
_STEP = 0.02


class Template(ChildProcess):
    """The process that forks; leaving the block ends it."""

    def __init__(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.crash.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._questions, self._answers = process.stdin, process.stdout
        super().__init__(process)

    def start(self, root: Path, arguments: tuple[str, ...], log: Path) -> "Run":
        """`docmill ARGUMENTS` in the folder `root`; what it prints goes to the end of `log`."""
        pid = int(self.ask("start", str(root), str(log), *arguments))
        return Run(self, pid)

    def ask(self, *words: str) -> str:
        """One question to the template, one line as its answer."""
        self._questions.write("\0".join(words) + "\n")
        self._questions.flush()
        return self._answers.readline().strip()


class Run:
    """A process that was forked; used like `subprocess.Popen`."""

    def __init__(self, template: Template, pid: int) -> None:
        self.pid = pid
        self._template = template
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code, minus the number of the signal that ended it; None while it runs."""
        if self._code is None and (answer := self._template.ask("poll", str(self.pid))):
            self._code = int(answer)
        return self._code

    def wait(self, timeout: float) -> int:
        """The exit code.

        Raises:
            TimeoutError: it has none by then.
        """
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(_STEP)
        return code

    def kill(self) -> None:
        """End it as a crash would; returns once it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait(60.0)


def _fork(root: str, log: str, arguments: list[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.chdir(root)
        handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        empty = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, empty), (1, handle), (2, handle)):
            os.dup2(source, target)
        sys.argv = ["docmill", *arguments]
        os.environ["SCRIPTED_KEY"] = "test"
        code = _main()
    finally:
        os._exit(code)


def _main() -> int:
    from docmill.cli import main  # noqa: PLC0415 - once per run, as the script does

    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _poll(pid: int) -> str:
    found, status = os.waitpid(pid, os.WNOHANG)
    return str(os.waitstatus_to_exitcode(status)) if found else ""


def serve() -> None:
    """Answer on standard output what is asked on standard input, until that ends."""
    for name in PRELOADED:
        __import__(name)
    while line := sys.stdin.readline():
        word, *rest = line.rstrip("\n").split("\0")
        answer: Any = _fork(rest[0], rest[1], rest[2:]) if word == "start" else _poll(int(rest[0]))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
